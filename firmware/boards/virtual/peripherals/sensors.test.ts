import assert from "node:assert/strict";
import { WeatherRegister } from "../weather-registers.ts";
import { VirtualClock } from "./clock.ts";
import { BusError, I2CBus, WeatherChip } from "./sensors.ts";

const ADDRESS = 0x44;
const READ = Uint8Array.of(WeatherRegister.READING);

function setUp() {
	const clock = new VirtualClock({
		kind: "stepped",
		startWallMs: Date.UTC(2026, 5, 1),
	});
	const chip = new WeatherChip(clock, { record: true });
	const bus = new I2CBus();
	bus.attach(ADDRESS, chip);
	const read = () => {
		const bytes = bus.transfer(ADDRESS, READ, WeatherRegister.READING_BYTES);
		const view = new DataView(bytes.buffer);
		return {
			temperature: view.getInt32(0, true),
			pressure: view.getInt32(4, true),
			wind: view.getInt32(8, true),
		};
	};
	return { clock, chip, bus, read };
}

describe("The weather chip", () => {
	it("tells what it is", () => {
		const { bus } = setUp();
		const written = Uint8Array.of(WeatherRegister.IDENTITY);
		assert.deepEqual(
			bus.transfer(ADDRESS, written, 1),
			Uint8Array.of(WeatherRegister.IDENTITY_VALUE),
		);
	});

	it("gives what is expected of it, and remembers what it gave and when", async () => {
		const { clock, chip, read } = setUp();
		await clock.runFor(1234);
		const counts = read();
		assert.deepEqual(counts, chip.expected(clock.wallMs()));
		assert.deepEqual(chip.given, [
			{ ...counts, wallMs: clock.wallMs(), clockMs: 1234 },
		]);
	});

	it("does not answer while it is told not to", () => {
		const { chip, read } = setUp();
		chip.fault = "nack";
		assert.throws(read, BusError);
		chip.fault = "none";
		read();
	});

	it("dies at its time", async () => {
		const { clock, chip, read } = setUp();
		chip.failAt(500, "nack");
		read();
		await clock.runFor(499);
		read();
		await clock.runFor(1);
		assert.throws(read, BusError);
	});

	it("repeats its last reading when it is stuck", async () => {
		const { clock, chip, read } = setUp();
		const before = read();
		chip.fault = "stuck";
		await clock.runFor(10 * 3_600_000);
		assert.deepEqual(read(), before);
		assert.notDeepEqual(chip.expected(clock.wallMs()), before);
	});

	it("answers at no other address", () => {
		const { bus } = setUp();
		assert.throws(() => bus.transfer(0x45, READ, 12), BusError);
	});
});
