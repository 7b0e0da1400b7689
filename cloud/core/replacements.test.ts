import assert from "node:assert/strict";
import fc from "fast-check";
import { replacementStoreContract } from "./contracts/replacement-store.ts";
import { memoryReplacements } from "./fakes/memory-replacements.ts";
import type { DeviceCertificate } from "./ports.ts";
import {
	areTooMany,
	claimOf,
	replacementsAmong,
	retirementBy,
	retireReplaced,
} from "./replacements.ts";

const [OLD, NEW, OTHER] = ["0", "1", "2"].map((digit) => digit.repeat(64)) as [
	string,
	string,
	string,
];

replacementStoreContract("A memory", async () => memoryReplacements());

describe("A certificate that takes another's place", () => {
	const setUp = async () => {
		const store = memoryReplacements();
		await store.note({ certificateId: NEW, thing: "boiler", replaces: OLD }, 1);
		const revoked: string[] = [];
		const revoke = async (id: string): Promise<void> => {
			revoked.push(id);
		};
		return { store, revoked, revoke };
	};

	it("has it revoked by the first connection of its thing, once", async () => {
		const { store, revoked, revoke } = await setUp();
		assert.deepEqual(await retireReplaced(store, revoke, "boiler", NEW, 5), [
			OLD,
		]);
		assert.deepEqual(await retireReplaced(store, revoke, "boiler", NEW, 5), []);
		assert.deepEqual(revoked, [OLD]);
	});

	it("has nothing revoked by another thing, the old certificate, or one that nobody knows", async () => {
		const { store, revoked, revoke } = await setUp();
		await store.note({ certificateId: OLD, thing: "boiler", replaces: OLD }, 1);
		for (const [thing, id] of [
			["roof", NEW],
			["boiler", OLD],
			["boiler", OTHER],
		] as const)
			assert.deepEqual(await retireReplaced(store, revoke, thing, id, 5), []);
		assert.deepEqual(revoked, []);
	});

	it("has it revoked by the next connection where that failed", async () => {
		const { store, revoked, revoke } = await setUp();
		const fails = () => Promise.reject(new Error("throttled"));
		await assert.rejects(retireReplaced(store, fails, "boiler", NEW, 5));
		assert.deepEqual(await retireReplaced(store, revoke, "boiler", NEW, 5), [
			OLD,
		]);
		assert.deepEqual(revoked, [OLD]);
	});

	// Whoever has stolen the old key may have asked as well, before the node or after it.
	it("has another one revoked that was given out for the same, whichever is used first", async () => {
		for (const [used, unused] of [
			[NEW, OTHER],
			[OTHER, NEW],
		] as const) {
			const { store, revoked, revoke } = await setUp();
			const other = { certificateId: OTHER, thing: "boiler", replaces: OLD };
			await store.note(other, 2);
			await retireReplaced(store, revoke, "boiler", used, 5);
			assert.deepEqual(revoked.sort(), [OLD, unused].sort());
			assert.deepEqual(
				await retireReplaced(store, revoke, "boiler", used, 5),
				[],
			);
		}
	});

	it("stays alone of several that are used at the same time, whatever fails meanwhile", async () => {
		const ids = ["a", "b", "c"].map((digit) => digit.repeat(64));
		for (let failing = 0; failing < 12; failing++) {
			const store = memoryReplacements();
			for (const certificateId of ids)
				await store.note({ certificateId, thing: "boiler", replaces: OLD }, 1);
			const gone = new Set<string>();
			let left = failing;
			const retire = (id: string) =>
				retireReplaced(
					store,
					async (each) => {
						if (left-- === 0) throw new Error("throttled");
						gone.add(each);
					},
					"boiler",
					id,
					5,
				);
			for (const outcome of await Promise.allSettled(ids.map(retire)))
				if (outcome.status === "rejected")
					assert.match(String(outcome.reason), /throttled/);
			left = -1;
			// Events come again until they are done with, in any order.
			for (const id of [...ids].reverse()) await retire(id);
			const staying = ids.filter((id) => !gone.has(id));
			assert.deepEqual([staying.length, gone.has(OLD)], [1, true]);
			assert.equal(await store.settledBy(OLD), staying[0]);
		}
	});

	it("goes itself once it is used where another has been used before, though it came into force after that", async () => {
		const { store, revoked, revoke } = await setUp();
		await retireReplaced(store, revoke, "boiler", NEW, 5);
		const late = { certificateId: OTHER, thing: "boiler", replaces: OLD };
		await store.note(late, 6);
		const next = "3".repeat(64);
		const child = { certificateId: next, thing: "boiler", replaces: OTHER };
		await store.note(child, 7);
		for (const id of [next, OTHER])
			assert.deepEqual(await retireReplaced(store, revoke, "boiler", id, 8), [
				id,
			]);
		assert.deepEqual(revoked, [OLD, next, OTHER]);
		assert.deepEqual(await retireReplaced(store, revoke, "boiler", NEW, 9), []);
	});

	it("is refused where ten have been given out for the same in a quarter of an hour", () => {
		const quarterMs = 15 * 60_000;
		const successors = Array.from({ length: 10 }, (_, n) => ({
			certificateId: `${n}`,
			sinceMs: n * 1000,
		}));
		assert.ok(areTooMany(successors, 9000));
		assert.ok(!areTooMany(successors.slice(1), 9000));
		assert.ok(areTooMany(successors, quarterMs - 1));
		assert.ok(!areTooMany(successors, quarterMs));
	});

	it("leaves in force what is to take its own place, which is tried before it is used", async () => {
		const { store, revoked, revoke } = await setUp();
		const next = { certificateId: OTHER, thing: "boiler", replaces: NEW };
		await store.note(next, 2);
		await retireReplaced(store, revoke, "boiler", NEW, 5);
		assert.deepEqual(revoked, [OLD]);
		await retireReplaced(store, revoke, "boiler", OTHER, 5);
		assert.deepEqual(revoked, [OLD, NEW]);
	});

	it("of a name that was claimed several times, has all the others revoked by the first that connects, whichever that is", async () => {
		const ids = ["a", "b", "c", "d"].map((digit) => digit.repeat(64));
		for (const first of ids) {
			const store = memoryReplacements();
			const replaces = claimOf("boiler", 7);
			for (const certificateId of ids)
				await store.note({ certificateId, thing: "boiler", replaces }, 1);
			const revoked: string[] = [];
			const retire = (id: string, failsAt = Number.POSITIVE_INFINITY) =>
				retireReplaced(
					store,
					async (each) => {
						if (revoked.length >= failsAt) throw new Error("throttled");
						revoked.push(each);
					},
					"boiler",
					id,
					5,
				);
			await assert.rejects(retire(first, 1));
			revoked.length = 0;
			await retire(first);
			assert.deepEqual(
				revoked.sort(),
				ids.filter((id) => id !== first),
			);
			assert.deepEqual(await retire(first), []);
		}
	});

	it("of a name that was claimed anew leaves alone what came of the claim before", async () => {
		const store = memoryReplacements();
		const revoke = async () => assert.fail();
		for (const [certificateId, claimedMs] of [
			[OLD, 1],
			[NEW, 2],
		] as const) {
			const replaces = claimOf("boiler", claimedMs);
			await store.note({ certificateId, thing: "boiler", replaces }, 1);
		}
		for (const id of [NEW, OLD])
			assert.deepEqual(
				await retireReplaced(store, revoke, "boiler", id, 5),
				[],
			);
	});

	it("of a name that was claimed once, or of other names, has none revoked", async () => {
		const store = memoryReplacements();
		for (const [thing, certificateId] of [
			["boiler", NEW],
			["roof", OLD],
		] as const)
			await store.note(
				{ certificateId, thing, replaces: claimOf(thing, 7) },
				1,
			);
		const revoke = async () => assert.fail();
		for (const [thing, id] of [
			["boiler", NEW],
			["roof", OLD],
		] as const)
			assert.deepEqual(await retireReplaced(store, revoke, thing, id, 5), []);
	});

	it("retires all of its family but itself and what comes after it, whatever was given out in which order, on both clouds", async () => {
		await fc.assert(
			fc.asyncProperty(
				// Of each but the first, which of those before it it takes the place of.
				fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
				fc.nat(),
				async (choices, choice) => {
					const store = memoryReplacements();
					const known: DeviceCertificate[] = [];
					const parents: (number | null)[] = [null];
					known.push(certificate(0, null));
					for (const [i, n] of choices.entries()) {
						const parent = n % (i + 1);
						parents.push(parent);
						known.push(certificate(i + 1, parent));
						await store.note(
							{
								certificateId: `${i + 1}`,
								thing: "boiler",
								replaces: `${parent}`,
							},
							i,
						);
					}
					const used = choice % parents.length;
					const comesAfter = (at: number | null | undefined): boolean =>
						at === used ||
						(at !== null && at !== undefined && comesAfter(parents[at]));
					const expected = parents
						.map((_, at) => at)
						// The first takes nobody's place.
						.filter((at) => used !== 0 && !comesAfter(at))
						.map(String);
					for (const replacements of [store, replacementsAmong(known)]) {
						const retired = await retirementBy(
							replacements,
							"boiler",
							`${used}`,
						);
						assert.deepEqual([...retired].sort(), expected.sort());
					}
				},
			),
		);
	});
});

function certificate(at: number, parent: number | null): DeviceCertificate {
	return {
		certificateId: `${at}`,
		thing: "boiler",
		status: "ACTIVE",
		createdMs: at,
		...(parent === null ? {} : { replaces: `${parent}` }),
	};
}
