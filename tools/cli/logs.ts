/** `thinghz logs NAME`: what a node has sent of its log; with `--request`, after having asked it to. */

import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { LOG_LEVELS } from "../../protocol/documents.ts";
import {
	JOB_DOCUMENT_VERSION,
	type LogsJob,
} from "../../protocol/job-documents.ts";
import { isThingName } from "../../protocol/topics.ts";
import { type ApiClient, openApi } from "./api-client.ts";
import { ApiProblem } from "./api-problem.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseDurationWithin, parseIsoTime, parseWhole } from "./duration.ts";
import { CommandError, UsageError } from "./errors.ts";
import { printMessage, showControls, toJson } from "./output.ts";
import { gather, rowsOf } from "./pages.ts";
import { findRunning } from "./runtime-file.ts";
import { parseAnyTarget } from "./target.ts";

interface LogsOptions extends CommonOptions {
	readonly since?: string;
	readonly level?: string;
	readonly limit: string;
	readonly request?: true;
	readonly timeout: string;
}

interface LineRow {
	readonly boot: number;
	readonly number: number;
	readonly uptimeMs: number;
	/** ISO-8601 */
	readonly time: string;
	/** It was written then or before. */
	readonly isLatest: boolean;
	readonly level: string;
	readonly text: string;
}

interface Execution {
	readonly status: string;
	readonly waitsFor: string | null;
	readonly statusDetails: Readonly<Record<string, string>> | null;
}

const MAX_LIMIT = 100_000;
/** How often it is asked how far the node is. */
const POLL_MS = 1000;
const WAITING: readonly string[] = ["QUEUED", "IN_PROGRESS"];

export function addLogs(program: Command): void {
	commonOptions(
		program
			.command("logs")
			.description(
				"print the log of a node, as far as it has sent it: after a crash, and when it is asked to",
			)
			.argument("<name>", "the thing")
			.option("--since <time>", "ISO-8601, or how long ago: -1d")
			.option(
				"--level <level>",
				`only what is as grave as that: ${LOG_LEVELS.join(", ")}`,
			)
			.option("--limit <count>", `the last of them, up to ${MAX_LIMIT}`, "200")
			.option("--request", "have the node send its log first, and wait for it")
			.option("--timeout <duration>", "with --request: how long to wait", "5m"),
	).action(printLogs);
}

async function printLogs(name: string, options: LogsOptions): Promise<void> {
	const { since, level, json } = options;
	const limit = parseWhole(options.limit, "--limit", 1, MAX_LIMIT);
	const patienceMs = parseDurationWithin(options.timeout, "--timeout", [
		"1s",
		"7d",
	]);
	if (!isThingName(name)) {
		throw new UsageError(`"${name}" is not a device's name.`);
	}
	if (level !== undefined && !LOG_LEVELS.some((one) => one === level)) {
		throw new UsageError(
			`--level: "${level}" is none; there are ${LOG_LEVELS.join(", ")}.`,
		);
	}
	const asked = {
		since: since === undefined ? since : parseIsoTime(since, "--since"),
		level,
	};
	const target = parseAnyTarget(options.target);
	if (options.request && target !== "aws" && findRunning(target.dir) === null) {
		throw new CommandError(
			`No cloud runs on ${target.dir}, so no node can be asked. Start it with \`thinghz up --data ${target.dir}\`.`,
		);
	}
	const api = await openApi(target);
	try {
		if (options.request) await request(api, name, patienceMs);
		const path = `/v1/devices/${name}/logs`;
		const newest = await gather(
			rowsOf<LineRow>(api, path, "lines", limit, asked),
		);
		const lines = [...newest].reverse();
		if (json) process.stdout.write(`${toJson(lines)}\n`);
		else print(name, lines, options.request === true);
	} finally {
		await api.close();
	}
}

/** What waiting needs of the world. */
export interface Waiting {
	nowMs(): number;
	sleep(delayMs: number): Promise<void>;
}

const REAL: Waiting = {
	nowMs: () => Date.now(),
	sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
};

/**
 * Makes a job of it and waits until the node has done it.
 * @throws CommandError when it does not, in time or at all; the job is left, and done when the node is back
 */
export async function request(
	api: Pick<ApiClient, "get" | "send">,
	name: string,
	patienceMs: number,
	waiting: Waiting = REAL,
): Promise<void> {
	const response = await api.get(`/v1/devices/${name}`);
	const { online } = (await response.json()) as { readonly online: boolean };
	const document: LogsJob = {
		operation: "logs",
		version: JOB_DOCUMENT_VERSION,
	};
	const id = `logs-${randomBytes(8).toString("hex")}`;
	await api.send("POST", "/v1/jobs", { id, document, devices: [name] });
	if (!online) {
		printMessage(
			`${name} is not connected: it is asked for its log when it is back. The job is ${id}; waiting for it.`,
		);
	}
	const untilMs = waiting.nowMs() + patienceMs;
	for (;;) {
		const execution = await executionOf(api, id, name);
		if (execution?.status === "SUCCEEDED") return;
		if (execution !== null && !WAITING.includes(execution.status)) {
			const { reason, detail } = execution.statusDetails ?? {};
			const why = [reason, detail]
				.filter((one) => one !== undefined)
				.join(": ");
			throw new CommandError(
				`${name} does not send its log: the job ${id} is ${execution.status}${why === "" ? "" : ` (${why})`}.`,
			);
		}
		if (waiting.nowMs() >= untilMs) {
			const first = execution?.waitsFor ?? null;
			throw new CommandError(
				`${name} has not sent its log yet${first === null ? "" : `: it does the job ${first} first (waits_for)`}. It does when it is connected: look then with \`thinghz logs ${name}\`. The job is ${id}.`,
			);
		}
		await waiting.sleep(POLL_MS);
	}
}

/** Null until the node has been told of it. */
async function executionOf(
	api: Pick<ApiClient, "get">,
	id: string,
	name: string,
): Promise<Execution | null> {
	try {
		const response = await api.get(`/v1/jobs/${id}/executions/${name}`);
		return (await response.json()) as Execution;
	} catch (error) {
		if (error instanceof ApiProblem && error.problem === "unknown_execution") {
			return null;
		}
		throw error;
	}
}

function print(
	name: string,
	lines: readonly LineRow[],
	isRequested: boolean,
): void {
	if (lines.length === 0) {
		printMessage(
			isRequested
				? "No such lines."
				: `No such lines. A node sends its log after a crash, and when it is asked to: \`thinghz logs ${name} --request\`.`,
		);
		return;
	}
	let boot: number | null = null;
	for (const line of lines) {
		if (boot !== null && line.boot !== boot) process.stdout.write("\n");
		boot = line.boot;
		const time = `${line.isLatest ? "≤ " : ""}${line.time}`;
		process.stdout.write(
			`${time}  ${String(line.boot)}  ${line.level.padEnd(5)}  ${showControls(line.text)}\n`,
		);
	}
}
