import assert from "node:assert/strict";
import fc from "fast-check";
import { MISSING } from "../../protocol/block.ts";
import { FakeSensor, FakeSystem } from "./fakes/board.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import type { SensorPort } from "./ports.ts";
import { SensorReader, toRaw } from "./sensor-reader.ts";

function setUp() {
	const timers = new VirtualTimers();
	const system = new FakeSystem();
	const first = new FakeSensor(timers, () => [2153, 5000]);
	const second = new FakeSensor(timers, () => [-1, 0]);
	const reader = new SensorReader([first, second], "all", timers, system);
	const row = new Int32Array(4);
	const read = (): number[] => {
		reader.read(row);
		return [...row];
	};
	return { timers, system, first, second, reader, read };
}

describe("sensor reader", () => {
	it("reads each channel as a raw integer, in the order of the sensors", () => {
		const { read, reader } = setUp();
		assert.deepEqual(read(), [2153, 5000, -1, 0]);
		assert.equal(reader.channelCount, 4);
		assert.deepEqual(reader.channels[0], {
			id: "temperature",
			unit: "°C",
			exponent: -2,
			kind: "gauge",
		});
	});

	it("opens a sensor once, and not at all when none of its channels is wanted", () => {
		const { first, read, timers, system } = setUp();
		read();
		read();
		assert.equal(first.opens, 1);
		const other = new FakeSensor(timers, () => [1, 2]);
		const none = new SensorReader([other], ["wind"], timers, system);
		none.read(new Int32Array(0));
		assert.equal(other.opens, 0);
		assert.equal(none.channelCount, 0);
	});

	it("marks the channels of a sensor that throws missing, and goes on with the others", () => {
		const { first, read, reader, system } = setUp();
		read();
		first.broken = true;
		assert.deepEqual(read(), [MISSING, MISSING, -1, 0]);
		assert.equal(first.closes, 1);
		assert.equal(reader.faults, 1);
		assert.match(system.logs[0] ?? "", /no answer/);
	});

	it("takes a sample that a channel cannot be read from for a fault of the sensor", () => {
		const { second, timers, system } = setUp();
		const [first] = second.channels;
		let samples = 0;
		const odd: SensorPort = {
			name: "odd",
			channels: [
				first!,
				{
					...first!,
					id: "wind",
					read: (sample) => (sample as { wind: { speed: number } }).wind.speed,
				},
			],
			open: () => ({
				sample: () => {
					samples++;
					return { temperature: 1 };
				},
				close: () => undefined,
			}),
		};
		const reader = new SensorReader([odd, second], "all", timers, system);
		const row = new Int32Array(4);
		reader.read(row);
		assert.deepEqual([...row], [MISSING, MISSING, -1, 0]);
		assert.equal(reader.faults, 1);
		reader.read(row);
		assert.equal(samples, 1);
		assert.match(system.logs[0] ?? "", /odd: TypeError/);
	});

	it("opens it again after a wait that doubles, up to five minutes", () => {
		const { timers, first, read } = setUp();
		first.broken = true;
		const opened: number[] = [];
		let opens = 0;
		for (let s = 0; s < 2000; s++) {
			read();
			if (first.opens > opens) opened.push(s);
			opens = first.opens;
			timers.advance(1000);
		}
		const waits = opened.map((at, n) => at - (opened[n - 1] ?? 0)).slice(1);
		assert.deepEqual(
			waits.slice(0, 11),
			[1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300],
		);
		first.broken = false;
		timers.advance(300_000);
		assert.deepEqual(read(), [2153, 5000, -1, 0]);
		first.broken = true;
		read();
		timers.advance(1000);
		const before = first.opens;
		read();
		assert.equal(first.opens, before + 1);
	});

	it("reads as many channels as a block holds where all are wanted", () => {
		const { timers, system, first } = setUp();
		const [model] = first.channels;
		const ports = [10, 10].map((count, port) => ({
			name: `port ${port}`,
			channels: Array.from({ length: count }, (_, n) => ({
				...model!,
				id: `c${port * 10 + n}`,
			})),
			open: () => first.open(),
		}));
		const all = new SensorReader(ports, "all", timers, system);
		assert.deepEqual(
			all.channels.map(({ id }) => id),
			Array.from({ length: 16 }, (_, n) => `c${n}`),
		);
		const chosen = new SensorReader(ports, ["c19", "c2"], timers, system);
		assert.equal(chosen.channelCount, 2);
	});

	it("closes its sensors", () => {
		const { first, second, read, reader } = setUp();
		read();
		reader.close();
		assert.deepEqual([first.closes, second.closes], [1, 1]);
	});
});

describe("raw value", () => {
	it("is the nearest integer at its exponent", () => {
		assert.equal(toRaw(21.53, -2), 2153);
		assert.equal(toRaw(-0.005, -2), -0);
		assert.equal(toRaw(101_325, 1), 10_133);
		assert.equal(toRaw(7, 0), 7);
	});

	for (const value of [undefined, Number.NaN, Infinity, -Infinity, 2 ** 31])
		it(`is missing for ${value}`, () => {
			assert.equal(toRaw(value, 0), MISSING);
		});

	it("gives back every raw value that was scaled", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
				fc.integer({ min: -9, max: 9 }),
				(raw, exponent) => {
					const value =
						exponent < 0 ? raw / 10 ** -exponent : raw * 10 ** exponent;
					assert.equal(toRaw(value, exponent), raw);
				},
			),
		);
	});
});
