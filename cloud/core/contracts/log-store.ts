import assert from "node:assert/strict";
import type { KeptCrash, KeptLine, LogStore } from "../node-logs.ts";

const NOW = 1_800_000_000_000;

function line(
	boot: number,
	number: number,
	more: Partial<KeptLine> = {},
): KeptLine {
	return {
		boot,
		number,
		uptimeMs: number * 1000,
		atMs: NOW + number,
		isLatest: false,
		level: "info",
		text: `line ${number} of ${boot} – ü`,
		receivedMs: NOW,
		...more,
	};
}

function crash(
	device: string,
	boot: number,
	toldMs: number,
	more: Partial<KeptCrash> = {},
): KeptCrash {
	return {
		device,
		boot,
		uptimeMs: 60_000,
		reason: "crash",
		board: "virtual",
		firmware: "1.2.3",
		atMs: toldMs - 5000,
		freeBytes: 1234,
		cause: "uncaught exception: Error: x",
		untold: 0,
		toldMs,
		...more,
	};
}

/** What every LogStore does. @param make a new, empty one, whose clock says about `NOW` */
export function logStoreContract(
	name: string,
	make: (nowMs: number) => Promise<LogStore>,
): void {
	describe(`${name} log store`, () => {
		let logs: LogStore;

		beforeEach(async () => {
			logs = await make(NOW);
		});

		it("gives back lines as they were, newest first, by boot and number", async () => {
			const all = [
				line(1, 9, { level: "error" }),
				line(2, 10, { isLatest: true }),
				line(2, 300, { text: "" }),
				line(16, 301),
				// Numbers begin anew where power was lost.
				line(17, 1),
			];
			await logs.addLines("roof", [all[3], all[0]] as KeptLine[]);
			await logs.addLines("roof", [all[4], all[1], all[2]] as KeptLine[]);
			await logs.addLines("cellar", [line(5, 5)]);
			await logs.addLines("roof-2", [line(18, 5)]);
			assert.deepEqual(
				await logs.lines("roof", { limit: 10 }),
				[...all].reverse(),
			);
			assert.deepEqual(await logs.lines("nobody", { limit: 10 }), []);
			await logs.addLines("roof", []);
		});

		it("keeps a line once, as it came first", async () => {
			await logs.addLines("roof", [line(1, 1), line(1, 2)]);
			await logs.addLines("roof", [
				line(1, 2, { atMs: NOW + 77, receivedMs: NOW + 80 }),
				line(1, 3),
			]);
			assert.deepEqual(await logs.lines("roof", { limit: 10 }), [
				line(1, 3),
				line(1, 2),
				line(1, 1),
			]);
		});

		it("gives lines page by page", async () => {
			const all = Array.from({ length: 25 }, (_, n) => line(1 + (n >> 3), n));
			await logs.addLines("roof", all);
			const pages: KeptLine[] = [];
			for (;;) {
				const after = pages.at(-1);
				const page = await logs.lines("roof", {
					limit: 7,
					...(after === undefined ? {} : { after }),
				});
				if (page.length === 0) break;
				assert.ok(page.length <= 7);
				pages.push(...page);
			}
			assert.deepEqual(pages, all.reverse());
		});

		it("gives back crashes as they were, of one device and of all, newest first", async () => {
			const first = crash("roof", 3, NOW);
			const second = crash("cellar", 9, NOW + 1, {
				firmware: null,
				uptimeMs: null,
				atMs: null,
				freeBytes: null,
				cause: null,
				reason: "watchdog",
			});
			const third = crash("roof", 20, NOW + 1, { untold: 4 });
			const fourth = crash("roof-2", 1, NOW + 2);
			for (const one of [third, first, fourth, second])
				await logs.addCrash(one);
			assert.deepEqual(await logs.crashes({ limit: 10 }), [
				fourth,
				third,
				second,
				first,
			]);
			assert.deepEqual(await logs.crashes({ limit: 10, device: "roof" }), [
				third,
				first,
			]);
			assert.deepEqual(await logs.crashes({ limit: 10, device: "nobody" }), []);
		});

		it("keeps a crash once, as it was told first", async () => {
			const told = crash("roof", 3, NOW);
			await logs.addCrash(told);
			await logs.addCrash({ ...told, toldMs: NOW + 5 });
			await logs.addCrash({ ...told, uptimeMs: 61_000 });
			assert.deepEqual(
				(await logs.crashes({ limit: 10, device: "roof" })).map(
					({ uptimeMs, toldMs }) => [uptimeMs, toldMs],
				),
				[
					[61_000, NOW],
					[60_000, NOW],
				],
			);
		});

		it("gives crashes page by page, of one device and of all", async () => {
			const all: KeptCrash[] = [];
			for (let n = 0; n < 12; n++) {
				const one = crash(n % 3 === 0 ? "roof" : "cellar", n, NOW + (n >> 1));
				all.push(one);
				await logs.addCrash(one);
			}
			for (const device of [undefined, "roof"]) {
				const pages: KeptCrash[] = [];
				for (;;) {
					const after = pages.at(-1);
					const page = await logs.crashes({
						limit: 3,
						...(device === undefined ? {} : { device }),
						...(after === undefined ? {} : { after }),
					});
					if (page.length === 0) break;
					pages.push(...page);
				}
				const wanted = all.filter(
					(one) => device === undefined || one.device === device,
				);
				assert.equal(pages.length, wanted.length);
				assert.deepEqual(
					new Set(pages.map(({ boot }) => boot)),
					new Set(wanted.map(({ boot }) => boot)),
				);
			}
		});

		it("forgets a device's lines and crashes, all of them, and nobody else's", async () => {
			const lines = Array.from({ length: 20 }, (_, n) => line(1 + (n >> 3), n));
			await logs.addLines("roof", lines);
			await logs.addLines("roof-2", [line(1, 1)]);
			await logs.addLines("roo", [line(1, 1)]);
			for (let boot = 1; boot <= 9; boot++)
				await logs.addCrash(crash("roof", boot, NOW + boot));
			const others = [crash("roof-2", 1, NOW), crash("roo", 1, NOW)];
			for (const one of others) await logs.addCrash(one);
			await logs.removeThing("roof");
			assert.deepEqual(await logs.lines("roof", { limit: 10 }), []);
			assert.deepEqual(await logs.crashes({ limit: 10, device: "roof" }), []);
			assert.deepEqual(await logs.crashes({ limit: 10 }), others);
			for (const other of ["roof-2", "roo"])
				assert.deepEqual(await logs.lines(other, { limit: 10 }), [line(1, 1)]);
			// Again, and of one that there is nothing of; and the name may be given anew.
			await logs.removeThing("roof");
			await logs.removeThing("nobody");
			await logs.addLines("roof", [line(1, 1)]);
			await logs.addCrash(crash("roof", 1, NOW + 9));
			assert.deepEqual(await logs.lines("roof", { limit: 10 }), [line(1, 1)]);
			assert.equal((await logs.crashes({ limit: 10 })).length, 3);
		});
	});
}
