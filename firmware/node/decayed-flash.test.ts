/** A node on flash of which any bytes have become others. */
import fc from "fast-check";
import {
	assertNothingLost,
	HOUR_MS,
	MINUTE_MS,
	makeOddDurable,
	start,
} from "./fakes/boots.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { HeapFlash } from "./heap-flash.ts";

interface Damage {
	/** Where, as a share of what is in use. */
	readonly at: number;
	readonly bytes: Uint8Array;
}

const DAMAGE = fc.array(
	fc.record({
		at: fc.double({ min: 0, max: 1, noNaN: true }),
		bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
	}),
	{ minLength: 1, maxLength: 40 },
);

/** A copy with the damage in its first `usedBytes`. */
function damaged(
	flash: HeapFlash,
	usedBytes: number,
	damage: readonly Damage[],
): HeapFlash {
	const image = new Uint8Array(flash.sizeBytes);
	flash.read(0, image);
	for (const { at, bytes } of damage)
		image.set(bytes, Math.floor(at * (usedBytes - bytes.length)));
	const copy = new HeapFlash(
		flash.sizeBytes / flash.sectorBytes,
		flash.sectorBytes,
	);
	copy.program(0, image);
	return copy;
}

describe("A node on flash that has decayed", () => {
	it("starts, takes no identity twice, and delivers all that it measures from then on", () => {
		const durable = makeOddDurable();
		start(durable, new FakeCloud(), 1, ({ network }) => {
			network.failWith = "tcp";
		}).board.timers.advance(HOUR_MS);
		fc.assert(
			fc.property(
				DAMAGE,
				DAMAGE,
				fc.boolean(),
				(journal, checkpoints, forgets) => {
					const settings = makeOddDurable().settings;
					for (const [key, value] of durable.settings.values)
						if (!forgets || key === "config") settings.set(key, value);
					const worn = {
						settings,
						journal: damaged(durable.journal, 24 * 4096, journal),
						checkpoints: damaged(durable.checkpoints, 16 * 4096, checkpoints),
					};
					const cloud = new FakeCloud();
					for (const nth of [2, 3]) {
						const node = start(worn, cloud, nth);
						node.board.timers.advance(5 * MINUTE_MS);
						node.stop();
						assertNothingLost(cloud, node);
					}
				},
			),
			{ numRuns: 150 },
		);
	});
});
