import assert from "node:assert/strict";
import fc from "fast-check";
import { isNewerBoot } from "./boot-order.ts";
import { memoryStores } from "./fakes/memory-stores.ts";
import type { DeviceBoot } from "./ports.ts";

/** What one journal told: its boots in whatever order they arrived, none of them before its time. */
interface Told {
	readonly numbers: readonly number[];
	readonly journal: number;
}

/** A device's journals one after the other; the boots of each arrive at any time of its own, some more than once. */
const history = fc
	.array(
		fc.record({
			numbers: fc.array(fc.integer({ min: 1, max: 6 }), {
				minLength: 1,
				maxLength: 5,
			}),
			journal: fc.integer({ min: 1, max: 0xffff }),
		}),
		{ minLength: 1, maxLength: 4 },
	)
	.filter(
		(journals) =>
			new Set(journals.map(({ journal }) => journal)).size === journals.length,
	)
	.map((journals: readonly Told[]) =>
		journals.flatMap(({ numbers, journal }, era) =>
			numbers.map(
				(boot, i): DeviceBoot => ({
					board: "virtual",
					firmware: "1.2.3",
					journalId: journal.toString(16).padStart(16, "0"),
					boot,
					resetReason: "power_on",
					atMs: era * 100 + i,
				}),
			),
		),
	);

describe("the order of a device's boots", () => {
	it("ends with the newest, in whatever order instances have told of them", async () => {
		await fc.assert(
			fc.asyncProperty(
				history.chain((boots) =>
					fc.tuple(
						fc.constant(boots),
						fc.shuffledSubarray([...boots, ...boots], {
							minLength: boots.length * 2,
						}),
					),
				),
				async ([boots, told]) => {
					const last = boots.at(-1);
					assert.ok(last);
					const newest = Math.max(
						...boots
							.filter(({ journalId }) => journalId === last.journalId)
							.map(({ boot }) => boot),
					);
					const { devices } = memoryStores();
					await devices.create("roof", 1);
					let seenMs = 0;
					for (const boot of told) {
						await devices.update("roof", { boot, lastSeenMs: boot.atMs });
						const lastSeenMs = (await devices.get("roof"))?.lastSeenMs ?? 0;
						assert.ok(lastSeenMs >= seenMs);
						seenMs = lastSeenMs;
					}
					const inForce = (await devices.get("roof"))?.boot;
					assert.deepEqual(
						[inForce?.journalId, inForce?.boot],
						[last.journalId, newest],
					);
				},
			),
		);
	});

	it("takes of two boots one for the newer at most, and none for newer than itself", () => {
		fc.assert(
			fc.property(history, (boots) => {
				for (const a of boots) {
					assert.equal(isNewerBoot(a, a), false);
					for (const b of boots) {
						assert.ok(!(isNewerBoot(a, b) && isNewerBoot(b, a)));
					}
				}
			}),
		);
	});
});
