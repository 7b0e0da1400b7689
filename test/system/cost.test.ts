/** `thinghz cost` as a person uses it: a table, a document, and what it says to questions that make no sense. */
import assert from "node:assert/strict";
import { thinghz, thinghzJson } from "./support/command.ts";

interface Reckoned {
	readonly perDeviceMonthUsd: number;
	readonly withoutFreeTierUsd: number;
	readonly keptFor13MonthsUsd: number;
	readonly naivePerDeviceMonthUsd: number;
	readonly services: Readonly<Record<string, number>>;
	readonly devices: number;
	readonly months: number;
}

describe("thinghz cost", () => {
	it("reckons dollars a device-month, by service, and the naive design beside it", async () => {
		const reckoned = await thinghzJson<Reckoned>(
			"cost",
			...["--devices", "1000", "--channels", "3", "--interval", "1s"],
			...["--span", "300s", "--months", "3"],
		);
		assert.ok(reckoned.perDeviceMonthUsd <= 0.03);
		assert.ok(reckoned.withoutFreeTierUsd > reckoned.perDeviceMonthUsd);
		assert.ok(reckoned.keptFor13MonthsUsd > reckoned.perDeviceMonthUsd);
		assert.ok(reckoned.naivePerDeviceMonthUsd > 5);
		const sum = Object.values(reckoned.services).reduce((a, b) => a + b, 0);
		assert.ok(Math.abs(sum - reckoned.withoutFreeTierUsd) < 1e-9);
		assert.deepEqual([reckoned.devices, reckoned.months], [1000, 3]);
	});

	it("prints a table for people, with what it is of", async () => {
		const { stdout, stderr } = await thinghz("cost", "--months", "13");
		assert.match(stdout, /^service +for +\$\/device-month$/m);
		assert.match(stdout, /^to pay/m);
		assert.match(stderr, /1000 devices, 3 channels every 1 s/);
		assert.match(stderr, /us-east-1, \d{4}-\d{2}-\d{2}/);
	});

	it("answers without a question what the question with its defaults is answered", async () => {
		const given = await thinghzJson<Reckoned>("cost");
		assert.deepEqual([given.devices, given.months], [1000, 3]);
	});

	for (const [args, says] of [
		[["--devices", "0"], /--devices: "0" is not a whole number from 1/],
		[["--interval", "5m", "--span", "1m"], /--span: .* no room/],
		[["--timeseries", "mysql"], /--timeseries: "mysql" is not one of none/],
		[["--months", "x"], /--months/],
		[["--chip", "esp32"], /--chip is of a battery: add --battery/],
		[["--battery", "--people", "3"], /--people is of the cloud/],
		[["--battery", "--no-health"], /--no-health is of the cloud/],
	] as const) {
		it(`refuses ${args.join(" ")}`, async () => {
			const { code, stdout, stderr } = await thinghz("cost", ...args);
			assert.equal(code, 2);
			assert.equal(stdout, "");
			assert.match(stderr, says);
		});
	}
});
