/** `thinghz alerts`: what fires, what has been, and by which rules. */

import type { Command } from "commander";
import type {
	EventDocument,
	OutcomeDocument,
	RuleDocument,
	RuleDraftDocument,
	StateDocument,
	TargetDocument,
} from "../../cloud/api/alert-schemas.ts";
import { isThingName } from "../../protocol/topics.ts";
import {
	conditionOf,
	draftOf,
	type EditOptions,
	editedRule,
	type RuleOptions,
	targetsOf,
} from "./alert-rule.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiProblem } from "./api-problem.ts";
import { addDefaultList, type CommonOptions, commonOptions } from "./common.ts";
import { parseWhole } from "./duration.ts";
import { CommandError, UsageError } from "./errors.ts";
import { assertKnown } from "./known-device.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { gather, rowsOf } from "./pages.ts";
import { parseAnyTarget } from "./target.ts";
import { usingApi } from "./using-api.ts";

interface DeviceOption extends CommonOptions {
	readonly device?: string;
}

interface HistoryOptions extends DeviceOption {
	readonly limit: string;
}

const MAX_LIMIT = 100_000;

export function addAlerts(program: Command): void {
	const alerts = commonOptions(
		program
			.command("alerts")
			.description("what fires, what has been, and by which rules"),
	);
	// Their options are those of `alerts`, which take effect before and after their names.
	addDefaultList(
		alerts,
		"list what fires, is about to, or no longer does",
		(options: DeviceOption) =>
			usingApi(options, (api) => listAlerts(api, options)),
	).option("--device <name>", "only of this device");
	alerts
		.command("rules")
		.description("list the rules, with their ids")
		.action(withApi(listRules));
	ruleOptions(
		alerts
			.command("add")
			.description("make a rule")
			.argument("<name>", "what people are told: 'Freezer too warm'")
			.option("--device <name>", "of this device; without it, of each device"),
	).action((name: string, _options: unknown, command: Command) =>
		add(name, ruleOptionsOf<RuleOptions & CommonOptions>(command)),
	);
	ruleOptions(
		alerts
			.command("edit")
			.description("change a rule: what is not said stays as it is")
			.argument("<id>", "as `thinghz alerts rules` shows it")
			.option("--name <name>", "what people are told")
			.option("--device <name>", "of this device")
			.option("--each", "of each device")
			.option("--nobody", "tells nobody any more"),
	).action((id: string, _options: unknown, command: Command) =>
		edit(id, ruleOptionsOf<EditOptions & CommonOptions>(command)),
	);
	for (const [name, enabled, about] of [
		["enable", true, "have a rule judged again that was switched off"],
		["disable", false, "switch a rule off: what it fires ends"],
	] as const) {
		alerts
			.command(name)
			.description(about)
			.argument("<id>", "as `thinghz alerts rules` shows it")
			.action((id: string, _options: unknown, command: Command) =>
				enable(id, enabled, command.optsWithGlobals<CommonOptions>()),
			);
	}
	alerts
		.command("remove")
		.description("remove a rule")
		.argument("<id>", "as `thinghz alerts rules` shows it")
		.action((id: string, _options: unknown, command: Command) =>
			remove(id, command.optsWithGlobals<CommonOptions>()),
		);
	alerts
		.command("test")
		.description("tell all whom a rule names that this is a test")
		.argument("<id>", "as `thinghz alerts rules` shows it")
		.action((id: string, _options: unknown, command: Command) =>
			test(id, command.optsWithGlobals<CommonOptions>()),
		);
	alerts
		.command("history")
		.description("list what has fired and been resolved, newest first")
		.option("--device <name>", "only of this device")
		.option("--limit <count>", `at most so many, up to ${MAX_LIMIT}`, "50")
		.action(withApi(history));
}

/** What a rule looks for, and whom it tells. */
function ruleOptions(command: Command): Command {
	return command
		.option("--channel <id>", "of this channel")
		.option("--above <value>", "when a value is over it")
		.option("--below <value>", "when a value is under it")
		.option(
			"--hysteresis <value>",
			"how far back a value has to come before it is well again (0 in a new rule)",
		)
		.option("--for <duration>", "how long it has to hold (0s in a new rule)")
		.option("--no-data <duration>", "when there is no reading for so long")
		.option("--offline <duration>", "when it is not connected for so long")
		.option("--email <address>", "tell this address; again for more", collect)
		.option("--webhook <url>", "tell this address; again for more", collect)
		.option(
			"--push [subject]",
			"tell the browsers and telephones that you have subscribed, or that somebody else has",
		);
}

/** Commander reads `--no-data` as the opposite of `--data`: its value is in `data`, which is true without it. */
function ruleOptionsOf<Options extends RuleOptions>(command: Command): Options {
	const { data, ...options } = command.optsWithGlobals<
		Options & { readonly data: string | true }
	>();
	return (data === true
		? options
		: { ...options, noData: data }) as unknown as Options;
}

function collect(value: string, before: readonly string[] = []): string[] {
	return [...before, value];
}

/** For commands without arguments. */
function withApi<Options extends CommonOptions>(
	work: (api: ApiClient, options: Options) => Promise<void>,
): (options: unknown, command: Command) => Promise<void> {
	return async (_options, command) => {
		const options = command.optsWithGlobals<Options>();
		await usingApi(options, (api) => work(api, options));
	};
}

async function listAlerts(
	api: ApiClient,
	{ device, json }: DeviceOption,
): Promise<void> {
	const response = await api.get(`/v1/alerts${deviceQuery(device)}`);
	const { alerts } = (await response.json()) as {
		readonly alerts: readonly StateDocument[];
	};
	if (alerts.length === 0) await assertKnown(api, device);
	if (json) return printJson(alerts);
	if (alerts.length === 0) return printMessage("No alert is firing.");
	const order = ["firing", "pending", "resolved"];
	process.stdout.write(
		formatTable(
			["status", "device", "alert", "since", "value", "condition"],
			[...alerts]
				.sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status))
				.map(({ status, device, name, since, value, unit, summary }) => [
					status,
					device,
					name,
					since,
					value === null ? null : `${value} ${unit ?? ""}`.trim(),
					summary,
				]),
		),
	);
}

async function listRules(
	api: ApiClient,
	{ json }: CommonOptions,
): Promise<void> {
	const response = await api.get("/v1/alerts/rules");
	const { rules } = (await response.json()) as {
		readonly rules: readonly RuleDocument[];
	};
	if (json) return printJson(rules);
	if (rules.length === 0) {
		return printMessage(
			"There are no rules. Make one: `thinghz alerts add 'Silent' --offline 10m`; `thinghz alerts add --help` says more.",
		);
	}
	process.stdout.write(
		formatTable(
			["id", "name", "device", "condition", "tells"],
			rules.map(({ id, name, device, summary, enabled, notify }) => [
				id,
				name,
				device ?? "each",
				enabled ? summary : `${summary} (off)`,
				notify.length === 0 ? "nobody" : notify.map(targetText).join(", "),
			]),
		),
	);
}

async function add(
	name: string,
	options: RuleOptions & CommonOptions,
): Promise<void> {
	const { device = null, target } = options;
	assertDevice(device ?? undefined);
	const draft = {
		name,
		device,
		condition: conditionOf(options),
		enabled: true,
		notify: targetsOf(options, parseAnyTarget(target)),
	};
	await usingApi(options, async (api) => {
		const response = await sendRule(api, "POST", "/v1/alerts/rules", draft);
		const rule = (await response.json()) as RuleDocument;
		printRule(rule, options);
		if (!options.json) await warnOfChannel(api, rule.device, options.channel);
	});
}

async function edit(
	id: string,
	options: EditOptions & CommonOptions,
): Promise<void> {
	assertDevice(options.device);
	const target = parseAnyTarget(options.target);
	await replace(id, options, (rule) => editedRule(rule, options, target));
}

function enable(
	id: string,
	enabled: boolean,
	options: CommonOptions,
): Promise<void> {
	return replace(id, options, (rule) => ({ ...draftOf(rule), enabled }));
}

async function replace(
	id: string,
	options: CommonOptions & Pick<RuleOptions, "channel">,
	change: (rule: RuleDocument) => RuleDraftDocument,
): Promise<void> {
	assertId(id);
	await usingApi(options, async (api) => {
		const path = `/v1/alerts/rules/${id}`;
		const rule = (await (await api.get(path)).json()) as RuleDocument;
		const response = await sendRule(api, "PUT", path, change(rule));
		const changed = (await response.json()) as RuleDocument;
		printRule(changed, options);
		if (options.json) return;
		await warnOfChannel(api, changed.device, options.channel);
	});
}

/** A device may get a channel later, so that a rule about one that it has not is no mistake for the API. */
async function warnOfChannel(
	api: ApiClient,
	device: string | null,
	channel: string | undefined,
): Promise<void> {
	if (device === null || channel === undefined) return;
	const response = await api.get(`/v1/devices/${device}`);
	const { channels } = (await response.json()) as {
		readonly channels: readonly { readonly id: string }[];
	};
	const ids = channels.map(({ id }) => id);
	if (ids.length === 0 || ids.includes(channel)) return;
	printMessage(
		`${device} has no channel ${channel} so far; it has ${ids.join(", ")}.`,
	);
}

/** @throws CommandError that says of options what the API says of members of a rule */
async function sendRule(
	api: ApiClient,
	method: "POST" | "PUT",
	path: string,
	draft: RuleDraftDocument,
): Promise<Response> {
	try {
		return await api.send(method, path, draft);
	} catch (error) {
		throw withOptions(error, draft.notify);
	}
}

/** What the API says of members of a rule by JSON pointers (RFC 6901), of options. */
function withOptions(
	error: unknown,
	notify: readonly { readonly type: string }[],
): unknown {
	if (!(error instanceof ApiProblem)) return error;
	const said = error.message
		.replace(/(?<!\S)\/notify\/(\d+)\S*:/g, (whole, index) => {
			const target = notify[Number(index)];
			return target === undefined ? whole : `--${target.type}:`;
		})
		.replace(/(?<!\S)\/(device|name):/g, "$1:");
	return new CommandError(said, { cause: error });
}

function printRule(rule: RuleDocument, { json }: CommonOptions): void {
	if (json) {
		printJson(rule);
		return;
	}
	const of = `${rule.summary}, of ${rule.device ?? "each device"}`;
	const who =
		rule.notify.length === 0
			? "Nobody is told; it is shown on the page and by `thinghz alerts`."
			: `Tells ${rule.notify.map(targetText).join(", ")}; try it: \`thinghz alerts test ${rule.id}\`.`;
	printMessage(
		rule.enabled
			? `${rule.id}: ${of}. ${who}`
			: `${rule.id}: ${of}. It is switched off; \`thinghz alerts enable ${rule.id}\` has it judged again.`,
	);
}

async function remove(id: string, options: CommonOptions): Promise<void> {
	assertId(id);
	await usingApi(options, async (api) => {
		await api.send("DELETE", `/v1/alerts/rules/${id}`);
		if (options.json) return printJson({ id, removed: true });
		printMessage("The rule is removed; what has been stays in the history.");
	});
}

async function test(id: string, options: CommonOptions): Promise<void> {
	assertId(id);
	await usingApi(options, async (api) => {
		const response = await api.send("POST", `/v1/alerts/rules/${id}/test`, {});
		const { results } = (await response.json()) as {
			readonly results: readonly OutcomeDocument[];
		};
		if (options.json) printJson(results);
		else if (results.length === 0) printMessage("The rule tells nobody.");
		else {
			for (const { target, result, error } of results) {
				printMessage(
					`${targetText(target)}: ${result === "delivered" ? "delivered." : error}`,
				);
			}
		}
		if (results.some(({ result }) => result !== "delivered")) {
			throw new CommandError("Not all could be told.");
		}
	});
}

async function history(
	api: ApiClient,
	{ device, limit, json }: HistoryOptions,
): Promise<void> {
	const count = parseWhole(limit, "--limit", 1, MAX_LIMIT);
	assertDevice(device);
	const events = await gather(
		rowsOf<EventDocument>(api, "/v1/alerts/events", "events", count, {
			device,
		}),
	);
	if (events.length === 0) await assertKnown(api, device);
	if (json) return printJson(events);
	if (events.length === 0) return printMessage("Nothing has fired yet.");
	process.stdout.write(
		formatTable(
			["time", "status", "device", "alert", "what", "told"],
			events.map(({ at, status, device, name, text, deliveries }) => [
				at,
				status,
				device,
				name,
				text,
				(deliveries ?? [])
					.map((delivery) =>
						[
							`${targetText(delivery.target)} ${delivery.status}`,
							delivery.error,
						]
							.filter((part) => part !== null)
							.join(": "),
					)
					.join("; "),
			]),
		),
	);
}

function deviceQuery(device: string | undefined): string {
	assertDevice(device);
	return device === undefined ? "" : `?device=${device}`;
}

function assertDevice(device: string | undefined): void {
	if (device === undefined || isThingName(device)) return;
	throw new UsageError(`--device: "${device}" is not a device's name.`);
}

function assertId(id: string): void {
	if (/^[0-9a-f]{16}$/.test(id)) return;
	throw new UsageError(
		`"${id}" is not the id of a rule; \`thinghz alerts rules\` shows them.`,
	);
}

function targetText(target: TargetDocument): string {
	switch (target.type) {
		case "email":
			return target.address;
		case "webhook":
			return target.url;
		case "push":
			return `push to ${target.subject}`;
	}
}
