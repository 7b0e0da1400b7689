/** `thinghz users`: who may look at this cloud, in which role, and at which devices. */
import type { Command } from "commander";
import { isRole, ROLES } from "../../cloud/core/people.ts";
import { People } from "../../cloud/local/people.ts";
import { openStores } from "../../cloud/local/sqlite/stores.ts";
import { assertDataFolder } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { parseTarget } from "./target.ts";

interface AddOptions extends CommonOptions {
	readonly role: string;
}

export function addUsers(program: Command): void {
	const users = commonOptions(
		program
			.command("users")
			.description(
				"who may sign in, in which role, and which devices they see",
			),
	);
	// Their options are those of `users`, which take effect before and after their names.
	users
		.command("add")
		.description("add somebody; `thinghz signin --user NAME` lets them in")
		.argument("<name>")
		.option(
			"--role <role>",
			"viewer: sees devices that are shared with them; operator: sees all devices and dead letters; admin: may do everything",
			"viewer",
		)
		.action((name: string, _options: unknown, command: Command) =>
			add(name, command.optsWithGlobals<AddOptions>()),
		);
	users
		.command("list", { isDefault: true })
		.description("list people, their roles and what is shared with them")
		.action((_options: unknown, command: Command) =>
			list(command.optsWithGlobals<CommonOptions>()),
		);
	users
		.command("grant")
		.description("share devices with a viewer")
		.argument("<name>")
		.argument("<device...>")
		.action(
			(
				name: string,
				devices: readonly string[],
				_options: unknown,
				command: Command,
			) => grant(name, devices, command.optsWithGlobals<CommonOptions>()),
		);
	users
		.command("revoke")
		.description("share devices no longer")
		.argument("<name>")
		.argument("<device...>")
		.action(
			(
				name: string,
				devices: readonly string[],
				_options: unknown,
				command: Command,
			) => revoke(name, devices, command.optsWithGlobals<CommonOptions>()),
		);
	users
		.command("remove")
		.description("remove somebody: their sessions end")
		.argument("<name>")
		.action((name: string, _options: unknown, command: Command) =>
			remove(name, command.optsWithGlobals<CommonOptions>()),
		);
}

/**
 * Works on the stores themselves, as provisioning does; a cloud that runs asks them at each request.
 * @throws CommandError when there is no data folder
 */
export async function withPeople<T>(
	options: CommonOptions,
	work: (people: People) => Promise<T>,
): Promise<T> {
	const target = parseTarget(options.target);
	assertDataFolder(target);
	const stores = await openStores(target.dir);
	try {
		return await work(new People(stores, { nowMs: () => Date.now() }));
	} finally {
		await stores.close();
	}
}

async function add(name: string, options: AddOptions): Promise<void> {
	const { role } = options;
	if (!isRole(role)) {
		throw new UsageError(
			`--role: "${role}" is no role. There are ${ROLES.join(", ")}.`,
		);
	}
	const person = await withPeople(options, (people) => people.add(name, role));
	if (options.json) {
		return printJson({ name, role, subject: person.subject, devices: [] });
	}
	printMessage(
		`${name} is ${role === "viewer" ? "a viewer" : `an ${role}`}. A link to sign in: \`thinghz signin --user ${name}\`.${role === "viewer" ? ` Nothing is shared with them yet: \`thinghz users grant ${name} DEVICE\`.` : ""}`,
	);
}

async function list(options: CommonOptions): Promise<void> {
	const everybody = await withPeople(options, (people) => people.list());
	if (options.json) {
		return printJson(
			everybody.map(({ name, role, subject, createdMs, devices }) => ({
				name,
				role,
				subject,
				created: new Date(createdMs).toISOString(),
				devices,
			})),
		);
	}
	if (everybody.length === 0) {
		return printMessage(
			"Nobody has been added. Whoever runs the cloud signs in by `thinghz signin`; add others by `thinghz users add NAME`.",
		);
	}
	process.stdout.write(
		formatTable(
			["name", "role", "devices"],
			everybody.map(({ name, role, devices }) => [
				name,
				role,
				role === "viewer" ? devices.join(", ") : "all",
			]),
		),
	);
}

async function grant(
	name: string,
	devices: readonly string[],
	options: CommonOptions,
): Promise<void> {
	const { role } = await withPeople(options, (people) =>
		people.grant(name, devices),
	);
	if (options.json) return printJson({ name, granted: devices });
	printMessage(
		role === "viewer"
			? `${name} sees ${devices.join(", ")} now.`
			: `${name} has the role ${role} and sees every device anyway; it is kept for when they are a viewer.`,
	);
}

async function revoke(
	name: string,
	devices: readonly string[],
	options: CommonOptions,
): Promise<void> {
	const { role } = await withPeople(options, (people) =>
		people.revoke(name, devices),
	);
	if (options.json) return printJson({ name, revoked: devices });
	printMessage(
		role === "viewer"
			? `${name} no longer sees ${devices.join(", ")}; a page that is open stops within 15 s.`
			: `${name} has the role ${role} and sees every device still.`,
	);
}

async function remove(name: string, options: CommonOptions): Promise<void> {
	const { subject } = await withPeople(options, (people) =>
		people.remove(name),
	);
	if (options.json) return printJson({ name, subject, removed: true });
	printMessage(`${name} is removed, and what was shared with them forgotten.`);
}
