/** `thinghz deadletters`: what arrived and could not be taken in, with the reason; and another try with it. */
import type { Command } from "commander";
import { isThingName } from "../../protocol/topics.ts";
import { type ApiClient, openApi } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { assertKnown } from "./known-device.ts";
import { formatTable, printMessage, toJson } from "./output.ts";
import { PAGE, rowsOf } from "./pages.ts";
import { parseAnyTarget } from "./target.ts";

interface DeadLetterOptions extends CommonOptions {
	readonly limit: string;
	readonly device?: string;
	readonly redrive?: boolean;
	readonly reason?: string;
}

interface DeadLetterRow {
	readonly id: number;
	/** Who sent it. */
	readonly device: string;
	readonly topic: string;
	readonly reason: string;
	readonly detail: string;
	/** ISO-8601 */
	readonly received: string;
	/** The message as it came, base64. */
	readonly bytes: string;
}

const MAX_LIMIT = 1_000_000;

export function addDeadLetters(program: Command): void {
	commonOptions(
		program
			.command("deadletters")
			.description("list what arrived and could not be taken in, newest first")
			.option("--limit <count>", `at most so many, up to ${MAX_LIMIT}`, "50")
			.option("--device <name>", "only what this device sent")
			.option(
				"--redrive",
				"take them in again, all of them, now that what was wrong is mended",
			)
			.option("--reason <reason>", "with --redrive: only those of this reason"),
	).action(async (options: DeadLetterOptions) => {
		const { limit, device, reason, redrive: again, target, json } = options;
		const count = parseWhole(limit, "--limit", 1, MAX_LIMIT);
		if (reason !== undefined && !again) {
			throw new UsageError("--reason goes with --redrive alone.");
		}
		if (device !== undefined && !isThingName(device)) {
			throw new UsageError(`--device: "${device}" is not a device's name.`);
		}
		const api = await openApi(parseAnyTarget(target));
		try {
			if (again) {
				const redriven = await redrive(api, { device, reason });
				if (redriven.taken + redriven.kept === 0)
					await assertKnown(api, device);
				if (json) process.stdout.write(`${toJson(redriven)}\n`);
				else printMessage(describe(redriven));
				return;
			}
			const letters = orUnknown(deadLetters(api, count, device), () =>
				assertKnown(api, device),
			);
			await (json ? printAsJson(letters) : printAsTable(letters));
		} finally {
			await api.close();
		}
	});
}

/** At most `count` of them, newest first. */
export function deadLetters(
	api: Pick<ApiClient, "get">,
	count: number,
	device: string | undefined,
): AsyncGenerator<DeadLetterRow> {
	return rowsOf(api, "/v1/deadletters", "deadLetters", count, { device });
}

/** What became of all of them. */
export interface Redriven {
	/** Taken in: no dead letters any more. */
	readonly taken: number;
	/** Refused again. */
	readonly kept: number;
	/** On AWS, whether the queue in front of the dead letters is being brought back; else null. */
	readonly queue: "started" | "running" | null;
}

/** Page after page, until all have been tried. */
export async function redrive(
	api: Pick<ApiClient, "send">,
	only: {
		readonly device?: string | undefined;
		readonly reason?: string | undefined;
	},
): Promise<Redriven> {
	let [taken, kept] = [0, 0];
	let queue: Redriven["queue"] = null;
	let cursor: string | null = null;
	do {
		const response = await api.send("POST", "/v1/deadletters/redrive", {
			limit: PAGE,
			...only,
			...(cursor === null ? {} : { cursor }),
		});
		const page = (await response.json()) as Redriven & {
			readonly next: string | null;
		};
		taken += page.taken;
		kept += page.kept;
		queue ??= page.queue;
		cursor = page.next;
	} while (cursor !== null);
	return { taken, kept, queue };
}

function describe({ taken, kept, queue }: Redriven): string {
	const letters =
		taken + kept === 0
			? "No dead letters."
			: `Taken in: ${taken}. Refused again: ${kept}.`;
	const moving = "is being brought back to ingest";
	switch (queue) {
		case "started":
			return `${letters} The queue in front of them ${moving}.`;
		case "running":
			return `${letters} The queue in front of them ${moving} already.`;
		case null:
			return letters;
	}
}

/** What there is; where there is nothing, `assertOne` may have something to say before that is said. */
async function* orUnknown<T>(
	all: AsyncIterable<T>,
	assertOne: () => Promise<void>,
): AsyncGenerator<T> {
	let isEmpty = true;
	for await (const one of all) {
		isEmpty = false;
		yield one;
	}
	if (isEmpty) await assertOne();
}

/** One array, written as it comes: with their messages the letters may be too many for one string. */
async function printAsJson(
	letters: AsyncIterable<DeadLetterRow>,
): Promise<void> {
	let before = "[";
	for await (const letter of letters) {
		process.stdout.write(before + toJson(letter));
		before = ",";
	}
	process.stdout.write(before === "[" ? "[]\n" : "]\n");
}

async function printAsTable(
	letters: AsyncIterable<DeadLetterRow>,
): Promise<void> {
	const rows: (string | number)[][] = [];
	for await (const { received, device, reason, bytes, detail } of letters) {
		const sizeBytes = Buffer.from(bytes, "base64").length;
		rows.push([received, device, reason, sizeBytes, detail]);
	}
	if (rows.length === 0) return printMessage("No dead letters.");
	const head = ["received", "device", "reason", "bytes", "detail"];
	process.stdout.write(formatTable(head, rows));
}
