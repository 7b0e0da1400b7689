/** `thinghz jobs`: what devices are to do, and how far they are. */

import type { Command } from "commander";
import type { ApiClient } from "./api-client.ts";
import { addDefaultList, type CommonOptions, commonOptions } from "./common.ts";
import { UsageError } from "./errors.ts";
import { detailsOf, ExecutionReader } from "./executions.ts";
import { type CreateOptions, jobRequest } from "./job-request.ts";
import type { JobRow } from "./job-rows.ts";
import { stageText } from "./job-stage.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { allPages } from "./pages.ts";
import { usingApi } from "./using-api.ts";

interface SummaryRow {
	readonly id: string;
	readonly status: string;
	/** ISO-8601 */
	readonly created: string;
	readonly ended: string | null;
}

interface ForceOption extends CommonOptions {
	readonly force?: true;
}

export function addJobs(program: Command): void {
	const jobs = commonOptions(
		program
			.command("jobs")
			.description("what devices are to do, and how far they are"),
	);
	// Their options are those of `jobs`, which take effect before and after their names.
	addDefaultList(jobs, "list the jobs, newest first", (options) =>
		usingApi(options, (api) => list(api, options)),
	);
	jobs
		.command("create")
		.description("have devices do something")
		.argument("<name>", "the job's id")
		.requiredOption("--document <file>", "JSON: what is to be done; - is stdin")
		.option(
			"--foreign",
			"the document is for devices of others: any JSON object",
		)
		.option("--to <devices>", "by these devices: a,b")
		.option(
			"--where <query>",
			"by whoever matches, now or later: 'firmware<1.2 board=esp32* site=roof'",
		)
		.option("--rate <count>", "tell so many devices a minute at most")
		.option(
			"--grow <growth>",
			"begin slower: 5x2/10 is 5 a minute, doubled whenever 10 more succeed",
		)
		.option(
			"--stages <percentages>",
			"first 5%, then up to 25%, then all: 5%,25%,100%; the next once 80% of those told have succeeded",
		)
		.option(
			"--abort <threshold>",
			"give up: 20%/10 when a fifth of ten or more failed; :FAILED, :REJECTED or :TIMED_OUT counts those; again for more",
			collect,
		)
		.option("--timeout <duration>", "how long a device may take: 1m to 7d")
		.option("--retries <count>", "try again where it fails, up to 10 times")
		.option("--comment <text>", "for people")
		.action((id: string, _options: unknown, command: Command) =>
			create(id, command.optsWithGlobals<CreateOptions & CommonOptions>()),
		);
	jobs
		.command("show")
		.description("show a job, and how far each device is")
		.argument("<name>", "the job's id")
		.action((id: string, _options: unknown, command: Command) => {
			const options = command.optsWithGlobals<CommonOptions>();
			return usingApi(options, (api) => show(api, id, options));
		});
	jobs
		.command("cancel")
		.description("have no more devices begin it")
		.argument("<name>", "the job's id")
		.option("--force", "also where it is in progress")
		.action((id: string, _options: unknown, command: Command) => {
			const options = command.optsWithGlobals<ForceOption>();
			return usingApi(options, (api) => cancel(api, id, options));
		});
	jobs
		.command("delete")
		.description("forget a job and how far its devices are")
		.argument("<name>", "the job's id")
		.option("--force", "also while it goes on")
		.action((id: string, _options: unknown, command: Command) => {
			const options = command.optsWithGlobals<ForceOption>();
			return usingApi(options, (api) => remove(api, id, options));
		});
}

function collect(value: string, before: readonly string[] = []): string[] {
	return [...before, value];
}

async function create(
	id: string,
	options: CreateOptions & CommonOptions,
): Promise<void> {
	assertId(id);
	const request = jobRequest(id, options);
	await usingApi(options, async (api) => {
		const response = await api.send("POST", "/v1/jobs", request);
		const job = (await response.json()) as JobRow;
		if (options.json) return printJson(job);
		printMessage(
			`${id} goes on${job.where === null ? "" : `, for whoever matches ${job.where}`}: ${countsText(job)}. Look at it with \`thinghz jobs show ${id}\`.`,
		);
		sayWhereNothingRuns(api, options);
	});
}

/** A job is made all the same: devices are told when they connect. */
export function sayWhereNothingRuns(
	{ isRunning }: ApiClient,
	{ target }: CommonOptions,
): void {
	if (isRunning) return;
	printMessage(
		`No cloud runs on ${target}, so no device can hear of it yet: start one with \`thinghz up\`.`,
	);
}

async function list(api: ApiClient, { json }: CommonOptions): Promise<void> {
	const jobs = await allPages<SummaryRow>(api, "/v1/jobs", "jobs");
	if (json) return printJson(jobs);
	if (jobs.length === 0) {
		return printMessage(
			"No jobs yet. `thinghz jobs create --help` says how to make one.",
		);
	}
	process.stdout.write(
		formatTable(
			["job", "status", "created", "ended"],
			jobs.map(({ id, status, created, ended }) => [
				id,
				status,
				created,
				ended,
			]),
		),
	);
}

async function show(
	api: ApiClient,
	id: string,
	{ json }: CommonOptions,
): Promise<void> {
	assertId(id);
	const response = await api.get(`/v1/jobs/${id}`);
	const job = (await response.json()) as JobRow;
	const executions = await new ExecutionReader(api, id).read();
	if (json) return printJson({ ...job, executions });
	const operation = String(job.document.operation ?? "a document of others");
	printMessage(
		`${id}: ${operation}, ${job.status}${job.reason === null ? "" : ` (${job.reason})`}, ${countsText(job)}.`,
	);
	const stage = stageText(
		job,
		`\`thinghz jobs cancel ${id}\` ends it; once what failed is mended, a new job is for those who failed and those who were not told.`,
	);
	if (stage !== null) printMessage(stage);
	if (executions.length === 0) return;
	process.stdout.write(
		formatTable(
			["device", "status", "attempt", "updated", "details"],
			executions.map((execution) => [
				execution.device,
				execution.status,
				execution.attempt,
				execution.updated,
				Object.entries(detailsOf(execution))
					.map(([name, value]) => `${name}=${value}`)
					.join(" "),
			]),
		),
	);
}

async function cancel(
	api: ApiClient,
	id: string,
	{ force, json }: ForceOption,
): Promise<void> {
	assertId(id);
	const response = await api.send("POST", `/v1/jobs/${id}/cancel`, {
		force: force === true,
	});
	const job = (await response.json()) as JobRow;
	if (json) return printJson(job);
	printMessage(`${id} is canceled: ${countsText(job)}.`);
}

async function remove(
	api: ApiClient,
	id: string,
	{ force, json }: ForceOption,
): Promise<void> {
	assertId(id);
	await api.send(
		"DELETE",
		`/v1/jobs/${id}${force === true ? "?force=true" : ""}`,
	);
	if (json) return printJson({ id, deleted: true });
	printMessage(`${id} is forgotten.`);
}

/** "3 of 10 told, 2 SUCCEEDED, 1 FAILED" */
export function countsText({
	counts,
	devices,
}: Pick<JobRow, "counts" | "devices">): string {
	const told = Object.values(counts).reduce((sum, count) => sum + count, 0);
	const of = devices === null ? "" : ` of ${devices.length}`;
	const parts = Object.entries(counts)
		.filter(([, count]) => count > 0)
		.map(([status, count]) => `${count} ${status}`);
	return [`${told}${of} told`, ...parts].join(", ");
}

function assertId(id: string): void {
	if (/^[a-zA-Z0-9_-]{1,64}$/.test(id)) return;
	throw new UsageError(
		`"${id}" cannot be a job's name: that is 1 to 64 letters, digits, "_" and "-".`,
	);
}
