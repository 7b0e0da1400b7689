/** `thinghz config`: what a node is to do, whether it does it, and how to change it: its named shadow `config`. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { ApiClient } from "./api-client.ts";
import { ApiProblem } from "./api-problem.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import {
	type ConfigDocument,
	changesBetween,
	compare,
	faultOfConfig,
	parseSetting,
	partsOf,
	SETTING_NAMES,
	showValue,
} from "./config-settings.ts";
import {
	type ConfigShadow,
	type ConfigStatus,
	reasonOf,
	statusOf,
} from "./config-status.ts";
import { CommandError, UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { usingApi } from "./using-api.ts";

interface ConfigOptions extends CommonOptions {
	readonly set?: readonly string[];
	readonly file?: string;
	readonly live?: string;
}

interface Device {
	readonly online: boolean;
	readonly channels: readonly { readonly id: string }[];
}

interface Known {
	readonly device: Device;
	/** Null where nobody has written one. */
	readonly shadow: ConfigShadow | null;
}

export function addConfig(program: Command): void {
	commonOptions(
		program
			.command("config")
			.description(
				"what a node is to do and whether it does it; with --set, --file or --live: change it",
			)
			.argument("<name>", "the thing"),
	)
		.option(
			"--set <setting...>",
			`NAME=VALUE, of ${SETTING_NAMES.join(", ")}; NAME=default takes it back`,
		)
		.option(
			"--file <file>",
			"the whole configuration, a JSON document; what it leaves out has its default",
		)
		.option(
			"--live <duration>",
			"have each sample sent at once from now on for so long, or off",
		)
		.action(config);
}

async function config(name: string, options: ConfigOptions): Promise<void> {
	const change = changeOf(options, Date.now());
	await usingApi(options, async (api) => {
		const known = await look(api, name);
		if (change === null) return tell(name, known, options);
		const desired = change(known);
		const channels = known.device.channels
			.map(({ id }) => id)
			.filter((id) => !id.startsWith("health."));
		const fault = faultOfConfig(desired, channels);
		if (fault !== null) {
			throw new CommandError(`${name} would refuse this: ${fault}`);
		}
		const isChanged = await write(api, name, known, desired);
		const after = isChanged ? await look(api, name) : known;
		tell(name, after, options);
		if (!isChanged) printMessage("That is what was desired before.");
	});
}

/** @returns what makes the configuration that is asked for of what is known; null when nothing is asked for @throws UsageError */
function changeOf(
	{ set = [], file, live }: ConfigOptions,
	nowMs: number,
): ((known: Known) => ConfigDocument) | null {
	const settings = [
		...set,
		...(live === undefined ? [] : [`live=${live}`]),
	].map((text) => parseSetting(text, nowMs));
	if (file !== undefined) {
		if (settings.length > 0) {
			throw new UsageError(
				"--file has the whole configuration: leave out --set and --live, or write them into it.",
			);
		}
		const document = readDocument(file);
		return () => document;
	}
	if (settings.length === 0) return null;
	return ({ shadow }) => {
		const { desired, reported = {} } = shadow?.state ?? {};
		const base = desired ?? partsOf(reported);
		const changed = { ...base, ...Object.fromEntries(settings) };
		return Object.fromEntries(
			Object.entries(changed).filter(([, value]) => value !== null),
		);
	};
}

function readDocument(file: string): ConfigDocument {
	let document: unknown;
	try {
		document = JSON.parse(readFileSync(file, "utf8"));
	} catch (error) {
		throw new UsageError(
			`--file: ${file} cannot be read: ${(error as Error).message}`,
			{ cause: error },
		);
	}
	if (
		typeof document !== "object" ||
		document === null ||
		Array.isArray(document)
	) {
		throw new UsageError(`--file: ${file} does not hold a JSON object.`);
	}
	// A member that is null is one that is left out: a shadow does not keep it.
	return Object.fromEntries(
		Object.entries(document).filter(([, value]) => value !== null),
	);
}

async function look(api: Pick<ApiClient, "get">, name: string): Promise<Known> {
	const path = `/v1/devices/${encodeURIComponent(name)}`;
	const device = (await (await api.get(path)).json()) as Device;
	try {
		const response = await api.get(`${path}/shadows/config`);
		return { device, shadow: (await response.json()) as ConfigShadow };
	} catch (error) {
		if (!(error instanceof ApiProblem)) throw error;
		if (error.problem !== "unknown_shadow") throw error;
		return { device, shadow: null };
	}
}

/** @returns whether there was anything to change */
async function write(
	api: Pick<ApiClient, "send">,
	name: string,
	{ shadow }: Known,
	desired: ConfigDocument,
): Promise<boolean> {
	const changes = changesBetween(shadow?.state.desired ?? {}, desired);
	if (Object.keys(changes).length === 0) return false;
	await api.send(
		"PATCH",
		`/v1/devices/${encodeURIComponent(name)}/shadows/config`,
		{
			state: { desired: changes },
			// What was looked at is what is changed, or nothing is.
			...(shadow === null ? {} : { version: shadow.version }),
		},
	);
	return true;
}

function tell(name: string, { device, shadow }: Known, options: CommonOptions) {
	const { desired = null, reported = null } = shadow?.state ?? {};
	const lines = compare(desired, reported, Date.now());
	const refusal = reasonOf(reported);
	const status = statusOf(shadow, lines, refusal);
	if (options.json) {
		return printJson({
			device: name,
			online: device.online,
			version: shadow?.version ?? null,
			status,
			reason: refusal,
			desired,
			reported,
			difference: Object.fromEntries(
				lines
					.filter(({ isTaken }) => !isTaken)
					.map(({ member, desired, reported }) => [
						member,
						{ desired, reported },
					]),
			),
		});
	}
	process.stdout.write(
		formatTable(
			["setting", "desired", "reported", ""],
			lines.map((line) => [
				line.name,
				desired === null ? null : showValue(line.name, line.desired),
				reported === null ? null : showValue(line.name, line.reported),
				line.isTaken || reported === null ? "" : "differs",
			]),
		),
	);
	printMessage(sentenceOf(name, status, refusal, device.online));
}

function sentenceOf(
	name: string,
	status: ConfigStatus,
	refusal: string | null,
	isOnline: boolean,
): string {
	switch (status) {
		case "unset":
			return `Nothing has been set for ${name}: it does what it was provisioned with. Change it by \`thinghz config ${name} --set interval=5s\`.`;
		case "taken":
			return `${name} does what is desired.`;
		case "refused":
			return `${name} has refused this and goes on with what it reports: ${refusal}`;
		case "waiting": {
			const before =
				refusal === null ? "" : ` What it refused last: ${refusal}`;
			return isOnline
				? `${name} has not taken this yet; it is connected, so that takes moments.${before}`
				: `${name} is not connected, and takes this when it is.${before}`;
		}
	}
}
