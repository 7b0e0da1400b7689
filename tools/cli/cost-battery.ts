/** `thinghz cost --battery`: how long a node lives on a battery, for several spans of a block. */
import { MAX_CHANNELS } from "../../protocol/block.ts";
import {
	ASSUMED,
	type BatteryLife,
	type BatteryUse,
	reckonBattery,
} from "../cost/battery.ts";
import { blockBytes } from "../cost/block-size.ts";
import { CHIPS, type Chip } from "../cost/chips.ts";
import { parseDurationWithin, parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";

export interface BatteryOptions {
	readonly chip: string;
	readonly interval?: string;
	readonly channels: string;
	readonly capacityMah: string;
	readonly connect?: string;
	readonly alwaysOn?: boolean;
	readonly json?: boolean;
}

const DEFAULT_INTERVAL = "10s";
const SPANS_S = [10, 60, 300, 900] as const;
/** A node sleeps between samples that are at least so far apart: firmware/node/config.ts. */
const SLEEP_INTERVALS = ["5s", "15m"] as const;
const ALWAYS_ON_INTERVALS = ["1s", "15m"] as const;

export interface BatteryRow extends BatteryLife {
	readonly spanS: number;
	readonly blockBytes: number;
}

type Reckoning = Omit<BatteryUse, "spanS" | "blockBytes" | "alwaysOn">;

/** @throws UsageError */
export function costOfBattery(options: BatteryOptions): void {
	const chip = options.chip;
	if (!isChip(chip)) {
		throw new UsageError(
			`--chip: "${chip}" is not one of ${Object.keys(CHIPS).join(", ")}.`,
		);
	}
	const alwaysOn = options.alwaysOn === true;
	if (alwaysOn && options.connect !== undefined) {
		throw new UsageError(
			"--connect is of a node that sleeps: leave it out, or leave out --always-on.",
		);
	}
	const interval = options.interval ?? DEFAULT_INTERVAL;
	const intervalMs = parseDurationWithin(
		interval,
		"--interval",
		alwaysOn ? ALWAYS_ON_INTERVALS : SLEEP_INTERVALS,
	);
	const channels = parseWhole(options.channels, "--channels", 1, MAX_CHANNELS);
	const capacityMah = parseWhole(
		options.capacityMah,
		"--capacity-mah",
		1,
		1_000_000,
	);
	const connect = options.connect ?? `${ASSUMED.connectS}s`;
	const connectMs = parseDurationWithin(connect, "--connect", ["100ms", "60s"]);
	const reckoning: Reckoning = {
		chip: CHIPS[chip],
		intervalS: intervalMs / 1000,
		capacityMah,
		connectS: connectMs / 1000,
	};
	const rows = rowsOf(reckoning, channels, alwaysOn);
	if (options.json) {
		printJson({
			chip,
			intervalMs,
			channels,
			capacityMah,
			mode: alwaysOn ? "always_on" : "sleep",
			...(alwaysOn ? {} : { connectMs }),
			spans: rows,
		});
		return;
	}
	process.stdout.write(
		formatTable(
			["span s", "block B", "radio on s/h", "B/h", "mAh/day", "days"],
			rows.map((row) => [
				row.spanS,
				row.blockBytes,
				rounded(row.radioOnSPerHour),
				Math.round(row.bytesPerHour),
				rounded(row.mahPerDay),
				Math.round(row.days),
			]),
		),
	);
	printMessage(
		`${chip}, a sample of ${channels} channels every ${interval}, ${capacityMah} mAh, ${alwaysOn ? "always connected" : `deep sleep, ${connect} to connect${options.connect === undefined ? " (assumed)" : ""}`}. docs/battery.md says where the figures come from.`,
	);
	if (!alwaysOn) recommendConnected(rows, rowsOf(reckoning, channels, true));
}

function rowsOf(
	reckoning: Reckoning,
	channels: number,
	alwaysOn: boolean,
): readonly BatteryRow[] {
	const { intervalS } = reckoning;
	return SPANS_S.filter((spanS) => spanS >= intervalS).map((spanS) => {
		const bytes = blockBytes(intervalS * 1000, spanS * 1000, channels);
		const life = reckonBattery({
			...reckoning,
			spanS,
			blockBytes: bytes,
			alwaysOn,
		});
		return { spanS, blockBytes: bytes, ...life };
	});
}

/** Connecting anew can take more than being connected. */
function recommendConnected(
	sleeping: readonly BatteryRow[],
	connected: readonly BatteryRow[],
): void {
	connected.forEach(({ spanS, mahPerDay }, i) => {
		if (mahPerDay >= (sleeping[i]?.mahPerDay ?? 0)) return;
		printMessage(
			`With blocks of ${spanS} s, staying connected takes less: ${rounded(mahPerDay)} mAh/day (--always-on).`,
		);
	});
}

function isChip(name: string): name is Chip {
	return Object.hasOwn(CHIPS, name);
}

function rounded(value: number): number {
	return Number(value.toPrecision(3));
}
