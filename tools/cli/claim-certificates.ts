/** `thinghz claims issue` and `thinghz claims certificates`: what devices bring along that are to become things by themselves. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { assertDataFolder } from "./api-client.ts";
import type { CommonOptions } from "./common.ts";
import { parseEndpoint } from "./endpoint.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import { parseTarget } from "./target.ts";

const DEFAULT_ENDPOINT = "mqtts://127.0.0.1:8883";

interface IssueOptions extends CommonOptions {
	readonly endpoint?: string;
}

/** @param claims whose options theirs are, too */
export function addClaimCertificates(claims: Command): void {
	claims
		.command("issue")
		.description(
			"make a claim certificate, by which nodes may ask to become things, and nothing else",
		)
		.argument("<dir>", "where its files go")
		.option(
			"--endpoint <address>",
			`where nodes reach the broker (default: the cloud that runs on the folder, else ${DEFAULT_ENDPOINT})`,
		)
		.action((dir: string, _options: unknown, command: Command) =>
			issue(dir, command.optsWithGlobals<IssueOptions>()),
		);
	claims
		.command("certificates")
		.description(
			"list the claim certificates; `thinghz devices revoke ID` revokes one",
		)
		.action((_options: unknown, command: Command) =>
			list(command.optsWithGlobals<CommonOptions>()),
		);
}

async function issue(dir: string, options: IssueOptions): Promise<void> {
	const target = parseTarget(options.target);
	const { host, port } = parseEndpoint(
		options.endpoint ?? findRunning(target.dir)?.endpoint ?? DEFAULT_ENDPOINT,
		"--endpoint",
	);
	// Certificates need a library that listing claims does without.
	const { withLocalRegistry } = await import("./registry.ts");
	const { makeClaimCertificate } = await import(
		"../identity/claim-certificate.ts"
	);
	const made = await withLocalRegistry(target, (registry) =>
		makeClaimCertificate(registry, resolve(dir), { endpointHost: host, port }),
	);
	const { certificateId, files, issued } = made;
	if (options.json) return printJson({ certificateId, issued, ...files });
	printMessage(
		issued
			? `Claim certificate ${certificateId}: its files are in ${resolve(dir)}.`
			: `The claim certificate in ${resolve(dir)} is in force.`,
	);
}

async function list(options: CommonOptions): Promise<void> {
	const target = parseTarget(options.target);
	assertDataFolder(target);
	const { withLocalRegistry } = await import("./registry.ts");
	const found = await withLocalRegistry(target, (registry) =>
		registry.claimCertificates(),
	);
	const rows = found.map(({ certificateId, status, createdMs }) => ({
		certificateId,
		status,
		created: new Date(createdMs).toISOString(),
	}));
	if (options.json) return printJson(rows);
	if (rows.length === 0) {
		return printMessage(
			"There is no claim certificate. `thinghz claims issue DIR` makes one.",
		);
	}
	process.stdout.write(
		formatTable(
			["certificate", "status", "created"],
			rows.map((row) => [row.certificateId, row.status, row.created]),
		),
	);
}
