/** `thinghz provision NAME`: makes a thing, its certificate and the files a node needs. */
import type { Command } from "commander";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import { LocalRegistry } from "../../cloud/local/identity/registry.ts";
import { openStores } from "../../cloud/local/sqlite/stores.ts";
import { provision } from "../identity/provision.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseEndpoint } from "./endpoint.ts";
import { hostAndPort } from "./host.ts";
import { printJson } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import { parseTarget } from "./target.ts";

const DEFAULT_ENDPOINT = "mqtts://127.0.0.1:8883";

interface ProvisionOptions extends CommonOptions {
	readonly endpoint?: string;
}

export function addProvision(program: Command): void {
	commonOptions(
		program
			.command("provision")
			.description("make a thing, its certificate and the files a node needs")
			.argument("<name>", "letters, digits, _ and -; at most 128")
			.option(
				"--endpoint <address>",
				`where the node reaches the broker (default: the cloud that runs on the folder, else ${DEFAULT_ENDPOINT})`,
			),
	).action(async (name: string, options: ProvisionOptions) => {
		const { dir } = parseTarget(options.target);
		const { host, port } = parseEndpoint(
			options.endpoint ?? findRunning(dir)?.endpoint ?? DEFAULT_ENDPOINT,
			"--endpoint",
		);
		const stores = await openStores(dir);
		try {
			const registry = new LocalRegistry({
				authority: await openAuthority(dir),
				stores,
				clock: { nowMs: () => Date.now() },
			});
			const thing = await provision(registry, dir, name, {
				endpointHost: host,
				port,
			});
			const { files } = thing;
			if (options.json) {
				printJson({
					thing: thing.thing,
					endpoint: `mqtts://${hostAndPort(host, port)}`,
					certificateId: thing.certificateId,
					issued: thing.issued,
					directory: thing.directory,
					...files,
				});
				return;
			}
			process.stdout.write(
				`${name} ${thing.issued ? "has a new certificate" : "was provisioned before; its certificate still serves"}.
  endpoint     mqtts://${hostAndPort(host, port)}
  certificate  ${files.certificate}
  private key  ${files.privateKey}
  authority    ${files.ca}
  config       ${files.config}
`,
			);
		} finally {
			await stores.close();
		}
	});
}
