import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { MONTH_S } from "./assumptions.ts";
import { type AwsUse, type BlockStream, reckonAws } from "./aws.ts";
import { type Bill, PRICES, type PriceName } from "./bill.ts";
import { DESIGN } from "./design.ts";
import { reckonNaive } from "./naive.ts";
import { healthStream, readingsStream } from "./streams.ts";

const USE: AwsUse = {
	devices: 1000,
	readings: readingsStream(1000, 300_000, 3),
	health: healthStream(),
	months: 3,
	timeSeries: "none",
	people: 10,
	grafana: { editors: 0, viewers: 0 },
	design: DESIGN,
};

function eachUsd(bill: Bill, devices = USE.devices): number {
	return (bill.totalUsd() - bill.freeUsd()) / devices;
}

function quantity(bill: Bill, what: string): number {
	const line = bill.lines.find((one) => one.what === what);
	assert.ok(line, `nothing is paid for "${what}"`);
	return line.quantity;
}

const stream: fc.Arbitrary<BlockStream> = fc.record({
	channels: fc.integer({ min: 1, max: 16 }),
	intervalS: fc.integer({ min: 1, max: 600 }),
	spanS: fc.integer({ min: 1, max: 86_400 }),
	blockBytes: fc.integer({ min: 40, max: 5000 }),
	blocksASpan: fc.integer({ min: 1, max: 3 }),
});

const use: fc.Arbitrary<AwsUse> = fc.record({
	devices: fc.integer({ min: 1, max: 1_000_000 }),
	readings: stream,
	health: fc.option(stream),
	months: fc.integer({ min: 1, max: 36 }),
	timeSeries: fc.constantFrom("none", "timestream", "influxdb"),
	people: fc.integer({ min: 0, max: 100_000 }),
	grafana: fc.record({ editors: fc.nat(100), viewers: fc.nat(100) }),
	design: fc.constant(DESIGN),
});

describe("what a fleet costs on AWS", () => {
	it("is at most $0.03 a device-month for 3 channels at 1 Hz in blocks of 300 s, kept for 3 months by 1,000 devices", () => {
		assert.ok(eachUsd(reckonAws(USE)) <= 0.03, `${eachUsd(reckonAws(USE))}`);
	});

	it("is some $0.04 without the units of each month that are free", () => {
		assert.ok(reckonAws(USE).totalUsd() / USE.devices <= 0.042);
	});

	it("is less than a hundred and fiftieth of what a message for each sample costs", () => {
		const naive = reckonNaive({
			devices: 1000,
			channels: 3,
			intervalS: 1,
			months: 3,
		});
		const each = eachUsd(naive);
		assert.ok(each > 5.1 && each < 5.5, `${each}`);
		assert.ok(each / eachUsd(reckonAws(USE)) > 150);
	});

	it("counts by hand what a device's connection and its blocks take", () => {
		const bill = reckonAws({ ...USE, health: null });
		assert.equal(quantity(bill, "being connected"), 1000 * 43_830);
		const events = 3 * 30.4375 * 1000;
		assert.equal(quantity(bill, "blocks written"), 1000 * 8766);
		assert.equal(
			quantity(bill, "a rule for each message"),
			1000 * 8766 + events,
		);
		assert.equal(quantity(bill, "a message sent"), 1000 * 8766 + events);
		const kept = 3 * 8766 * (USE.readings.blockBytes + 90 + 100);
		assert.ok(
			Math.abs(quantity(bill, "blocks kept") / (kept / 1e6) - 1) < 0.2,
			"about what the block and its key take",
		);
	});

	it("pays for a rule by 5 KB and for a write by 1 KB", () => {
		const readings = { ...USE.readings, blockBytes: 5121, blocksASpan: 1 };
		const bill = reckonAws({ ...USE, readings, health: null });
		const blocks = 1000 * 8766;
		const events = 3 * 30.4375 * 1000;
		assert.equal(
			quantity(bill, "a rule for each message"),
			2 * blocks + events,
		);
		assert.equal(quantity(bill, "blocks written"), 6 * blocks);
	});

	it("adds a row store only where there is one", () => {
		const services = (timeSeries: AwsUse["timeSeries"]) => [
			...reckonAws({ ...USE, timeSeries })
				.byService()
				.keys(),
		];
		assert.ok(!services("none").some((name) => name.includes("Timestream")));
		assert.ok(services("timestream").includes("Timestream"));
		assert.ok(services("influxdb").includes("Timestream for InfluxDB"));
	});

	it("never falls when there is more of anything", () => {
		fc.assert(
			fc.property(use, (given) => {
				const before = reckonAws(given).totalUsd();
				for (const more of [
					{ ...given, devices: given.devices + 1 },
					{ ...given, months: given.months + 1 },
					{ ...given, people: given.people + 1 },
					{
						...given,
						readings: {
							...given.readings,
							blockBytes: given.readings.blockBytes + 100,
						},
					},
				]) {
					const after = reckonAws(more).totalUsd();
					assert.ok(after >= before - 1e-9, JSON.stringify(more));
				}
			}),
		);
	});

	it("bills nothing that is not a number, and never pays for less than nothing", () => {
		fc.assert(
			fc.property(use, (given) => {
				const bill = reckonAws(given);
				for (const line of bill.lines) {
					assert.ok(
						Number.isFinite(line.quantity) && line.quantity > 0,
						line.what,
					);
					assert.equal(line.usd, line.quantity * PRICES.prices[line.price].usd);
				}
				const sum = [...bill.byService().values()].reduce((a, b) => a + b, 0);
				assert.ok(Math.abs(sum - bill.totalUsd()) <= 1e-9 * sum);
				assert.ok(bill.freeUsd() <= bill.totalUsd());
			}),
		);
	});
});

describe("the prices", () => {
	it("each have a source on AWS's own pages, a unit, and when they were read", () => {
		for (const [name, price] of Object.entries(PRICES.prices)) {
			assert.ok(price.usd > 0, name);
			assert.ok(price.per.length > 0, name);
			assert.match(price.source, /^https:\/\/aws\.amazon\.com\/.+\/pricing\//);
			assert.match(price.checked, /^(\d{4}-\d{2}|unverified)/, name);
		}
	});

	it("are all used by some line", () => {
		const used = new Set<PriceName>();
		const all = { editors: 1, viewers: 1 };
		for (const timeSeries of ["none", "timestream", "influxdb"] as const) {
			const bill = reckonAws({ ...USE, timeSeries, grafana: all });
			for (const line of bill.lines) used.add(line.price);
		}
		const naive = { devices: 1, channels: 1, intervalS: 1, months: 1 };
		for (const line of reckonNaive(naive).lines) used.add(line.price);
		assert.deepEqual(
			Object.keys(PRICES.prices).filter((name) => !used.has(name as PriceName)),
			[],
		);
	});

	it("take a month as the twelfth part of a year of 365.25 days", () => {
		assert.equal(MONTH_S * 12, 365.25 * 86_400);
	});
});

describe("Grafana", () => {
	it("pays for a client of its own where it asks the API, and there alone", () => {
		const paid = (changes: Partial<AwsUse>) =>
			reckonAws({ ...USE, ...changes })
				.lines.filter(({ what }) => what.startsWith("Grafana's"))
				.map(({ quantity }) => quantity);
		const grafana = { editors: 1, viewers: 0 };
		assert.deepEqual(paid({ grafana }), [1, MONTH_S / 86_400]);
		assert.deepEqual(paid({ grafana, timeSeries: "influxdb" }), []);
		assert.deepEqual(paid({}), []);
	});
});

describe("docs/cost.md", () => {
	const page = readFileSync("docs/cost.md", "utf8");

	for (const [row, changes] of [
		["1,000 devices, 3 months", {}],
		["1,000 devices, 13 months", { months: 13 }],
		["100 devices, 3 months", { devices: 100 }],
		["10,000 devices, 3 months", { devices: 10_000 }],
		[
			"1,000 devices, 3 months, a sample every 10 s",
			{ readings: readingsStream(10_000, 300_000, 3) },
		],
		[
			"1,000 devices, 3 months, blocks of 60 s",
			{ readings: readingsStream(1000, 60_000, 3) },
		],
		["1,000 devices, 3 months, with Timestream", { timeSeries: "timestream" }],
		["1,000 devices, 3 months, with InfluxDB", { timeSeries: "influxdb" }],
	] as const) {
		it(`shows what the model says of ${row}`, () => {
			const given = { ...USE, ...changes };
			const bill = reckonAws(given);
			const paid = eachUsd(bill, given.devices).toFixed(4);
			const all = (bill.totalUsd() / given.devices).toFixed(4);
			assert.ok(
				page.includes(`| ${row} | $${paid} | $${all} |`),
				`| ${row} | $${paid} | $${all} |`,
			);
		});
	}
});
