/**
 * Where dashboards get their data: the queries that each of them asks, by the database behind. A query that a source has
 * no answer to is left out, and its panel with it.
 */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";

export type SourceKind = "timestream" | "influxdb" | "api";
export const SOURCE_KINDS: readonly SourceKind[] = [
	"timestream",
	"influxdb",
	"api",
];

/** A query as the data source's plugin reads it, without `refId` and `datasource`. */
export type Query = Readonly<Record<string, unknown>>;

/** A panel's queries by the name that their values are shown under. */
export type Queries = Readonly<Record<string, Query>>;

/** The panels there can be; one without queries is left out. */
export interface PanelQueries {
	/** Fleet: numbers of devices. */
	readonly devices: Queries;
	/** Fleet: a row a device, with when it was last heard. */
	readonly lastHeard: Queries;
	/** Fleet: `$channel` of every device. */
	readonly channelOfAll: Queries | null;
	/** One device: mean, min and max of `$channel`. */
	readonly readings: Queries;
	/** One device: a row a channel. */
	readonly channels: Queries;
	/** Health: a row a device, its states as numbers. */
	readonly notWell: Queries | null;
	/** Health of one device: its states, by their channels without "health.". */
	readonly states: Queries;
	/** Health of one device: other channels, by their names without "health.". */
	readonly health: (channels: readonly string[]) => Queries;
	/** Ingest: how much there is, by when it was measured. */
	readonly volume: Queries;
	/** Ingest: the same by device. */
	readonly volumeByDevice: Queries | null;
	/** Ingest: what could not be taken in. */
	readonly deadLetters: Queries | null;
}

export interface VariableQuery {
	readonly query: string | Query;
	/** What the query's values have to match to be offered. */
	readonly regex?: string;
}

/** An alert rule's query: numbers, one a series, of which each is judged. */
export interface AlertQuery {
	readonly query: Query;
	/** How far back it looks, s. */
	readonly lookBackS: number;
}

/** What alert rules ask; a rule without a query is left out. */
export interface AlertQueries {
	/** More than 0 for what has fallen silent. */
	readonly silent: AlertQuery;
	/** How the last value of `silent` is judged. */
	readonly silentWhen: {
		readonly type: "gt" | "lt";
		readonly limit: number;
	};
	/** More than 0 for what has a sensor, settings or a journal that is not well. */
	readonly notWell: AlertQuery | null;
	/** More than 0 where a device refused its configuration. */
	readonly configRefused: AlertQuery | null;
}

/** As Grafana's HTTP API takes a data source: "Create a data source". */
export interface DataSourceDefinition {
	readonly uid: string;
	readonly name: string;
	readonly type: string;
	readonly access: "proxy";
	readonly url?: string;
	readonly basicAuth?: boolean;
	readonly basicAuthUser?: string;
	readonly jsonData: Readonly<Record<string, unknown>>;
	/** Secrets: sent to Grafana, never written into a file. */
	readonly secureJsonData?: Readonly<Record<string, string>>;
}

export interface Source {
	readonly kind: SourceKind;
	readonly definition: DataSourceDefinition;
	readonly deviceVariable: VariableQuery;
	/** The channels of `$device`. */
	readonly channelVariable: VariableQuery;
	/** Those of all devices; null where nothing asks for them. */
	readonly anyChannelVariable: VariableQuery | null;
	readonly panels: PanelQueries;
	readonly alerts: AlertQueries;
}

/** The SDK knows the queries of a few plugins only, and ours are not among them. */
export function targetOf(
	source: Source,
	refId: string,
	query: Query,
): Builder<Dataquery> {
	const target = {
		refId,
		datasource: refOf(source),
		...query,
		_implementsDataqueryVariant: () => undefined,
	};
	return { build: () => target };
}

export function refOf({ definition }: Source): { type: string; uid: string } {
	return { type: definition.type, uid: definition.uid };
}

/** A dashboard's variable within a query or a title; Grafana puts its value in, written as the format says. */
export function grafanaVariable(name: string, format: string): string {
	return `\${${name}:${format}}`;
}

/** "A" … "Z": Grafana's names of a panel's queries. */
export function refIdOf(index: number): string {
	return String.fromCharCode(65 + index);
}

/** The state channels that a table of the fleet shows, without "health.". */
export const STATES = [
	"link",
	"clock",
	"sensors",
	"settings",
	"journal",
] as const;
