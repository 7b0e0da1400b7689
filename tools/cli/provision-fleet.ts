/** The identities of simulated nodes, such as `sim-1` … `sim-N`: provisioned where they are not yet. */
import { join } from "node:path";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import { LocalRegistry } from "../../cloud/local/identity/registry.ts";
import { openStores } from "../../cloud/local/sqlite/stores.ts";
import {
	type MachineIdentity,
	readIdentity,
} from "../../firmware/boards/virtual/identity.ts";
import { type Endpoint, provision } from "../identity/provision.ts";
import { AlreadyInForce } from "../identity/thing-certificate.ts";
import { parseEndpoint } from "./endpoint.ts";
import { CommandError } from "./errors.ts";
import { findRunning } from "./runtime-file.ts";

/** Keys are made by this many threads at once. */
const AT_ONCE = 4;
/** From so many on, it takes long enough to say how far it is. */
const PROGRESS_FROM = 20;

/**
 * @param prefix of the nodes' names: "sim" makes sim-1, sim-2, …
 * @param say is told of the progress where it takes long
 * @throws CommandError when no cloud runs on the folder, or one of the nodes is connected to it already
 */
export async function provisionFleet(
	dir: string,
	nodes: number,
	prefix: string,
	say: (message: string) => void,
): Promise<readonly MachineIdentity[]> {
	const running = findRunning(dir);
	if (running === null) {
		throw new CommandError(
			`No cloud runs on ${dir} for the nodes to report to. Start one with \`thinghz up --data ${dir}\`, or run a node against another broker with --identity DIR.`,
		);
	}
	const { host, port } = parseEndpoint(running.mqtt, "up.json");
	const stores = await openStores(dir);
	try {
		const registry = new LocalRegistry({
			authority: await openAuthority(dir),
			stores,
			clock: { nowMs: () => Date.now() },
		});
		const names = Array.from({ length: nodes }, (_, i) => `${prefix}-${i + 1}`);
		for (const name of names) {
			if ((await stores.devices.get(name))?.online) {
				throw new CommandError(
					`${name} is connected already: a second node of that name would take its connection and mix its readings. Give the nodes other names by --prefix, or end those that run.`,
				);
			}
		}
		const waiting = [...names];
		let made = 0;
		const next = async (): Promise<void> => {
			for (let name = waiting.shift(); name; name = waiting.shift()) {
				await provisionNode(registry, dir, name, { endpointHost: host, port });
				made++;
				if (nodes >= PROGRESS_FROM && made % PROGRESS_FROM === 0) {
					say(`Provisioned ${made} of ${nodes} nodes.`);
				}
			}
		};
		await Promise.all(Array.from({ length: AT_ONCE }, next));
		return names.map((name) => readIdentity(join(dir, "things", name)));
	} finally {
		await stores.close();
	}
}

/** What a node has exchanged its certificate for rests in its flash; where its files are lost, it gets new ones. */
async function provisionNode(
	registry: LocalRegistry,
	dir: string,
	name: string,
	endpoint: Endpoint,
): Promise<void> {
	try {
		await provision(registry, dir, name, endpoint);
	} catch (error) {
		if (!(error instanceof AlreadyInForce)) throw error;
		if (error.hasFiles) return;
		await provision(registry, dir, name, endpoint, { renew: "elsewhere" });
	}
}
