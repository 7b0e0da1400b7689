/** `thinghz cost`: what a fleet costs on AWS, and how long a node lives on a battery. */
import type { Command } from "commander";
import { MAX_CHANNELS } from "../../protocol/block.ts";
import { ASSUMED } from "../cost/battery.ts";
import { CHIPS } from "../cost/chips.ts";
import { type AwsCostOptions, costOnAws, TIME_SERIES } from "./cost-aws.ts";
import { type BatteryOptions, costOfBattery } from "./cost-battery.ts";
import { UsageError } from "./errors.ts";

/** Of one of the two questions alone: with the other, it is a mistake. */
const OF_BATTERY = ["chip", "capacityMah", "connect", "alwaysOn"] as const;
const OF_AWS = [
	"devices",
	"span",
	"months",
	"timeseries",
	"people",
	"grafanaEditors",
	"grafanaViewers",
	"health",
] as const;

export function addCost(program: Command): void {
	program
		.command("cost")
		.description(
			"reckon what a fleet costs on AWS, or how long a battery lasts",
		)
		.option("--devices <count>", "of the fleet", "1000")
		.option("--channels <count>", `of a node: 1 to ${MAX_CHANNELS}`, "3")
		.option(
			"--interval <duration>",
			'between two samples (default: "1s"; with --battery "10s")',
		)
		.option("--span <duration>", "of a block", "300s")
		.option("--months <count>", "for how long readings are kept", "3")
		.option(
			"--timeseries <store>",
			`rows beside the blocks: ${TIME_SERIES.join(", ")}`,
			"none",
		)
		.option("--people <count>", "who look at the page", "10")
		.option("--grafana-editors <count>", "of Managed Grafana", "0")
		.option("--grafana-viewers <count>", "of Managed Grafana", "0")
		.option("--no-health", "without the nodes' own health")
		.option("--battery", "instead: how long a node lives on a battery")
		.option("--chip <chip>", Object.keys(CHIPS).join(" or "), "esp32")
		.option("--capacity-mah <mAh>", "of the battery", "2000")
		.option(
			"--connect <duration>",
			`from the start of the radio to the acknowledgement (default: "${ASSUMED.connectS}s", assumed)`,
		)
		.option("--always-on", "connected all the time, instead of deep sleep")
		.option("--json", "machine-readable results on stdout")
		.action(
			(
				options: AwsCostOptions &
					BatteryOptions & { readonly battery?: boolean },
				command: Command,
			) => {
				if (options.battery === true) {
					refuse(command, OF_AWS, "of the cloud: leave it out with --battery");
					return costOfBattery(options);
				}
				refuse(command, OF_BATTERY, "of a battery: add --battery");
				return costOnAws(options);
			},
		);
}

/** @throws UsageError for the first of the options that was given */
function refuse(command: Command, names: readonly string[], why: string): void {
	for (const name of names) {
		if (command.getOptionValueSource(name) !== "cli") continue;
		const flag = command.options.find(
			(option) => option.attributeName() === name,
		);
		throw new UsageError(`${flag?.long ?? name} is ${why}.`);
	}
}
