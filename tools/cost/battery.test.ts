import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { type BatteryUse, reckonBattery } from "./battery.ts";
import { blockBytes } from "./block-size.ts";
import { CHIPS } from "./chips.ts";

const USE: BatteryUse = {
	chip: CHIPS.esp32,
	intervalS: 60,
	spanS: 900,
	blockBytes: 125,
	capacityMah: 2000,
	alwaysOn: false,
	connectS: 3.3,
};

const use: fc.Arbitrary<BatteryUse> = fc.record({
	chip: fc.constantFrom(...Object.values(CHIPS)),
	intervalS: fc.integer({ min: 5, max: 900 }),
	spanS: fc.integer({ min: 10, max: 86_400 }),
	blockBytes: fc.integer({ min: 40, max: 20_000 }),
	capacityMah: fc.integer({ min: 1, max: 100_000 }),
	alwaysOn: fc.boolean(),
	connectS: fc.double({ min: 0.1, max: 60, noNaN: true }),
});

describe("battery model", () => {
	it("adds up by hand", () => {
		// 4 contacts of 3.3 s, 60 wakes of 0.6 s, the rest asleep.
		const { radioOnSPerHour, bytesPerHour, mahPerDay, days } =
			reckonBattery(USE);
		assert.equal(radioOnSPerHour, 13.2);
		const sent = 950 + 1825 + 40 + 99 + (125 + 84 + 40) + 102;
		const received = 950 + 1474 + 73 + 73 + 71;
		assert.equal(bytesPerHour, 4 * (sent + received));
		const mas =
			13.2 * 110 +
			36 * 40 +
			(3600 - 49.2) * 0.01 +
			((4 * sent * 8) / 1e6) * (178 - 110);
		assert.ok(Math.abs(mahPerDay - (mas * 24) / 3600) < 1e-9);
		assert.equal(days, 2000 / mahPerDay);
	});

	it("takes no less than sleep alone, and no more than the radio all the time", () => {
		fc.assert(
			fc.property(use, (any) => {
				const { chip, capacityMah } = any;
				const life = reckonBattery(any);
				assert.ok(life.mahPerDay >= 24 * chip.sleepMa);
				assert.ok(life.mahPerDay <= 24 * chip.transmitMa);
				assert.ok(life.radioOnSPerHour <= 3600);
				assert.ok(Math.abs(life.days * life.mahPerDay - capacityMah) < 1e-6);
			}),
		);
	});

	it("lives no shorter for a longer span, for fewer samples, or for a faster connection", () => {
		fc.assert(
			fc.property(use, (any) => {
				const { days } = reckonBattery(any);
				for (const better of [
					{ spanS: 2 * any.spanS },
					{ intervalS: 2 * any.intervalS },
					{ connectS: any.connectS / 2 },
					{ capacityMah: 2 * any.capacityMah },
				])
					assert.ok(reckonBattery({ ...any, ...better }).days >= days - 1e-9);
			}),
		);
	});

	it("counts a span that one block does not hold as several messages", () => {
		const one = reckonBattery({ ...USE, blockBytes: 5000 }).bytesPerHour;
		const two = reckonBattery({ ...USE, blockBytes: 5001 }).bytesPerHour;
		assert.equal(two - one, 4 * (1 + 84 + 33));
	});
});

describe("docs/battery.md", () => {
	it("shows what the model says", () => {
		const text = readFileSync(
			new URL("../../docs/battery.md", import.meta.url),
			"utf8",
		);
		for (const [intervalS, spanS] of [
			[10, 10],
			[10, 60],
			[10, 300],
			[10, 900],
			[60, 60],
			[60, 300],
			[60, 900],
		] as const) {
			const bytes = blockBytes(intervalS * 1000, spanS * 1000, 3);
			const life = reckonBattery({
				...USE,
				intervalS,
				spanS,
				blockBytes: bytes,
			});
			const { radioOnSPerHour, bytesPerHour, mahPerDay, days } = life;
			const row = [
				`| ${spanS} s | ${bytes} B | ${Number(radioOnSPerHour.toPrecision(3))} s/h`,
				`| ${bytesPerHour.toLocaleString("en")} B/h`,
				`| ${mahPerDay.toPrecision(3)} mAh/day | ${Math.round(days)} days |`,
			].join(" ");
			assert.ok(text.includes(row), row);
		}
		const seldom = { ...USE, intervalS: 300, blockBytes: 90 };
		assert.ok(text.includes(`${Math.round(reckonBattery(seldom).days)} days.`));
	});
});

describe("length of a block", () => {
	it("grows with its samples and channels, and is far from one byte a value and more", () => {
		const small = blockBytes(10_000, 60_000, 3);
		const long = blockBytes(10_000, 900_000, 3);
		const wide = blockBytes(10_000, 900_000, 16);
		assert.ok(small < long && long < wide);
		assert.ok(long < 90 * 3);
	});

	it("is that of one sample where the span is no longer than the interval", () => {
		assert.equal(blockBytes(60_000, 60_000, 3), blockBytes(60_000, 10_000, 3));
	});
});
