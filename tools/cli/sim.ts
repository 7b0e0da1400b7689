/** `thinghz sim`: runs simulated nodes, each on an XS engine of its own, against a cloud. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { Socket } from "node:net";
import type { Command } from "commander";
import {
	type MachineIdentity,
	readIdentity,
} from "../../firmware/boards/virtual/identity.ts";
import type { AppOptions } from "../../firmware/boards/virtual/machine-options.ts";
import {
	type ProcessorKind,
	requireProcessor,
} from "../../firmware/boards/virtual/processor.ts";
import { MIN_SLEEP_INTERVAL_MS } from "../../firmware/node/config.ts";
import type { FleetEvent } from "../sim/fleet.ts";
import { type CommonOptions, commonOptions, DEFAULT_PREFIX } from "./common.ts";
import { parseDuration, parseDurationWithin, parseWhole } from "./duration.ts";
import { parseEndpoint } from "./endpoint.ts";
import { CommandError, UsageError } from "./errors.ts";
import { printJson, printMessage } from "./output.ts";
import { parseTarget } from "./target.ts";

interface SimOptions extends CommonOptions {
	readonly nodes: string;
	readonly board: string;
	readonly prefix: string;
	readonly for?: string;
	readonly endpoint?: string;
	readonly identity?: string;
	readonly interval: string;
	readonly span: string;
	readonly live?: boolean;
	readonly sleep?: boolean;
	readonly flash?: string;
	readonly speed: string;
	readonly withParent?: boolean;
}

const BOARDS = ["virtual", "virtual32", "qemu"] as const;
const MAX_NODES = 1000;
/** What a node takes; see firmware/node/config.ts. */
const INTERVALS = ["10ms", "24h"] as const;
const SPANS = ["1s", "24h"] as const;

export function addSim(program: Command): void {
	commonOptions(
		program
			.command("sim")
			.description("run simulated nodes against a cloud")
			.option("--nodes <count>", `how many, 1 to ${MAX_NODES}`, "1")
			.option(
				"--prefix <name>",
				"of the nodes' names: NAME-1, NAME-2, …",
				DEFAULT_PREFIX,
			)
			.option("--board <board>", BOARDS.join(", "), "virtual")
			.option("--for <duration>", "of simulated time; until ended without it")
			.option("--interval <duration>", "between two samples", "1s")
			.option("--span <duration>", "of a block", "300s")
			.option("--live", "publish every sample at once, too")
			.option(
				"--sleep",
				"as on a battery: deep sleep between samples, connected only when a block is due",
			)
			.option(
				"--flash <dir>",
				"where the nodes' flash rests (default: sim/ in the target's folder)",
			)
			.option(
				"--speed <factor>",
				"how fast time runs; starts in the past and ends at the present",
				"1",
			)
			.option(
				"--identity <dir>",
				"one node with the files that `thinghz provision` or `thinghz claims issue` wrote, against any broker",
			)
			.option("--endpoint <address>", "with --identity: mqtts://HOST:PORT")
			.option("--with-parent", "end when standard input ends"),
		"local",
	).action(simulate);
}

async function simulate(options: SimOptions): Promise<void> {
	const nodes = parseWhole(options.nodes, "--nodes", 1, MAX_NODES);
	const speed = parseWhole(options.speed, "--speed", 1, 3600);
	const board = BOARDS.find((name) => name === options.board);
	if (board === undefined) {
		throw new UsageError(
			`--board: "${options.board}" is not one of ${BOARDS.join(", ")}.`,
		);
	}
	const forMs =
		options.for === undefined ? null : parseDuration(options.for, "--for");
	const sampleIntervalMs = parseDurationWithin(
		options.interval,
		"--interval",
		INTERVALS,
	);
	const blockSpanMs = parseDurationWithin(options.span, "--span", SPANS);
	if (blockSpanMs < sampleIntervalMs) {
		throw new UsageError(
			`--span (${options.span}) must not be shorter than --interval (${options.interval}): add --span ${options.interval} or longer.`,
		);
	}
	if (options.sleep === true && sampleIntervalMs < MIN_SLEEP_INTERVAL_MS) {
		throw new UsageError(
			`--sleep needs an --interval of at least ${MIN_SLEEP_INTERVAL_MS / 1000}s, and it is ${options.interval}.`,
		);
	}
	if (options.sleep === true && options.live === true) {
		throw new UsageError("A node that sleeps cannot be live.");
	}
	if (options.endpoint !== undefined && options.identity === undefined) {
		throw new UsageError("--endpoint needs --identity: who the node is there.");
	}
	if (options.identity !== undefined && nodes > 1) {
		throw new UsageError("--identity is of one node: leave out --nodes.");
	}

	requireProcessor(board);
	if (options.flash !== undefined) makeFlashFolder(options.flash);
	const target = parseTarget(options.target);
	const tell = options.json
		? (event: FleetEvent) => printJson(event)
		: tellPeople();
	const identities =
		options.identity === undefined
			? await provisioned(target.dir, nodes, options.prefix)
			: [identityOf(options.identity, options)];
	// Whoever is only told how `sim` is used need not wait for it.
	const { Fleet } = await import("../sim/fleet.ts");
	const app = await appOf(target.dir, board);
	const fleet = new Fleet({
		identities,
		board,
		speed,
		forMs,
		flashDir:
			options.flash ??
			(options.identity === undefined ? `${target.dir}/sim` : null),
		config: { sampleIntervalMs, blockSpanMs, sleep: options.sleep === true },
		live: options.live === true,
		...(app === undefined ? {} : { app }),
		tell,
	});
	const ended = endedBy(options.withParent === true);
	await fleet.run(ended);
}

/** Where the target has a key that updates are signed with, nodes boot from slots and can be updated. @throws CommandError */
async function appOf(
	dir: string,
	board: ProcessorKind,
): Promise<AppOptions | undefined> {
	const { readUpdateKey, UpdateKeyError } = await import(
		"../sim/update-key.ts"
	);
	try {
		const updateKey = readUpdateKey(dir);
		if (updateKey === undefined) return undefined;
		const { firmwareImage } = await import("../build/image.ts");
		return { image: firmwareImage({ board }), updateKey };
	} catch (cause) {
		if (!(cause instanceof UpdateKeyError)) throw cause;
		throw new CommandError(cause.message, { cause });
	}
}

/** @throws CommandError as `provisionFleet` does */
async function provisioned(dir: string, nodes: number, prefix: string) {
	const { provisionFleet } = await import("./provision-fleet.ts");
	return provisionFleet(dir, nodes, prefix, printMessage);
}

/** @throws CommandError when there can be no folder of that name */
function makeFlashFolder(dir: string): void {
	try {
		mkdirSync(dir, { recursive: true, mode: 0o700 });
		accessSync(dir, constants.W_OK | constants.X_OK);
	} catch (cause) {
		throw new CommandError(
			`--flash: ${dir} is no folder to write to (${(cause as Error).message}). Name one that is, or that can be made.`,
			{ cause },
		);
	}
}

/** Of a claim certificate's holder, the name is the one that a simulated node would have been given. */
function identityOf(
	directory: string,
	{ endpoint, flash, prefix }: SimOptions,
): MachineIdentity {
	const identity = readIdentity(directory, `${prefix}-1`);
	if (identity.isClaim && flash === undefined) {
		throw new UsageError(
			"--identity of a claim certificate needs --flash: what the node becomes rests there.",
		);
	}
	return withEndpoint(identity, endpoint);
}

function withEndpoint(
	identity: MachineIdentity,
	endpoint: string | undefined,
): MachineIdentity {
	return endpoint === undefined
		? identity
		: { ...identity, ...parseEndpoint(endpoint, "--endpoint") };
}

/** Resolves when somebody ends the command: a signal, or the end of the process that started it. */
function endedBy(withParent: boolean): Promise<void> {
	return new Promise((resolve) => {
		process.once("SIGINT", resolve);
		process.once("SIGTERM", resolve);
		if (withParent) {
			process.stdin.once("end", resolve).resume();
			// Watching for the parent's end must not keep this process from its own.
			if (process.stdin instanceof Socket) process.stdin.unref();
		}
	});
}

/** One line an event that a person would want to see; blocks and releases only count. */
function tellPeople(): (event: FleetEvent) => void {
	return (event) => {
		switch (event.event) {
			case "online":
				return printMessage(`${event.node}: online`);
			case "offline":
				if (event.reason === "stopped") return;
				return printMessage(
					`${event.node}: offline (${event.reason}), tries again in ${Math.round(event.retryInMs / 1000)} s`,
				);
			case "exit":
				return printMessage(
					`${event.node}: ended (${event.reason})${event.reboots ? ", boots again" : ""}`,
				);
			case "config_refused":
				return printMessage(`${event.node}: ${event.reason}`);
			case "error":
				return printMessage(`${event.node}: ${event.message}`);
			case "summary":
				return printMessage(
					`${event.nodes} nodes: ${event.blocks} blocks with ${event.samples} samples of readings made; ${event.released} blocks, those of health too, acknowledged, ${event.pending} kept on their flash${event.dropped > 0 ? `, ${event.dropped} dropped for want of room` : ""}.`,
				);
			default:
				return;
		}
	};
}
