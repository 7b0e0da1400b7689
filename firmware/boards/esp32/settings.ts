/** The node's settings in NVS, by Moddable's `preference`. */
import Preference from "preference";
import type { Settings } from "../../node/ports.ts";

/** NVS namespace of what the node itself stores. */
export const NODE_DOMAIN = "thinghz";

export class NvsSettings implements Settings {
	readonly #domain: string;

	constructor(domain: string = NODE_DOMAIN) {
		this.#domain = domain;
	}

	get(key: string): string | undefined {
		const value = Preference.get(this.#domain, key);
		return typeof value === "string" ? value : undefined;
	}

	/** @throws Error when NVS is full, or has no room for so long a value (4,000 bytes) */
	set(key: string, value: string): void {
		Preference.set(this.#domain, key, value);
	}

	delete(key: string): void {
		Preference.delete(this.#domain, key);
	}
}
