/**
 * `thinghz devices`: what reports here, and when each was last heard; `devices certificates`: by what a device may connect; `devices revoke`: who may not any more; `devices delete`: what is to
 * be there no more; `devices tag`: what jobs find them by.
 */

import type { Command } from "commander";
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import { isThingName } from "../../protocol/topics.ts";
import { assertDataFolder } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { isConfirmed } from "./confirm.ts";
import { CommandError, UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { allPages } from "./pages.ts";
import { parseAnyTarget, type Target } from "./target.ts";
import { usingApi } from "./using-api.ts";

interface DeviceRow {
	readonly name: string;
	readonly online: boolean;
	/** ISO-8601, or null when it was never heard. */
	readonly lastSeen: string | null;
	readonly board: string | null;
	readonly firmware: string | null;
	readonly channels: readonly { readonly id: string }[];
	readonly tags: Readonly<Record<string, string>>;
}

interface RemovedDevice {
	readonly name: string;
	readonly certificates: readonly string[];
	readonly alertRules: readonly string[];
	readonly people: number;
}

interface DeleteOptions extends CommonOptions {
	readonly yes?: boolean;
}

export function addDevices(program: Command): void {
	const devices = commonOptions(
		program.command("devices").description("list the devices"),
	).action(list);
	// Its options are those of `devices`, which take effect before and after its name.
	devices
		.command("certificates")
		.description("list a device's certificates that are in force")
		.argument("<name>", "the thing")
		.action((name: string, _options: unknown, command: Command) =>
			listCertificates(name, command.optsWithGlobals<CommonOptions>()),
		);
	devices
		.command("revoke")
		.description("refuse a device's certificates from now on")
		.argument("<name>", "the thing, or the id of one of its certificates")
		.action((name: string, _options: unknown, command: Command) =>
			revokeDevice(name, command.optsWithGlobals<CommonOptions>()),
		);
	devices
		.command("delete")
		.description(
			"take a device out of the cloud; what it has measured stays, under its name",
		)
		.argument("<name>", "the device")
		.option("--yes", "without asking")
		.action((name: string, _options: unknown, command: Command) =>
			deleteDevice(name, command.optsWithGlobals<DeleteOptions>()),
		);
	devices
		.command("tag")
		.description("give a device tags, by which jobs find it")
		.argument("<name>", "the device")
		.argument("[tags...]", "site=roof floor=2; floor= takes one away")
		.action(
			(
				name: string,
				tags: readonly string[],
				_options: unknown,
				command: Command,
			) => tagDevice(name, tags, command.optsWithGlobals<CommonOptions>()),
		);
}

async function list(options: CommonOptions): Promise<void> {
	await usingApi(options, async (api) => {
		const devices = await allPages<DeviceRow>(api, "/v1/devices", "devices");
		if (options.json) return printJson(devices);
		if (devices.length === 0) {
			return printMessage(
				"No devices yet. Make one with `thinghz provision NAME`, or simulate some with `thinghz sim`.",
			);
		}
		process.stdout.write(
			formatTable(
				["name", "online", "last seen", "board", "firmware", "channels"],
				devices.map((device) => [
					device.name,
					device.online ? "yes" : "no",
					device.lastSeen ?? "never",
					device.board,
					device.firmware,
					device.channels
						.map(({ id }) => id)
						.filter((id) => !id.startsWith("health."))
						.join(", "),
				]),
			),
		);
	});
}

/** Without tags, says which it has. */
async function tagDevice(
	name: string,
	changes: readonly string[],
	options: CommonOptions,
): Promise<void> {
	const changed = changes.map((change) => {
		const at = change.indexOf("=");
		if (at < 1) {
			throw new UsageError(
				`"${change}" is no tag: that is NAME=VALUE, or NAME= to take one away.`,
			);
		}
		return [change.slice(0, at), change.slice(at + 1)] as const;
	});
	await usingApi(options, async (api) => {
		const path = `/v1/devices/${encodeURIComponent(name)}`;
		const response = await api.get(path);
		const device = (await response.json()) as DeviceRow;
		const tags = Object.fromEntries(
			[...Object.entries(device.tags), ...changed].filter(
				([tag, value], at, all) =>
					value !== "" && all.findLastIndex(([other]) => other === tag) === at,
			),
		);
		if (changed.length > 0) await api.send("PUT", `${path}/tags`, { tags });
		if (options.json) return printJson({ name, tags });
		const text = Object.entries(tags)
			.map(([tag, value]) => `${tag}=${value}`)
			.join(" ");
		printMessage(`${name}: ${text === "" ? "no tags" : text}`);
	});
}

/** What goes and what stays is said before anything is done. */
async function deleteDevice(
	name: string,
	options: DeleteOptions,
): Promise<void> {
	await usingApi(options, async (api) => {
		const path = `/v1/devices/${encodeURIComponent(name)}`;
		const { online } = (await (await api.get(path)).json()) as DeviceRow;
		if (options.yes !== true) {
			printMessage(
				`${name}${online ? ", which is connected," : ""} will be taken out of the cloud. Its certificates are revoked for good; its shadows, tags, logs, crashes, alert rules and shares go, and its part in jobs ends. Its readings, and the history of alerts, stay under its name.`,
			);
			if (!(await isConfirmed(`Take ${name} out? [y/N] `))) {
				throw new CommandError(`${name} is left as it is.`);
			}
		}
		const response = await api.send("DELETE", path);
		const removed = (await response.json()) as RemovedDevice;
		if (options.json) return printJson(removed);
		const parts = [
			counted(removed.certificates.length, "certificate", "revoked"),
			counted(removed.alertRules.length, "alert rule", "removed"),
			counted(removed.people, "share", "ended"),
		].filter((part) => part !== null);
		printMessage(
			`${name} is gone${parts.length === 0 ? "" : `: ${parts.join(", ")}`}. Its readings are kept; \`thinghz provision ${name}\` makes a device of that name anew.`,
		);
	});
}

function counted(count: number, what: string, how: string): string | null {
	return count === 0
		? null
		: `${count} ${what}${count === 1 ? "" : "s"} ${how}`;
}

/** From the registry itself, as `revoke`; it does not tell a thing that was never provisioned from one whose certificates are all revoked. */
async function listCertificates(
	name: string,
	options: CommonOptions,
): Promise<void> {
	if (!isThingName(name)) {
		throw new UsageError(`"${name}" is not a device's name.`);
	}
	const inForce = await inRegistry(parseAnyTarget(options.target), (registry) =>
		registry.inForce(name),
	);
	if (options.json) return printJson({ name, inForce });
	if (inForce.length === 0) {
		printMessage(
			`${name} has no certificate in force, or there is no such thing. \`thinghz provision ${name}\` makes one.`,
		);
		return;
	}
	for (const id of inForce) process.stdout.write(`${id}\n`);
	if (inForce.length > 1)
		printMessage("`thinghz devices revoke ID` takes one of them out of force.");
}

/** Works on the registry itself, as provisioning does; a cloud that runs looks at it again by itself. */
async function revokeDevice(
	name: string,
	options: CommonOptions,
): Promise<void> {
	const target = parseAnyTarget(options.target);
	const revoked = await inRegistry(target, (registry) => registry.revoke(name));
	if (options.json) return printJson({ name, revoked });
	const which =
		revoked.length === 1 ? "the certificate" : `${revoked.length} certificates`;
	const ends =
		target === "aws"
			? "AWS IoT ends a connection that is open"
			: "a connection that is open ends within 30 s";
	printMessage(
		revoked.length === 0
			? `${name} had no certificate in force: nothing to revoke.`
			: isCertificateId(name)
				? `Revoked the certificate ${name}; ${ends}.`
				: `Revoked ${which} of ${name}; ${ends}. \`thinghz provision ${name}\` makes a new one.`,
	);
}

/** @throws CommandError where there is no such data folder */
async function inRegistry<T>(
	target: Target,
	act: (registry: ThingRegistry) => Promise<T>,
): Promise<T> {
	if (target !== "aws") assertDataFolder(target);
	// Certificates need a library that listing devices does without.
	const { withRegistry } = await import("./registry.ts");
	return withRegistry(target, act);
}

function isCertificateId(name: string): boolean {
	return /^[0-9a-f]{64}$/.test(name);
}
