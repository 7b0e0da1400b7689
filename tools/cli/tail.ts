/** `thinghz tail [NAME]`: samples as nodes in live mode take them, and blocks as they are stored. */
import type { Command } from "commander";
import { MISSING } from "../../protocol/block.ts";
import { startMs, toValue } from "../../protocol/block-time.ts";
import { decodeBlock } from "../../protocol/decode.ts";
import { openApi } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { CommandError } from "./errors.ts";
import { printJson, showControls } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import { readEvents } from "./sse.ts";
import { parseTarget } from "./target.ts";

/** What one event of the live stream says; see the API's description of `/v1/live`. */
interface LiveData {
	readonly device: string;
	/** Of `live`: the block, base64. */
	readonly block?: string;
	readonly start?: string | null;
	readonly spanMs?: number;
	readonly online?: boolean;
}

export function addTail(program: Command): void {
	commonOptions(
		program
			.command("tail")
			.description(
				"print the latest live samples, then samples and events as they arrive",
			)
			.argument("[name]", "only this thing"),
		"local",
	).action(follow);
}

async function follow(
	name: string | undefined,
	options: CommonOptions,
): Promise<void> {
	const target = parseTarget(options.target);
	if (findRunning(target.dir) === null) {
		throw new CommandError(
			`No cloud runs on ${target.dir}, so nothing arrives. Start it with \`thinghz up --data ${target.dir}\`.`,
		);
	}
	const api = await openApi(target);
	const query = name === undefined ? "" : `?device=${encodeURIComponent(name)}`;
	const response = await api.get(`/v1/live${query}`);
	if (response.body === null) {
		throw new CommandError("The API sent no stream.");
	}
	process.once("SIGINT", () => process.exit(0));
	for await (const { event, data } of eventsOf(response.body)) {
		const live = JSON.parse(data) as LiveData;
		for (const line of describe(event, live)) {
			if (options.json) printJson(line);
			else {
				const text = Object.values(line).join("  ");
				process.stdout.write(`${showControls(text)}\n`);
			}
		}
	}
	throw new CommandError("The cloud ended the stream.");
}

/** @throws CommandError when the connection breaks */
async function* eventsOf(
	body: ReadableStream<Uint8Array>,
): ReturnType<typeof readEvents> {
	try {
		yield* readEvents(body);
	} catch (cause) {
		// What undici throws when the connection goes in the middle of a body.
		if (!(cause instanceof TypeError)) throw cause;
		throw new CommandError("The connection to the cloud broke.", { cause });
	}
}

/** The lines that an event becomes: one for each sample of a live block, one for anything else. */
function* describe(
	event: string,
	data: LiveData,
): Generator<Record<string, string | number | boolean | null>> {
	if (event === "live" && data.block !== undefined) {
		const block = decodeBlock(Buffer.from(data.block, "base64"));
		const firstMs = startMs(block);
		for (let i = 0; i < block.sampleCount; i++) {
			const time =
				firstMs === null
					? null
					: new Date(firstMs + i * block.intervalMs).toISOString();
			for (const [at, channel] of block.channels.entries()) {
				const raw = block.columns[at]?.[i] ?? MISSING;
				if (raw === MISSING) continue;
				yield {
					event: "sample",
					time,
					device: data.device,
					channel: channel.id,
					value: toValue(raw, channel.exponent),
					unit: channel.unit,
				};
			}
		}
	} else if (event === "block") {
		yield {
			event: "block",
			time: data.start ?? null,
			device: data.device,
			spanMs: data.spanMs ?? null,
		};
	} else if (event === "device") {
		yield {
			event: data.online ? "online" : "offline",
			time: new Date().toISOString(),
			device: data.device,
		};
	}
}
