/**
 * What the numbers of the state channels in a node's health say. A number once given is never given again; docs/health.md
 * explains each name and says who mends it.
 *
 * 0 is the state in which all is well (of `health.reset`: nothing is known). A sample tells the last other state there was
 * since the sample before, and 0 only where there was none.
 */
import type { ResetReason } from "./documents.ts";

/** `health.reset`: why the node started. */
export const RESET_CODES = {
	unknown: 0,
	power_on: 1,
	restart: 2,
	crash: 3,
	out_of_memory: 4,
	stack_overflow: 5,
	watchdog: 6,
	brown_out: 7,
	deep_sleep: 8,
} as const satisfies Record<ResetReason, number>;

/** `health.link`: whether the node is connected, and why not. */
export const LINK_CODES = {
	online: 0,
	/** For the first time since boot, and nothing has failed. */
	connecting: 1,
	wifi_password: 2,
	wifi_not_found: 3,
	wifi: 4,
	name_lookup: 5,
	tcp: 6,
	tls: 7,
	refused: 8,
	auth: 9,
	timeout: 10,
	closed: 11,
	stopped: 12,
} as const;

/** `health.clock`: what the node knows of the time. */
export const CLOCK_CODES = {
	set: 0,
	/** From the time it had stored. */
	restored: 1,
	unknown: 2,
} as const;

/** `health.sensors`: the worst of them. */
export const SENSOR_CODES = {
	ok: 0,
	/** The board is configured to have none. */
	none: 1,
	/** One that answered does not any more. */
	lost: 2,
	/** One has not answered since the node began to read it. */
	missing: 3,
} as const;

/** `health.settings`: the values that are to survive a restart. */
export const SETTINGS_CODES = {
	ok: 0,
	/** One made no sense, and was removed. */
	corrupt: 1,
	/** One could not be read, and was left. */
	not_readable: 2,
	/** The stored configuration is refused: the node goes by the defaults. */
	config_refused: 3,
	not_writable: 4,
} as const;

/** `health.journal`: whether what is measured outlives a restart. */
export const JOURNAL_CODES = {
	ok: 0,
	/** Finished blocks do, open ones do not. */
	no_checkpoints: 1,
	/** Flash takes no more writes; the journal goes on in the heap. */
	not_writable: 2,
	/** Flash was written by a later firmware and is left as it is; the journal is in the heap. */
	newer_version: 3,
} as const;

/** The state channels, and of each the names and their numbers. */
export const HEALTH_STATES: Readonly<
	Record<string, Readonly<Record<string, number>>>
> = {
	"health.reset": RESET_CODES,
	"health.link": LINK_CODES,
	"health.clock": CLOCK_CODES,
	"health.sensors": SENSOR_CODES,
	"health.settings": SETTINGS_CODES,
	"health.journal": JOURNAL_CODES,
};

/** The name of a state channel's value; undefined for a value without one, and for any other channel. */
export function stateName(channel: string, value: number): string | undefined {
	const codes = Object.hasOwn(HEALTH_STATES, channel)
		? HEALTH_STATES[channel]
		: undefined;
	if (codes === undefined) return undefined;
	return Object.keys(codes).find((name) => codes[name] === value);
}
