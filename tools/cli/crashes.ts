/** `thinghz crashes [NAME]`: what is known of boots that ended in a crash. */

import type { Command } from "commander";
import { CRASH_REASONS } from "../../protocol/documents.ts";
import { isThingName } from "../../protocol/topics.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseIsoTime, parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printMessage, toJson } from "./output.ts";
import { gather, rowsOf } from "./pages.ts";
import { usingApi } from "./using-api.ts";

interface CrashesOptions extends CommonOptions {
	readonly since?: string;
	readonly firmware?: string;
	readonly reason?: string;
	readonly limit: string;
}

interface CrashRow {
	readonly device: string;
	/** ISO-8601: when the node first told of it, and when it happened, if that is known. */
	readonly told: string;
	readonly time: string | null;
	readonly reason: string;
	readonly boot: number;
	readonly uptimeMs: number | null;
	readonly firmware: string | null;
	readonly freeBytes: number | null;
	readonly cause: string | null;
	readonly untold: number;
}

const MAX_LIMIT = 100_000;

export function addCrashes(program: Command): void {
	commonOptions(
		program
			.command("crashes")
			.description(
				"list what nodes have told of their crashes, the latest first",
			)
			.argument("[name]", "only of this thing")
			.option("--since <time>", "ISO-8601, or how long ago: -7d")
			.option("--firmware <version>", "only of this version")
			.option("--reason <reason>", `only of it: ${CRASH_REASONS.join(", ")}`)
			.option("--limit <count>", `at most so many, up to ${MAX_LIMIT}`, "50"),
	).action(list);
}

async function list(
	name: string | undefined,
	options: CrashesOptions,
): Promise<void> {
	const { since, firmware, reason, json } = options;
	const limit = parseWhole(options.limit, "--limit", 1, MAX_LIMIT);
	if (name !== undefined && !isThingName(name)) {
		throw new UsageError(`"${name}" is not a device's name.`);
	}
	if (reason !== undefined && !CRASH_REASONS.some((one) => one === reason)) {
		throw new UsageError(
			`--reason: "${reason}" is none; there are ${CRASH_REASONS.join(", ")}.`,
		);
	}
	const asked = {
		since: since === undefined ? since : parseIsoTime(since, "--since"),
		firmware,
		reason,
	};
	await usingApi(options, async (api) => {
		const path =
			name === undefined ? "/v1/crashes" : `/v1/devices/${name}/crashes`;
		const crashes = await gather(
			rowsOf<CrashRow>(api, path, "crashes", limit, asked),
		);
		if (json) process.stdout.write(`${toJson(crashes)}\n`);
		else print(crashes);
	});
}

function print(crashes: readonly CrashRow[]): void {
	if (crashes.length === 0) {
		printMessage("No crashes.");
		return;
	}
	process.stdout.write(
		formatTable(
			[
				"time",
				"device",
				"reason",
				"firmware",
				"boot",
				"ran",
				"free",
				"before",
				"cause",
			],
			crashes.map((crash) => [
				// When it was told of is no earlier.
				crash.time ?? `≤ ${crash.told}`,
				crash.device,
				crash.reason,
				crash.firmware,
				crash.boot,
				crash.uptimeMs === null
					? null
					: `${Math.round(crash.uptimeMs / 1000)} s`,
				crash.freeBytes === null ? null : `${crash.freeBytes} B`,
				crash.untold === 0 ? null : `${crash.untold} untold`,
				crash.cause,
			]),
		),
	);
}
