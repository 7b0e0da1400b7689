/** `thinghz users`: who may look at this cloud, in which role, and at which devices. */
import type { Command } from "commander";
import { isRole, ROLES, type Role } from "../../cloud/core/people.ts";
import type { PeopleDirectory } from "../../cloud/core/people-directory.ts";
import { addDefaultList, type CommonOptions, commonOptions } from "./common.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { withCognitoPeople, withLocalPeople } from "./people.ts";
import { type LocalTarget, parseAnyTarget } from "./target.ts";

interface AddOptions extends CommonOptions {
	readonly role?: string;
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
		.description(
			"add somebody: `thinghz signin --user NAME` lets them in; on AWS an e-mail address, to which an invitation is sent",
		)
		.argument("<name>")
		.option(
			"--role <role>",
			"viewer (what new people are otherwise): sees devices that are shared with them; operator: sees all devices and dead letters; admin: may do everything",
		)
		.action((name: string, _options: unknown, command: Command) =>
			add(name, command.optsWithGlobals<AddOptions>()),
		);
	addDefaultList(
		users,
		"list people, their roles and what is shared with them",
		list,
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

function withPeople<T>(
	options: CommonOptions,
	use: (people: PeopleDirectory) => Promise<T>,
): Promise<T> {
	const target = parseAnyTarget(options.target);
	return target === "aws"
		? withCognitoPeople(({ people }) => use(people))
		: withLocalPeople(target, use);
}

async function add(name: string, options: AddOptions): Promise<void> {
	const { role = null } = options;
	if (role !== null && !isRole(role)) {
		throw new UsageError(
			`--role: "${role}" is no role. There are ${ROLES.join(", ")}.`,
		);
	}
	const target = parseAnyTarget(options.target);
	return target === "aws"
		? invite(name, role, options)
		: addHere(target, name, role ?? "viewer", options);
}

async function addHere(
	target: LocalTarget,
	name: string,
	role: Role,
	{ json }: CommonOptions,
): Promise<void> {
	const { subject } = await withLocalPeople(target, (people) =>
		people.add(name, role),
	);
	if (json) return printJson({ name, role, subject, devices: [] });
	printMessage(
		`${name} is ${withArticle(role)}. A link to sign in: \`thinghz signin --user ${name}\`.${role === "viewer" ? ` Nothing is shared with them yet: \`thinghz users grant ${name} DEVICE\`.` : ""}`,
	);
}

async function invite(
	email: string,
	wanted: Role | null,
	{ json }: CommonOptions,
): Promise<void> {
	const { person, pageUrl } = await withCognitoPeople(
		async ({ people, pageUrl }) => ({
			person: await people.add(email, wanted),
			pageUrl,
		}),
	);
	const { name, role, subject, devices, isInvited } = person;
	if (json) return printJson({ name, role, subject, devices, isInvited });
	const invitation = isInvited
		? `Cognito sends them a mail with a password for the first sign-in, good for 7 days; the address, which you tell them, is ${pageUrl}.`
		: "They were in the pool before, and get no mail; a new role counts from their next token, within an hour.";
	const sharing =
		role === "viewer" && devices.length === 0
			? ` Nothing is shared with them yet: \`thinghz users grant ${name} DEVICE --target aws\`.`
			: "";
	printMessage(`${name} is ${withArticle(role)}. ${invitation}${sharing}`);
}

function withArticle(role: Role): string {
	return role === "viewer" ? "a viewer" : `an ${role}`;
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
			options.target === "aws"
				? "Nobody is in the user pool. Add the first by `thinghz users add EMAIL --role admin --target aws`."
				: "Nobody has been added. Whoever runs the cloud signs in by `thinghz signin`; add others by `thinghz users add NAME`.",
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
	printMessage(
		`${name} is removed, and what was shared with them forgotten.${options.target === "aws" ? " A token that they have stays good for an hour at most." : ""}`,
	);
}
