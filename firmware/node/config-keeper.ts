/** The configuration in use: judged, stored, and loaded again at a start. */
import {
	type ConfigVerdict,
	DEFAULT_CONFIG,
	type NodeConfig,
	parseConfig,
} from "./config.ts";
import type { NodeSettings } from "./settings.ts";

/** Settings key: the configuration document. */
export const CONFIG_KEY = "config";

export interface ConfigKeeperParts {
	readonly settings: NodeSettings;
	/** Ids of the channels that the board's sensors have. */
	readonly channelIds: readonly string[];
	/** Whether the board has a deep sleep. */
	readonly canSleep: boolean;
	/** Told why a document is refused. */
	onRefused(reason: string): void;
}

export class ConfigKeeper {
	readonly #parts: ConfigKeeperParts;
	#config = DEFAULT_CONFIG;

	constructor(parts: ConfigKeeperParts) {
		this.#parts = parts;
	}

	get config(): NodeConfig {
		return this.#config;
	}

	/**
	 * Takes the stored document. One that a later firmware understands may be refused here: it is kept.
	 * @param isTold what may be wrong with it has been told already
	 */
	load(isTold: boolean): void {
		const { settings, onRefused } = this.#parts;
		const stored = settings.get(CONFIG_KEY);
		if (stored === undefined) return;
		const verdict = this.judge(stored);
		if ("ok" in verdict) {
			this.#config = verdict.ok;
			return;
		}
		if (!isTold) onRefused(verdict.refused);
		if (verdict.isGarbage) settings.reject(CONFIG_KEY, "is no document");
		else settings.configRefused = true;
	}

	/** Stores a document and takes it. @returns what is wrong with it in a sentence, or null */
	apply(text: string): string | null {
		const { settings, onRefused } = this.#parts;
		const verdict = this.judge(text);
		let reason = "refused" in verdict ? verdict.refused : null;
		if ("ok" in verdict) {
			const why = settings.set(CONFIG_KEY, text);
			if (why === null) this.#config = verdict.ok;
			else reason = `The configuration cannot be stored: ${why}`;
		}
		if (reason === null) settings.configRefused = false;
		else onRefused(reason);
		return reason;
	}

	/** Whether a document says what is in use already. */
	isInForce(text: string): boolean {
		const verdict = this.judge(text);
		// Both have their members in the order of the defaults.
		return (
			"ok" in verdict &&
			JSON.stringify(verdict.ok) === JSON.stringify(this.#config)
		);
	}

	private judge(text: string): ConfigVerdict {
		const { channelIds, canSleep } = this.#parts;
		return parseConfig(text, channelIds, canSleep);
	}
}
