/** `thinghz shadow`: any shadow of a thing, as AWS IoT has it. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { ApiClient } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { UsageError } from "./errors.ts";
import { printJson, printMessage, showControls } from "./output.ts";
import { usingApi } from "./using-api.ts";

interface ShadowOptions extends CommonOptions {
	readonly name?: string;
	readonly get?: boolean;
	readonly update?: string;
	readonly delete?: boolean;
	readonly list?: boolean;
}

export function addShadow(program: Command): void {
	commonOptions(
		program
			.command("shadow")
			.description(
				"a thing's shadow, or what of it is to change; without --name the classic one",
			)
			.argument("<thing>"),
	)
		.option("--name <shadow>", "a named shadow")
		.option("--get", "print the shadow (what is done otherwise)")
		.option(
			"--update <file>",
			'change it by a document {"state": {"desired": {…}}}; - reads standard input',
		)
		.option("--delete", "delete it")
		.option("--list", "print the names of the named shadows")
		.action(shadow);
}

async function shadow(thing: string, options: ShadowOptions): Promise<void> {
	const run = actionOf(options);
	await usingApi(options, (api) => run(api, thing, options));
}

type Action = (
	api: ApiClient,
	thing: string,
	options: ShadowOptions,
) => Promise<void>;

function actionOf({
	get,
	update,
	delete: remove,
	list,
}: ShadowOptions): Action {
	const asked: Action[] = [
		...(get ? [show] : []),
		...(update === undefined ? [] : [updateWith(readUpdate(update))]),
		...(remove ? [removeShadow] : []),
		...(list ? [listNames] : []),
	];
	if (asked.length > 1) {
		throw new UsageError(
			"Only one of --get, --update, --delete and --list can be done at a time.",
		);
	}
	return asked[0] ?? show;
}

function pathOf(thing: string, { name }: ShadowOptions): string {
	const device = `/v1/devices/${encodeURIComponent(thing)}`;
	return name === undefined
		? `${device}/shadow`
		: `${device}/shadows/${encodeURIComponent(name)}`;
}

async function show(
	api: ApiClient,
	thing: string,
	options: ShadowOptions,
): Promise<void> {
	const response = await api.get(pathOf(thing, options));
	printDocument(await response.json(), options);
}

function updateWith(update: unknown): Action {
	return async function updateShadow(api, thing, options) {
		const path = pathOf(thing, options);
		const response = await api.send("PATCH", path, update);
		printDocument(await response.json(), options);
	};
}

function readUpdate(file: string): unknown {
	try {
		return JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8"));
	} catch (error) {
		throw new UsageError(
			`--update: ${file} cannot be read: ${(error as Error).message}`,
			{ cause: error },
		);
	}
}

async function removeShadow(
	api: ApiClient,
	thing: string,
	options: ShadowOptions,
): Promise<void> {
	const response = await api.send("DELETE", pathOf(thing, options));
	const deleted = (await response.json()) as { readonly version: number };
	if (options.json) return printJson(deleted);
	printMessage(`Deleted, in version ${deleted.version}.`);
}

async function listNames(
	api: ApiClient,
	thing: string,
	{ json }: ShadowOptions,
): Promise<void> {
	const path = `/v1/devices/${encodeURIComponent(thing)}/shadows`;
	const { shadows } = (await (await api.get(path)).json()) as {
		readonly shadows: readonly string[];
	};
	if (json) return printJson(shadows);
	if (shadows.length === 0) printMessage(`${thing} has no named shadows.`);
	for (const name of shadows) process.stdout.write(`${name}\n`);
}

/** On lines of its own for people; what is in it is the device's to choose. */
function printDocument(document: unknown, { json }: CommonOptions): void {
	if (json) {
		printJson(document);
		return;
	}
	const lines = JSON.stringify(document, null, 2).split("\n");
	process.stdout.write(`${lines.map(showControls).join("\n")}\n`);
}
