/** `thinghz provision NAME`: makes a thing, its certificate and the files a node needs. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { isClaimName, MAX_CLAIM_NAME_LENGTH } from "../../cloud/core/claims.ts";
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import { CLAIM_CLIENT_PREFIX } from "../../protocol/provisioning.ts";
import { isThingName } from "../../protocol/topics.ts";
import type { Endpoint, ProvisionedThing } from "../identity/provision.ts";
import { openApi } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseEndpoint } from "./endpoint.ts";
import { CommandError, UsageError } from "./errors.ts";
import { hostAndPort } from "./host.ts";
import { printJson, printMessage } from "./output.ts";
import {
	type NvsFlags,
	type NvsOrder,
	nvsOptions,
	nvsOrderOf,
	writeNvsOf,
} from "./provision-nvs.ts";
import { withLocalRegistry } from "./registry.ts";
import { findRunning } from "./runtime-file.ts";
import { type LocalTarget, parseAnyTarget, type Target } from "./target.ts";

const DEFAULT_ENDPOINT = "mqtts://127.0.0.1:8883";

/** The broker's port for MQTT with certificates: AWS IoT's developer guide, "Protocols, port mappings, and authentication". */
const AWS_PORT = 8883;
/** Where the folder of files goes when the cloud is not on this machine. */
const DEFAULT_OUT = "./data";

interface ProvisionOptions extends CommonOptions, NvsFlags {
	readonly endpoint?: string;
	readonly out?: string;
	readonly claim?: boolean;
	readonly identity?: string;
	readonly csv?: string;
	readonly renew?: boolean;
}

export function addProvision(program: Command): void {
	commonOptions(
		nvsOptions(program.command("provision"))
			.description("make a thing, its certificate and the files a node needs")
			.argument(
				"[name]",
				`letters, digits, _ and -; at most 128, with --claim ${MAX_CLAIM_NAME_LENGTH}`,
			)
			.option(
				"--csv <file>",
				"make every thing of a list: CSV with the columns name and, where devices have made their keys, csr; run again, it goes on",
			)
			.option(
				"--endpoint <address>",
				`where the node reaches the broker (default: the cloud that runs on the folder, else ${DEFAULT_ENDPOINT})`,
			)
			.option(
				"--out <dir>",
				`with --target aws: where things/NAME is written (default: "${DEFAULT_OUT}")`,
			)
			.option(
				"--claim",
				"let a node with a claim certificate become this thing by itself, once; without NAME, only write --nvs, for boards that name themselves",
			)
			.option(
				"--renew",
				"make another certificate though the thing has one in force, which stays so until it is revoked; of a list, only for things whose files hold none that serves",
			)
			.option(
				"--identity <dir>",
				"with --claim and --nvs: the claim certificate's files, as `thinghz claims issue` wrote them",
			),
	).action(async (name: string | undefined, options: ProvisionOptions) => {
		const target = parseAnyTarget(options.target);
		const nvs = await nvsOrderOf(options);
		if (options.csv !== undefined) {
			if (name !== undefined || options.claim || nvs !== null) {
				throw new UsageError(
					"--csv names the things itself, and has their files made: leave NAME, --claim and --nvs out.",
				);
			}
			const { readList, provisionCsv } = await import("./provision-csv.ts");
			const rows = readList(options.csv);
			return withRegistryAndEndpoint(target, options, (where) =>
				provisionCsv(rows, where, options),
			);
		}
		if (name === undefined && options.claim) return writeBatch(options, nvs);
		if (name === undefined) {
			throw new UsageError(
				"Name the thing, or a list of things by --csv FILE.",
			);
		}
		requireName(name);
		if (options.claim) return allowClaim(name, target, options, nvs);
		if (options.identity !== undefined) {
			throw new UsageError("--identity goes with --claim and --nvs.");
		}
		const thing = await makeThing(name, target, options);
		const image =
			nvs === null ? undefined : await writeNvsOf(thing.directory, nvs);
		print(thing, options, image);
	});
}

/** @throws UsageError */
function requireName(name: string): void {
	if (isThingName(name)) return;
	throw new UsageError(
		`${JSON.stringify(name.slice(0, 140))} cannot be the name of a thing: use 1 to 128 letters, digits, "_" and "-".`,
	);
}

/** @param name of a thing @throws UsageError */
function requireClaimName(name: string): void {
	if (isClaimName(name)) return;
	throw new UsageError(
		`--claim: ${name} has ${name.length} characters, and a name that is claimed has at most ${MAX_CLAIM_NAME_LENGTH}: the node connects as "${CLAIM_CLIENT_PREFIX}" and the name at first, and AWS IoT takes 128 bytes of that. Choose a shorter name, or make the certificate here: \`thinghz provision NAME\`.`,
	);
}

async function makeThing(
	name: string,
	target: Target,
	options: ProvisionOptions,
): Promise<ProvisionedThing> {
	// Certificates take long to load: whoever is only told how this is used need not wait for them.
	const [{ provision }, { AlreadyInForce }] = await Promise.all([
		import("../identity/provision.ts"),
		import("../identity/thing-certificate.ts"),
	]);
	const renew = options.renew ? "always" : "never";
	try {
		return await withRegistryAndEndpoint(
			target,
			options,
			({ registry, dir, endpoint }) =>
				provision(registry, dir, name, endpoint, { renew }),
		);
	} catch (cause) {
		if (!(cause instanceof AlreadyInForce)) throw cause;
		throw new CommandError(
			`${cause.message} \`thinghz provision ${name} --renew\` makes another, and leaves that one in force; \`thinghz devices revoke ${name}\` revokes it first.`,
			{ cause },
		);
	}
}

/** One image for boards that are all alike: each asks to become `node-` and its chip's number, once that has been allowed. */
async function writeBatch(
	options: ProvisionOptions,
	nvs: NvsOrder | null,
): Promise<void> {
	const { identity, endpoint, out, renew } = options;
	if (identity === undefined || nvs === null) {
		throw new UsageError(
			"Name the thing that may be claimed; or write one image for many boards, which name themselves: --claim --identity DIR --nvs FILE.",
		);
	}
	if ([endpoint, out, renew].some(Boolean)) {
		throw new UsageError(
			"--claim makes no certificate: leave --endpoint, --out and --renew out.",
		);
	}
	const image = await writeNvsOf(resolve(identity), nvs, { thing: null });
	if (options.json) printJson({ nvs: image });
	else {
		printMessage(
			`${image} is for any number of boards. Each asks to become "node-" and its chip's number (12 hex digits of its MAC address), and may once \`thinghz provision node-NUMBER --claim\` has allowed it.`,
		);
	}
}

/** No files are made: the node asks for its certificate itself. */
async function allowClaim(
	name: string,
	target: Target,
	options: ProvisionOptions,
	nvs: NvsOrder | null,
): Promise<void> {
	const { identity } = options;
	requireClaimName(name);
	if ([options.endpoint, options.out, options.renew].some(Boolean)) {
		throw new UsageError(
			"--claim makes no certificate: leave --endpoint, --out and --renew out.",
		);
	}
	if ((identity === undefined) !== (nvs === null)) {
		throw new UsageError(
			"With --claim, --nvs writes an image with the claim certificate of --identity DIR: give both, or neither.",
		);
	}
	const image =
		identity === undefined || nvs === null
			? undefined
			: await writeNvsOf(resolve(identity), nvs, { thing: name });
	const api = await openApi(target);
	try {
		await api.send("POST", "/v1/claims", { names: [name] });
	} finally {
		await api.close();
	}
	if (options.json)
		printJson({
			thing: name,
			claim: "allowed",
			...(image === undefined ? {} : { nvs: image }),
		});
	else {
		printMessage(
			`A node with a claim certificate may become ${name} now, once.`,
		);
	}
}

/** Where things are provisioned: the cloud's registry, the folder for their files, and where they will connect. */
export interface ProvisioningPlace {
	readonly registry: ThingRegistry;
	readonly dir: string;
	readonly endpoint: Endpoint;
	readonly isRemote: boolean;
}

function withRegistryAndEndpoint<T>(
	target: Target,
	options: ProvisionOptions,
	use: (place: ProvisioningPlace) => Promise<T>,
): Promise<T> {
	return target === "aws"
		? withAws(options, use)
		: withMachine(target, options, use);
}

async function withMachine<T>(
	target: LocalTarget,
	options: ProvisionOptions,
	use: (place: ProvisioningPlace) => Promise<T>,
): Promise<T> {
	if (options.out !== undefined) {
		throw new UsageError(
			"--out is for --target aws: here the files go into the data folder.",
		);
	}
	const { host, port } = parseEndpoint(
		options.endpoint ?? findRunning(target.dir)?.endpoint ?? DEFAULT_ENDPOINT,
		"--endpoint",
	);
	const { serverIsNamed } = await import(
		"../../cloud/local/identity/server-certificate.ts"
	);
	if ((await serverIsNamed(target.dir, host)) === false) {
		printMessage(
			`Nodes will refuse the broker at ${host}: its certificate does not name it. Run the cloud with \`thinghz up --name ${host}\`.`,
		);
	}
	return withLocalRegistry(target, (registry) =>
		use({
			registry,
			dir: target.dir,
			endpoint: { endpointHost: host, port },
			isRemote: false,
		}),
	);
}

async function withAws<T>(
	options: ProvisionOptions,
	use: (place: ProvisioningPlace) => Promise<T>,
): Promise<T> {
	if (options.endpoint !== undefined) {
		throw new UsageError(
			"--endpoint: AWS IoT says itself where its nodes reach it: leave it out with --target aws.",
		);
	}
	const { openIotRegistry } = await import("../aws/open-registry.ts");
	const open = await openIotRegistry();
	try {
		return await use({
			registry: open.registry,
			dir: resolve(options.out ?? DEFAULT_OUT),
			endpoint: { endpointHost: open.endpointHost, port: AWS_PORT },
			isRemote: true,
		});
	} finally {
		open.close();
	}
}

function print(
	thing: ProvisionedThing,
	options: ProvisionOptions,
	nvs: string | undefined,
): void {
	const { files } = thing;
	const endpoint = `mqtts://${hostAndPort(thing.endpoint, thing.port)}`;
	if (options.json) {
		printJson({
			thing: thing.thing,
			endpoint,
			certificateId: thing.certificateId,
			issued: thing.issued,
			...(thing.others.length === 0 ? {} : { inForce: thing.others }),
			directory: thing.directory,
			...files,
			...(nvs === undefined ? {} : { nvs }),
		});
		return;
	}
	process.stdout.write(
		`${thing.thing} ${thing.issued ? "has a new certificate" : "was provisioned before; its certificate still serves"}.
  endpoint     ${endpoint}
  certificate  ${files.certificate}
  private key  ${files.privateKey}
  authority    ${files.ca}
  config       ${files.config}
${nvs === undefined ? "" : `  NVS image    ${nvs} (with the key: put it on the board by \`thinghz flash --nvs\`, then delete it)\n`}`,
	);
	if (thing.others.length > 0) {
		printMessage(stillInForce(thing));
	}
	if (isLoopback(thing.endpoint)) {
		printMessage(
			`Only nodes on this machine reach ${thing.endpoint}. For one elsewhere run the cloud with \`thinghz up --host 0.0.0.0\`, and then provision again.`,
		);
	}
}

/** What to do about certificates that are in force beside the one in a thing's files. */
export function stillInForce({
	thing,
	issued,
	others,
}: Pick<ProvisionedThing, "thing" | "issued" | "others">): string {
	const revoke = others.map((id) => `\`thinghz devices revoke ${id}\``);
	return issued
		? `What ${thing} had before is still in force. Once it connects with the new one: ${revoke.join(", ")}.`
		: `${thing} has more in force than the certificate in its files. Once it connects with that one: ${revoke.join(", ")}.`;
}

/** RFC 5735 section 4 and RFC 4291 section 2.5.3. */
function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || /^127\./.test(host);
}
