/** What a fleet costs on AWS, by the model of `thinghz cost`. */
import { reckonAws } from "../cost/aws.ts";
import type { Bill } from "../cost/bill.ts";
import { DESIGN } from "../cost/design.ts";
import { reckonNaive } from "../cost/naive.ts";
import { healthStream, readingsStream } from "../cost/streams.ts";
import type { BenchResult } from "./result.ts";

const DEVICES = 1000;

export async function benchCost(): Promise<BenchResult[]> {
	const bill = (months: number) =>
		reckonAws({
			devices: DEVICES,
			readings: readingsStream(1000, 300_000, 3),
			health: healthStream(),
			months,
			timeSeries: "none",
			people: 10,
			grafana: { editors: 0, viewers: 0 },
			design: DESIGN,
		});
	const paid = (one: Bill) => (one.totalUsd() - one.freeUsd()) / DEVICES;
	const unit = "$/device-month";
	return [
		{
			name: "AWS: 3 channels at 1 Hz, 300 s blocks, 1,000 devices, 3 months kept",
			value: paid(bill(3)),
			unit,
			target: { op: "<=", value: 0.03 },
			note: "reckoned from list prices, less the units of each month that are free to every account; no bill was seen",
		},
		{
			name: "AWS: the same without free units",
			value: bill(3).totalUsd() / DEVICES,
			unit,
		},
		{ name: "AWS: the same, 13 months kept", value: paid(bill(13)), unit },
		{
			name: "AWS: a message and an item for each sample instead",
			value: paid(
				reckonNaive({ devices: DEVICES, channels: 3, intervalS: 1, months: 3 }),
			),
			unit,
		},
	];
}
