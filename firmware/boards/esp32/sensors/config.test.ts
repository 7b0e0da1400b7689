import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSensors, SensorConfigError } from "./config.ts";
import { I2C_MODELS } from "./models.ts";

function parse(...entries: unknown[]) {
	return parseSensors(JSON.stringify(entries));
}

describe("the configuration of the sensors", () => {
	it("may be empty", () => {
		assert.deepEqual(parse(), []);
	});

	it("needs no more than a type: the usual address, the board's bus, 100 kHz", () => {
		assert.deepEqual(parse({ type: "sht3x" }), [
			{
				type: "sht3x",
				name: undefined,
				bus: "default",
				address: 0x44,
				hz: 100_000,
			},
		]);
	});

	it("takes each kind of sensor at each address it can have", () => {
		for (const [type, { addresses }] of Object.entries(I2C_MODELS))
			for (const address of addresses)
				assert.equal(parse({ type, address }).length, 1);
	});

	it("takes name, pins and speed of the bus", () => {
		assert.deepEqual(
			parse({
				type: "bmp280",
				name: "attic",
				bus: { data: 21, clock: 22 },
				address: 119,
				hz: 400_000,
			}),
			[
				{
					type: "bmp280",
					name: "attic",
					bus: { data: 21, clock: 22 },
					address: 119,
					hz: 400_000,
				},
			],
		);
	});

	it("takes a thermistor by β, with what is usual for the rest", () => {
		assert.deepEqual(parse({ type: "ntc", pin: 4, beta: 3950 }), [
			{
				type: "ntc",
				name: undefined,
				pin: 4,
				divider: {
					side: "ground",
					seriesOhms: 10_000,
					supplyMillivolts: 3300,
				},
				curve: { beta: 3950, nominalOhms: 10_000 },
			},
		]);
	});

	it("takes a thermistor by the coefficients of Steinhart and Hart", () => {
		const [config] = parse({
			type: "ntc",
			pin: 4,
			side: "supply",
			seriesOhms: 47_000,
			supplyMillivolts: 5000,
			steinhart: [1e-3, 2e-4, 2e-7],
		});
		assert.deepEqual(config?.type === "ntc" && config.curve, {
			steinhart: [1e-3, 2e-4, 2e-7],
		});
	});

	it("takes two sensors of a kind at two addresses, pins or buses", () => {
		assert.equal(
			parse(
				{ type: "sht3x", address: 0x44 },
				{ type: "sht3x", address: 0x45 },
				{ type: "sht3x", bus: { data: 1, clock: 2 } },
				{ type: "ntc", pin: 1, beta: 3950 },
				{ type: "ntc", pin: 2, beta: 3950 },
			).length,
			5,
		);
	});

	const ntc = { type: "ntc", pin: 4, beta: 3950 };
	for (const [what, entries, member] of [
		["an entry that is no object", [7], "[0]"],
		["an entry that is null", [null], "[0]"],
		["an entry that is an array", [[]], "[0]"],
		["no type", [{}], "[0].type"],
		["a type that is no string", [{ type: 1 }], "[0].type"],
		["a type that is not known", [{ type: "dht22" }], "[0].type"],
		["a type of Object's own", [{ type: "toString" }], "[0].type"],
		["a misspelt member", [{ type: "sht3x", adress: 68 }], "[0].adress"],
		[
			"an address of another sensor",
			[{ type: "sht3x", address: 0x76 }],
			"[0].address",
		],
		[
			"an address that is a string",
			[{ type: "sht3x", address: "0x44" }],
			"[0].address",
		],
		[
			"an address between two",
			[{ type: "sht3x", address: 68.5 }],
			"[0].address",
		],
		["a bus of another name", [{ type: "sht3x", bus: "second" }], "[0].bus"],
		[
			"a bus without clock",
			[{ type: "sht3x", bus: { data: 1 } }],
			"[0].bus.clock",
		],
		[
			"a bus on one pin",
			[{ type: "sht3x", bus: { data: 1, clock: 1 } }],
			"[0].bus.clock",
		],
		[
			"a pin that no chip has",
			[{ type: "sht3x", bus: { data: 1, clock: 49 } }],
			"[0].bus.clock",
		],
		[
			"a bus with more",
			[{ type: "sht3x", bus: { data: 1, clock: 2, hz: 1 } }],
			"[0].bus.hz",
		],
		["a bus that is too fast", [{ type: "sht3x", hz: 2_000_000 }], "[0].hz"],
		["an empty name", [{ type: "sht3x", name: "" }], "[0].name"],
		["a name with a dot", [{ type: "sht3x", name: "a.b" }], "[0].name"],
		[
			"a name that is too long",
			[{ type: "sht3x", name: "a".repeat(17) }],
			"[0].name",
		],
		["a thermistor without pin", [{ type: "ntc", beta: 3950 }], "[0].pin"],
		["a thermistor without curve", [{ type: "ntc", pin: 4 }], "[0].beta"],
		["a β out of range", [{ ...ntc, beta: 10 }], "[0].beta"],
		["a resistance of nothing", [{ ...ntc, seriesOhms: 0 }], "[0].seriesOhms"],
		["a side that there is not", [{ ...ntc, side: "left" }], "[0].side"],
		[
			"two coefficients",
			[{ type: "ntc", pin: 4, steinhart: [1, 2] }],
			"[0].steinhart",
		],
		[
			"coefficients of text",
			[{ type: "ntc", pin: 4, steinhart: [1, 2, "3"] }],
			"[0].steinhart",
		],
		["β beside coefficients", [{ ...ntc, steinhart: [1, 2, 3] }], "[0].beta"],
		["an address on a thermistor", [{ ...ntc, address: 1 }], "[0].address"],
		[
			"two sensors at one address",
			[
				{ type: "bmp280", address: 0x76 },
				{ type: "bme68x", address: 0x76 },
			],
			"[1]",
		],
		["two thermistors on one pin", [ntc, ntc], "[1]"],
		[
			"the second of two that is wrong",
			[ntc, { type: "sht3x", hz: 1 }],
			"[1].hz",
		],
		[
			"nine sensors",
			Array.from({ length: 9 }, (_, pin) => ({ ...ntc, pin })),
			"",
		],
	] as const) {
		it(`is refused with ${what}, naming "${member}"`, () => {
			assert.throws(
				() => parse(...entries),
				(error) => {
					assert.ok(error instanceof SensorConfigError);
					assert.equal(error.member, member);
					assert.equal(error.code, "sensor_config");
					assert.match(error.message, /^(The sensors|sensors\[).+\.$/);
					return true;
				},
			);
		});
	}

	for (const json of ["", "{", "{}", "null", "7", '"sht3x"']) {
		it(`is refused when it is ${json === "" ? "empty" : json}`, () => {
			assert.throws(() => parseSensors(json), SensorConfigError);
		});
	}

	it("is refused, never a crash, whatever JSON it is", () => {
		fc.assert(
			fc.property(fc.json({ maxDepth: 3 }), (json) => {
				try {
					parseSensors(json);
				} catch (error) {
					assert.ok(error instanceof SensorConfigError);
				}
			}),
		);
	});
});
