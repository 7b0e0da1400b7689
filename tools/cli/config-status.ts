/** Whether a node does what its shadow `config` desires. */
import type { ConfigDocument, SettingLine } from "./config-settings.ts";

/** A shadow as the API gives it. */
export interface ConfigShadow {
	readonly state: {
		readonly desired?: ConfigDocument;
		readonly reported?: ConfigDocument;
	};
	readonly metadata: Readonly<
		Record<"desired" | "reported", Readonly<Record<string, unknown>>>
	>;
	readonly version: number;
}

export type ConfigStatus =
	/** Nothing is desired: the node does what it was provisioned with. */
	| "unset"
	/** It does what is desired. */
	| "taken"
	| "refused"
	/** It has not said anything about what is desired. */
	| "waiting";

export function statusOf(
	shadow: ConfigShadow | null,
	lines: readonly SettingLine[],
	refusal: string | null,
): ConfigStatus {
	if (shadow?.state.desired === undefined) return "unset";
	if (lines.every(({ isTaken }) => isTaken)) return "taken";
	if (refusal === null) return "waiting";
	const { desired, reported } = shadow.metadata;
	// What was desired after it had refused something is for it to judge.
	return newest(desired) > newest(reported.refused) ? "waiting" : "refused";
}

/** Why the node refused what it refused last; null when it has taken something since. */
export function reasonOf(reported: ConfigDocument | null): string | null {
	const refused = reported?.refused;
	if (typeof refused !== "object" || refused === null) return null;
	const { reason } = refused as { readonly reason?: unknown };
	return typeof reason === "string" ? reason : "no reason given";
}

/** Of a shadow's metadata: the latest time in it, seconds; 0 where there is none. */
function newest(metadata: unknown): number {
	if (typeof metadata !== "object" || metadata === null) return 0;
	return Object.entries(metadata).reduce(
		(latest, [name, value]) =>
			Math.max(
				latest,
				name === "timestamp" && typeof value === "number"
					? value
					: newest(value),
			),
		0,
	);
}
