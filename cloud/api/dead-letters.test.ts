import assert from "node:assert/strict";
import { fakeCloud, jsonOf, NOW } from "./fakes/fake-cloud.ts";

interface Page {
	readonly deadLetters: readonly { readonly id: number }[];
	readonly next: string | null;
}

function letter(id: number) {
	return {
		id,
		thing: "boiler",
		topic: "$aws/rules/thinghz_blocks/boiler/block",
		reason: "bad_checksum",
		detail: "The checksum does not agree.",
		receivedMs: NOW,
		bytes: Uint8Array.of(0, 255, 16),
	};
}

describe("GET /v1/deadletters", () => {
	it("gives each with its sender, its reason and its bytes", async () => {
		const cloud = fakeCloud();
		cloud.deadLetters = [letter(1)];
		const response = await cloud.get("/v1/deadletters");
		assert.deepEqual(await response.json(), {
			deadLetters: [
				{
					id: 1,
					device: "boiler",
					topic: "$aws/rules/thinghz_blocks/boiler/block",
					reason: "bad_checksum",
					detail: "The checksum does not agree.",
					received: "2026-03-01T12:00:00.000Z",
					bytes: "AP8Q",
				},
			],
			next: null,
		});
	});

	it("pages newest first until there are no more", async () => {
		const cloud = fakeCloud();
		cloud.deadLetters = [5, 4, 3, 2, 1].map(letter);
		const pages: number[][] = [];
		let cursor = "";
		do {
			const response = await cloud.get(`/v1/deadletters?limit=2${cursor}`);
			const page = await jsonOf<Page>(response);
			pages.push(page.deadLetters.map(({ id }) => id));
			cursor = page.next === null ? "" : `&cursor=${page.next}`;
		} while (cursor !== "");
		assert.deepEqual(pages, [[5, 4], [3, 2], [1]]);
	});

	it("ends a page at 4 MB of messages, and the next goes on from there", async () => {
		const cloud = fakeCloud();
		const bytes = new Uint8Array(128 * 1024);
		cloud.deadLetters = Array.from({ length: 80 }, (_, i) => ({
			...letter(80 - i),
			bytes,
		}));
		const ids: number[] = [];
		const sizes: number[] = [];
		let cursor = "";
		do {
			const response = await cloud.get(`/v1/deadletters?limit=500${cursor}`);
			const page = await jsonOf<Page>(response);
			ids.push(...page.deadLetters.map(({ id }) => id));
			sizes.push(page.deadLetters.length);
			cursor = page.next === null ? "" : `&cursor=${page.next}`;
		} while (cursor !== "");
		assert.deepEqual(
			ids,
			cloud.deadLetters.map(({ id }) => id),
		);
		assert.deepEqual(sizes, [32, 32, 16]);
		// Nor is more than about one page's worth asked of the store at once.
		for (const asked of cloud.asked as { limit: number }[]) {
			assert.ok(asked.limit <= 32);
		}
	});

	it("gives a letter that is larger than a page by itself", async () => {
		const cloud = fakeCloud();
		const bytes = new Uint8Array(5 * 1024 * 1024);
		cloud.deadLetters = [{ ...letter(2), bytes }, letter(1)];
		const response = await cloud.get("/v1/deadletters");
		const page = await jsonOf<Page>(response);
		assert.deepEqual(
			page.deadLetters.map(({ id }) => id),
			[2],
		);
		assert.equal(page.next, "2");
	});

	it("gives as many small ones as were asked for", async () => {
		const cloud = fakeCloud();
		cloud.deadLetters = Array.from({ length: 600 }, (_, i) => letter(600 - i));
		const response = await cloud.get("/v1/deadletters?limit=500");
		const page = await jsonOf<Page>(response);
		assert.equal(page.deadLetters.length, 500);
		assert.equal(page.next, "101");
	});

	for (const query of ["limit=501", "cursor=x", "device=a/b", "since=2026"]) {
		it(`refuses ?${query}`, async () => {
			const response = await fakeCloud().get(`/v1/deadletters?${query}`);
			assert.equal(response.status, 400);
		});
	}
});
