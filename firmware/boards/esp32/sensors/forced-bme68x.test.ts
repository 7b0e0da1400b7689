import assert from "node:assert/strict";
import { type Bme68xConf, forcedBme68x } from "./forced-bme68x.ts";

type Data = ReturnType<InstanceType<typeof Library>["get_data"]>;

let calls: string[] = [];
let data: Data;

class Library {
	set_conf(conf: Bme68xConf): void {
		calls.push(`conf ${conf.os_temp}`);
	}

	set_heatr_conf(mode: number, conf: { enable: number }): void {
		calls.push(`heater ${mode} ${conf.enable}`);
	}

	set_op_mode(mode: number): void {
		calls.push(`mode ${mode}`);
	}

	get_meas_dur(): number {
		return 18.3;
	}

	get_data(
		_mode: number,
	):
		| readonly { temperature: number; humidity: number; pressure: number }[]
		| undefined {
		calls.push("data");
		return data;
	}

	close(): void {
		calls.push("close");
	}
}

describe("the BME68x, one measurement a sample", () => {
	const Driver = forcedBme68x<object>(Library, (ms) =>
		calls.push(`wait ${ms}`),
	);

	beforeEach(() => {
		calls = [];
		data = [{ temperature: 21.5, humidity: 45, pressure: 101_325 }];
	});

	it("has its gas heater off", () => {
		new Driver({});
		assert.deepEqual(calls, ["conf 2", "heater 1 0"]);
	});

	it("is told to measure, waited for, and read", () => {
		const driver = new Driver({});
		calls = [];
		assert.deepEqual(driver.sample(), {
			thermometer: { temperature: 21.5 },
			hygrometer: { humidity: 0.45 },
			barometer: { pressure: 101_325 },
		});
		assert.deepEqual(calls, ["mode 1", "wait 20", "data"]);
	});

	for (const nothing of [undefined, []]) {
		it(`has no sample when there is ${nothing === undefined ? "nothing new" : "no field"}`, () => {
			data = nothing;
			assert.equal(new Driver({}).sample(), undefined);
		});
	}

	it("closes the library", () => {
		new Driver({}).close();
		assert.equal(calls.at(-1), "close");
	});
});
