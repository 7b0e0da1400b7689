/** The node's settings in NVS: read by Moddable's `preference`, set by a native, since that module loses both values to a power cut. */
import Preference from "preference";
import type { Settings } from "../../node/ports.ts";
import { check, type Natives } from "./native/natives.ts";

/** NVS namespace of what the node itself stores. */
export const NODE_DOMAIN = "thinghz";

export class NvsSettings implements Settings {
	readonly #natives: Natives;
	readonly #domain: string;

	constructor(natives: Natives, domain: string = NODE_DOMAIN) {
		this.#natives = natives;
		this.#domain = domain;
	}

	get(key: string): string | undefined {
		const value = Preference.get(this.#domain, key);
		return typeof value === "string" ? value : undefined;
	}

	/** @throws PlatformError when NVS is full, or has no room for so long a value (4,000 bytes) */
	set(key: string, value: string): void {
		check(
			`Setting "${key}"`,
			this.#natives.thinghz_setting_set(this.#domain, key, value),
		);
	}

	delete(key: string): void {
		Preference.delete(this.#domain, key);
	}
}
