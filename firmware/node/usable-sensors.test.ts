import assert from "node:assert/strict";
import { FakeSystem } from "./fakes/board.ts";
import type { SensorChannel, SensorPort } from "./ports.ts";
import { usableSensors } from "./usable-sensors.ts";

function channel(id: string, rest: Partial<SensorChannel> = {}): SensorChannel {
	return { id, unit: "", exponent: 0, kind: "gauge", read: () => 1, ...rest };
}

class Port implements SensorPort {
	readonly name = "port";
	readonly channels: readonly SensorChannel[];
	opens = 0;

	constructor(...channels: readonly SensorChannel[]) {
		this.channels = channels;
	}

	open() {
		this.opens++;
		return { sample: () => undefined, close: () => undefined };
	}
}

function idsOf(sensors: readonly SensorPort[]): string[][] {
	return sensors.map(({ channels }) => channels.map(({ id }) => id));
}

describe("usable sensors", () => {
	it("are all, as they are, when their channels can be recorded", () => {
		const system = new FakeSystem();
		const ports = [new Port(channel("a"), channel("b")), new Port()];
		assert.deepEqual(usableSensors(ports, system), ports);
		assert.equal(usableSensors(ports, system)[0], ports[0]);
		assert.deepEqual(system.logs, []);
	});

	const faults: readonly (readonly [string, SensorChannel, RegExp])[] = [
		["an id of another pattern", channel("Wind!"), /channel id/],
		["a unit of 17 bytes", channel("b", { unit: "°".repeat(9) }), /unit/],
		["half an exponent", channel("b", { exponent: 0.5 }), /exponent/],
		["an id that another has", channel("a"), /"a" is there already/],
	];
	for (const [what, faulty, reason] of faults)
		it(`lack a channel with ${what}, which is told once`, () => {
			const system = new FakeSystem();
			const port = new Port(channel("c"), faulty);
			const sensors = usableSensors([new Port(channel("a")), port], system);
			assert.deepEqual(idsOf(sensors), [["a"], ["c"]]);
			assert.equal(system.logs.length, 1);
			assert.match(system.logs[0] ?? "", /^error: port: /);
			assert.match(system.logs[0] ?? "", reason);
			sensors[1]?.open();
			assert.equal(port.opens, 1);
		});

	it("are told of when they are more than one block holds", () => {
		const system = new FakeSystem();
		const many = Array.from({ length: 17 }, (_, n) => channel(`c${n}`));
		const [sensor] = usableSensors([new Port(...many)], system);
		assert.equal(sensor?.channels.length, 17);
		assert.match(system.logs[0] ?? "", /^warn: .*17 channels.*first 16/);
	});
});
