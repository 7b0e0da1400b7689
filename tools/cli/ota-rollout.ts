/** `thinghz ota rollout`, `status` and `abort`: a job that installs what is published, and how far each device is with it. */

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { JobError } from "../../cloud/core/jobs/job.ts";
import { matches, parseQuery } from "../../cloud/core/jobs/query.ts";
import {
	ManifestError,
	parseManifest,
} from "../../protocol/update-manifest.ts";
import { parseVersion } from "../../protocol/version.ts";
import type { ApiClient } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { CommandError, UsageError } from "./errors.ts";
import { detailsOf, ExecutionReader } from "./executions.ts";
import { readBytes } from "./files.ts";
import {
	abortOf,
	type JobOptions,
	jobSettings,
	type RequestedTargets,
} from "./job-request.ts";
import type { ExecutionRow, JobRow, StageRow } from "./job-rows.ts";
import { stageText } from "./job-stage.ts";
import { countsText, sayWhereNothingRuns } from "./jobs.ts";
import type { ReleaseRow } from "./ota-publish.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { allPages } from "./pages.ts";
import { usingApi } from "./using-api.ts";

interface RolloutOptions extends JobOptions, CommonOptions {
	readonly board?: string;
	readonly name?: string;
}

interface DeviceRow {
	readonly name: string;
	readonly online: boolean;
	readonly board: string | null;
	readonly firmware: string | null;
	readonly tags: Readonly<Record<string, string>>;
}

/** What `status` says of a rollout. */
interface Status {
	readonly id: string;
	readonly status: string;
	/** Why it was ended: "canceled", "aborted". */
	readonly reason: string | null;
	readonly version: string | null;
	readonly board: string | null;
	readonly counts: Readonly<Record<string, number>>;
	/** The query that devices match; null where they are named. */
	readonly where: string | null;
	/** That it waits for before more are told; null where it waits for none. */
	readonly stage: StageRow | null;
	readonly devices: readonly DeviceStatus[];
}

interface DeviceStatus {
	readonly device: string;
	readonly status: string;
	/** What it is at: "load", "verify", …; null where it has not said. */
	readonly step: string | null;
	/** Of the download. */
	readonly percent: number | null;
	readonly reason: string | null;
	readonly detail: string | null;
	/** The job that it does first, where the reason is "waits_for". */
	readonly waitsFor: string | null;
	/** That it runs now, as it last said. */
	readonly version: string | null;
	readonly online: boolean;
	readonly updated: string | null;
	readonly attempt: number;
}

/** An update that most devices fail at is worse than none: so many percent, of so many devices or more. */
const ABORT_PERCENT = 20;
const ABORT_DEVICES = 10;
const DEFAULT_ABORT = `${ABORT_PERCENT}%/${ABORT_DEVICES}`;
const DEFAULT_TIMEOUT = "2h";
/** So many of the newest jobs are looked at for rollouts. */
const LISTED_JOBS = 20;
const WATCH_MS = 2000;

export function addOtaRollout(ota: Command): void {
	commonOptions(
		ota
			.command("rollout")
			.description("have devices install what is published")
			.argument("<version>", "1.2.0, or the image's file")
			.option("--board <name>", "where the version is published for several")
			.option("--name <id>", "of the job (default: update-VERSION-BOARD)")
			.option("--to <devices>", "these devices: a,b")
			.option(
				"--where <query>",
				"whoever matches, now or later: 'board=esp32c3 firmware<1.2.0 site=roof'",
			)
			.option(
				"--stages <percentages>",
				"first 5%, then up to 25%, then all: 5%,25%,100%; the next once 80% of those told have succeeded",
			)
			.option("--rate <count>", "tell so many devices a minute at most")
			.option(
				"--grow <growth>",
				"begin slower: 5x2/10 is 5 a minute, doubled whenever 10 more succeed",
			)
			.option(
				"--abort <threshold>",
				`give up when so many have failed, or never: none (default: ${DEFAULT_ABORT}; with --stages, of as many as the first one has, if fewer than ${ABORT_DEVICES}, unless there are --retries)`,
				(value: string, before: readonly string[] = []) => [...before, value],
			)
			.option(
				"--timeout <duration>",
				"how long a device may take: 1m to 7d",
				DEFAULT_TIMEOUT,
			)
			.option("--retries <count>", "try again where it fails, up to 10 times")
			.option("--comment <text>", "for people"),
	).action(rollOut);
	commonOptions(
		ota
			.command("status")
			.description(
				"how far a rollout is, device by device; without a name, the latest",
			)
			.argument("[rollout]", "its job")
			.option(
				"--watch",
				"go on until it has ended, or stands still for good in its stages (exit code 1)",
			),
	).action(status);
	commonOptions(
		ota
			.command("abort")
			.description("have no more devices begin it")
			.argument("<rollout>", "its job")
			.option("--force", "also where it is in progress"),
	).action(abort);
}

async function rollOut(what: string, options: RolloutOptions): Promise<void> {
	const { abort: thresholds = [], ...rest } = options;
	if (options.to === undefined && options.where === undefined) {
		throw new UsageError(
			"Say which devices are to install it: --to DEVICE,DEVICE, or --where 'board=BOARD firmware<VERSION'.",
		);
	}
	const settings = jobSettings({
		...rest,
		abort: thresholds.filter((threshold) => threshold !== "none"),
	});
	await usingApi(options, async (api) => {
		const release = await releaseOf(api, what, options.board);
		const { version, board, document } = release;
		const id =
			options.name ?? `update-${version}-${board}`.replaceAll(/[^\w-]/g, "-");
		assertId(id);
		const response = await api.send("POST", "/v1/jobs", {
			id,
			document,
			...settings,
			...(options.abort === undefined
				? { abort: [abortOf(await defaultAbort(api, settings))] }
				: {}),
		});
		const job = (await response.json()) as JobRow;
		if (options.json) return printJson(job);
		printMessage(
			`${version} for ${board} goes out as ${id}${job.where === null ? "" : `, to whoever matches ${job.where}`}: ${countsText(job)}. Watch it with \`thinghz ota status ${id} --watch\`.`,
		);
		sayWhereNothingRuns(api, options);
	});
}

/**
 * When a rollout is given up that says nothing of it. Stages tell no more than the first one's devices where these fail: so if these are
 * fewer than `ABORT_DEVICES`, as many as they are now have to do. Not where devices try again: each attempt that fails counts, and one alone must
 * not end it all.
 */
export async function defaultAbort(
	api: Pick<ApiClient, "get">,
	{ devices, where = "", rollout, retries }: RequestedTargets,
): Promise<string> {
	const [first] = rollout?.stages ?? [];
	if (first === undefined || retries !== undefined) return DEFAULT_ABORT;
	const count = devices?.length ?? (await countMatching(api, where));
	if (count === null) return DEFAULT_ABORT;
	const size = Math.max(1, Math.ceil((count * first) / 100));
	return `${ABORT_PERCENT}%/${Math.min(ABORT_DEVICES, size)}`;
}

/** @returns null for what is no query, which the cloud refuses by itself */
async function countMatching(
	api: Pick<ApiClient, "get">,
	where: string,
): Promise<number | null> {
	let terms: ReturnType<typeof parseQuery>;
	try {
		terms = parseQuery(where);
	} catch (error) {
		if (error instanceof JobError) return null;
		throw error;
	}
	const devices = await allPages<DeviceRow>(api, "/v1/devices", "devices");
	return devices.filter((device) => matches(terms, device)).length;
}

/** By its version, or by the file of its image. */
async function releaseOf(
	api: ApiClient,
	what: string,
	board: string | undefined,
): Promise<ReleaseRow> {
	const named = namedBy(what, board);
	const response = await api.get("/v1/firmware");
	const { releases } = (await response.json()) as {
		readonly releases: readonly ReleaseRow[];
	};
	const found = releases.filter(
		(one) =>
			one.version === named.version &&
			(named.board === undefined || one.board === named.board),
	);
	const [release, ...others] = found;
	const text = `${named.version}${named.board === undefined ? "" : ` for ${named.board}`}`;
	if (release === undefined) {
		throw new CommandError(
			`${text} is not published. \`thinghz ota list\` lists what is, \`thinghz ota publish\` publishes more.`,
		);
	}
	if (others.length === 0) return release;
	throw new UsageError(
		`${text} is published for ${found.map((one) => one.board).join(", ")}: name one by --board.`,
	);
}

function namedBy(
	what: string,
	board: string | undefined,
): { readonly version: string; readonly board: string | undefined } {
	if (parseVersion(what) !== null) return { version: what, board };
	const file = `${what}.manifest`;
	if (!existsSync(file)) {
		throw new UsageError(
			`"${what}" is no version (three numbers: 1.2.0), and ${file} is not there.`,
		);
	}
	const manifest = parseManifest(readBytes(file));
	return { version: manifest.version, board: board ?? manifest.board };
}

async function status(
	id: string | undefined,
	options: CommonOptions & { readonly watch?: true },
): Promise<void> {
	if (id !== undefined) assertId(id);
	await usingApi(options, async (api) => {
		if (id === undefined && options.watch !== true) {
			return listRollouts(await rolloutsOf(api), options);
		}
		const rollout = id ?? (await rolloutsOf(api))[0]?.id;
		if (rollout === undefined) throw noRollouts();
		const executions = new ExecutionReader(api, rollout);
		let shown = "";
		for (;;) {
			const now = await statusOf(api, rollout, executions);
			const text = JSON.stringify(now);
			const end = options.watch === true ? watchEnd(now) : { failure: null };
			const failure = end?.failure ?? null;
			// What the command ends with is not said twice.
			const stage = failure === null ? rolloutStageText(now) : null;
			if (text !== shown) show(now, stage, options);
			shown = text;
			if (failure !== null) throw new CommandError(failure);
			if (end !== null) return;
			await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
		}
	});
}

/**
 * Whether there is nothing more to wait for, and as a failure why the rollout has not ended all the same: it stands still for good, and
 * nobody is at it. Those who have not begun may never do, and change nothing.
 * @returns null while there is
 */
export function watchEnd(
	now: Status,
): { readonly failure: string | null } | null {
	const { QUEUED = 0, IN_PROGRESS = 0 } = now.counts;
	if (now.status !== "IN_PROGRESS") {
		return QUEUED + IN_PROGRESS === 0 ? { failure: null } : null;
	}
	if (now.stage?.stuck !== true || IN_PROGRESS > 0) return null;
	return { failure: `${now.id}: ${rolloutStageText(now)}` };
}

function rolloutStageText(now: Status): string | null {
	return stageText(
		now,
		`\`thinghz ota abort ${now.id}\` ends it; once what failed is mended, a new rollout (of the same version: with another --name) is for those who failed and those who were not told.`,
	);
}

function noRollouts(): CommandError {
	return new CommandError(
		`Among the latest ${LISTED_JOBS} jobs there is no rollout. \`thinghz ota rollout\` makes one.`,
	);
}

/** Those among the newest jobs, newest first: a list of jobs does not say what they are about. */
async function rolloutsOf(api: ApiClient): Promise<readonly JobRow[]> {
	const response = await api.get(`/v1/jobs?limit=${LISTED_JOBS}`);
	const { jobs } = (await response.json()) as {
		readonly jobs: readonly { readonly id: string }[];
	};
	const rows = await Promise.all(
		jobs.map(async ({ id }) => {
			const job = await api.get(`/v1/jobs/${id}`);
			return (await job.json()) as JobRow;
		}),
	);
	return rows.filter(({ document }) => document.operation === "update");
}

function listRollouts(
	rollouts: readonly JobRow[],
	{ json }: CommonOptions,
): void {
	const rows = rollouts.map((job) => ({
		id: job.id,
		status: job.status,
		reason: job.reason,
		...releaseIn(job),
		created: job.created,
		counts: job.counts,
		stage: job.stage ?? null,
		devices: job.devices,
	}));
	if (json) {
		printJson(rows.map(({ devices: _, ...row }) => row));
		return;
	}
	if (rows.length === 0) {
		printMessage(noRollouts().message);
		return;
	}
	process.stdout.write(
		formatTable(
			["rollout", "version", "board", "status", "created", "devices"],
			rows.map((row) => [
				row.id,
				row.version,
				row.board,
				stateText(row),
				row.created,
				countsText(row),
			]),
		),
	);
}

export async function statusOf(
	api: Pick<ApiClient, "get">,
	id: string,
	reader = new ExecutionReader(api, id),
): Promise<Status> {
	const response = await api.get(`/v1/jobs/${id}`);
	const job = (await response.json()) as JobRow;
	if (job.document.operation !== "update") {
		throw new CommandError(
			`${id} is no rollout: \`thinghz jobs show ${id}\` shows what it is.`,
		);
	}
	const executions = await reader.read();
	const devices = await allPages<DeviceRow>(api, "/v1/devices", "devices");
	const known = new Map(devices.map((device) => [device.name, device]));
	return {
		id,
		status: job.status,
		reason: job.reason,
		...releaseIn(job),
		counts: job.counts,
		where: job.where,
		stage: job.stage ?? null,
		devices: executions.map((one) => deviceStatus(one, known.get(one.device))),
	};
}

function releaseIn({ document: { manifest } }: JobRow): {
	readonly version: string | null;
	readonly board: string | null;
} {
	const bytes = Buffer.from(String(manifest ?? ""), "base64");
	try {
		const { version, board } = parseManifest(bytes);
		return { version, board };
	} catch (error) {
		// A job that somebody has made by hand: no node takes it, and the others are shown all the same.
		if (error instanceof ManifestError) return { version: null, board: null };
		throw error;
	}
}

function deviceStatus(
	execution: ExecutionRow,
	device: DeviceRow | undefined,
): DeviceStatus {
	const details = detailsOf(execution);
	const percent = Number.parseInt(details.progress ?? "", 10);
	return {
		device: execution.device,
		status: execution.status,
		step: details.step ?? null,
		percent: Number.isNaN(percent) ? null : percent,
		reason: details.reason ?? null,
		detail: details.detail ?? null,
		waitsFor: execution.waitsFor,
		version: device?.firmware ?? null,
		online: device?.online ?? false,
		updated: execution.updated,
		attempt: execution.attempt,
	};
}

function show(
	now: Status,
	stage: string | null,
	{ json }: CommonOptions,
): void {
	if (json) {
		printJson(now);
		return;
	}
	const told = Object.values(now.counts).reduce((sum, count) => sum + count, 0);
	const counts = Object.entries(now.counts)
		.filter(([, count]) => count > 0)
		.map(([name, count]) => `${count} ${name}`);
	printMessage(
		`${now.id}: ${now.version} for ${now.board}, ${stateText(now)}, ${[`${told} told`, ...counts].join(", ")}.`,
	);
	if (stage !== null) printMessage(stage);
	if (now.devices.length === 0) return;
	process.stdout.write(
		formatTable(
			["device", "status", "step", "%", "reason", "runs", "online", "detail"],
			now.devices.map((one) => [
				one.device,
				one.status,
				one.step,
				one.percent,
				one.reason,
				one.version,
				one.online ? "yes" : "no",
				one.detail ?? one.waitsFor,
			]),
		),
	);
}

function stateText({
	status: state,
	reason,
	stage,
}: Pick<Status, "status" | "reason" | "stage">): string {
	if (reason !== null) return `${state} (${reason})`;
	if (stage === null) return state;
	return `${state} (${stage.stuck ? "stands still" : "waits"}: stage ${stage.number} of ${stage.of})`;
}

async function abort(
	id: string,
	options: CommonOptions & { readonly force?: true },
): Promise<void> {
	assertId(id);
	await usingApi(options, async (api) => {
		const response = await api.send("POST", `/v1/jobs/${id}/cancel`, {
			force: options.force === true,
		});
		const job = (await response.json()) as JobRow;
		if (options.json) return printJson(job);
		const { IN_PROGRESS = 0 } = job.counts;
		const rest =
			IN_PROGRESS === 0
				? ""
				: ` ${IN_PROGRESS} that are at it go on; --force ends those as well.`;
		printMessage(`${id} is aborted: ${countsText(job)}.${rest}`);
	});
}

function assertId(id: string): void {
	if (/^[a-zA-Z0-9_-]{1,64}$/.test(id)) return;
	throw new UsageError(
		`"${id}" cannot be a rollout's name: that is 1 to 64 letters, digits, "_" and "-".`,
	);
}
