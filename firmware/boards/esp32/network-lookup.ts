/**
 * Name lookup for the MQTT client, in the form of an ECMA-419 resolver: the platform's own knows the name servers that DHCP
 * gave. What it answers for a connection that is over meanwhile goes nowhere.
 */
// biome-ignore lint/style/useNodejsImportProtocol: it is the one of Moddable.
import Net from "net";
import Timer from "timer";
import type { ConnectionWatch } from "./network-watch.ts";

export interface LookupRequest {
	readonly host: string;
	onResolved(host: string, address: string): void;
	onError(): void;
}

export class NetworkLookup {
	readonly #watch: ConnectionWatch;
	readonly #address: string | undefined;

	/** @param options `address` is the answer to any question, if there is one */
	constructor(options: {
		readonly watch: ConnectionWatch;
		readonly address: string | undefined;
	}) {
		this.#watch = options.watch;
		this.#address = options.address;
	}

	resolve(request: LookupRequest): void {
		const { host } = request;
		const watch = this.#watch;
		// A name that is known already is answered before the call returns.
		const answer = (address: string | undefined): void => {
			Timer.set(() => {
				if (watch.stage !== "name_lookup") return;
				if (address === undefined) {
					request.onError();
					return;
				}
				watch.stage = "tcp";
				request.onResolved(host, address);
			});
		};
		if (this.#address !== undefined) {
			answer(this.#address);
			return;
		}
		try {
			Net.resolve(host, (_name, address) => answer(address));
		} catch (error) {
			trace(`name lookup: ${error}\n`);
			answer(undefined);
		}
	}
}
