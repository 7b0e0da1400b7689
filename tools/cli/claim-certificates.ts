/** `thinghz claims issue` and `thinghz claims certificates`: what devices bring along that are to become things by themselves. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type {
	ClaimCertificate,
	ClaimRegistry,
} from "../../cloud/core/thing-registry.ts";
import type { Endpoint } from "../identity/provision.ts";
import { assertDataFolder } from "./api-client.ts";
import type { CommonOptions } from "./common.ts";
import { parseEndpoint } from "./endpoint.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import { type LocalTarget, parseAnyTarget, type Target } from "./target.ts";

const DEFAULT_ENDPOINT = "mqtts://127.0.0.1:8883";
/** MQTT over mutual TLS, of AWS IoT. */
const AWS_PORT = 8883;

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
	// Certificates need a library that listing claims does without.
	const { makeClaimCertificate } = await import(
		"../identity/claim-certificate.ts"
	);
	const make = (registry: ClaimRegistry, endpoint: Endpoint) =>
		makeClaimCertificate(registry, resolve(dir), endpoint);
	const target = parseAnyTarget(options.target);
	const made =
		target === "aws"
			? await issueOnAws(options, make)
			: await issueOnMachine(target, options, make);
	const { certificateId, files, issued } = made;
	if (options.json) return printJson({ certificateId, issued, ...files });
	printMessage(
		issued
			? `Claim certificate ${certificateId}: its files are in ${resolve(dir)}.`
			: `The claim certificate in ${resolve(dir)} is in force.`,
	);
}

async function issueOnMachine<T>(
	target: LocalTarget,
	options: IssueOptions,
	make: (registry: ClaimRegistry, endpoint: Endpoint) => Promise<T>,
): Promise<T> {
	const { host, port } = parseEndpoint(
		options.endpoint ?? findRunning(target.dir)?.endpoint ?? DEFAULT_ENDPOINT,
		"--endpoint",
	);
	const { withLocalRegistry } = await import("./registry.ts");
	return withLocalRegistry(target, (registry) =>
		make(registry, { endpointHost: host, port }),
	);
}

async function issueOnAws<T>(
	options: IssueOptions,
	make: (registry: ClaimRegistry, endpoint: Endpoint) => Promise<T>,
): Promise<T> {
	if (options.endpoint !== undefined) {
		throw new UsageError(
			"--endpoint: AWS IoT says itself where its nodes reach it: leave it out with --target aws.",
		);
	}
	return withAwsRegistry((registry, endpointHost) =>
		make(registry, { endpointHost, port: AWS_PORT }),
	);
}

async function withAwsRegistry<T>(
	use: (registry: ClaimRegistry, endpointHost: string) => Promise<T>,
): Promise<T> {
	const { openIotRegistry } = await import("../aws/open-registry.ts");
	const open = await openIotRegistry();
	try {
		return await use(open.registry, open.endpointHost);
	} finally {
		open.close();
	}
}

async function certificatesOf(
	target: Target,
): Promise<readonly ClaimCertificate[]> {
	if (target === "aws") {
		return withAwsRegistry((registry) => registry.claimCertificates());
	}
	assertDataFolder(target);
	const { withLocalRegistry } = await import("./registry.ts");
	return withLocalRegistry(target, (registry) => registry.claimCertificates());
}

async function list(options: CommonOptions): Promise<void> {
	const found = await certificatesOf(parseAnyTarget(options.target));
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
