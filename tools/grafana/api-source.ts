/**
 * Queries of our own API by Grafana's Infinity plugin (yesoreyeram-infinity-datasource), which reads JSON and shows who it
 * is: for clouds that feed no other database. The members of its settings are those of its documentation
 * (https://grafana.com/docs/plugins/yesoreyeram-infinity-datasource/latest/configure/, "Provision the data source") and of
 * `LoadSettings` in its pkg/models/settings.go.
 */
import type { Query, Source } from "./source.ts";
import { grafanaVariable, STATES } from "./source.ts";

export interface ApiSourceOptions {
	/** Where the API is, without `/v1` and without a slash at the end. */
	readonly url: string;
	readonly auth: ApiAuth;
}

/** How Grafana shows who it is. */
export type ApiAuth =
	/** By a token of ours, good until it ends. */
	| { readonly token: string }
	/** By client credentials (RFC 6749 section 4.4): it gets tokens for itself, to read and nothing else. */
	| ClientCredentials;

export interface ClientCredentials {
	readonly tokenUrl: string;
	readonly clientId: string;
	readonly clientSecret: string;
	readonly scope: string;
}

interface Column {
	/** The member of an element of the list, or of the answer itself. */
	readonly selector: string;
	readonly text: string;
	readonly type: "string" | "number" | "timestamp";
}

const ONE_DEVICE = `/v1/devices/${grafanaVariable("device", "raw")}`;
const CHANNEL = grafanaVariable("channel", "raw");
/** As the API's `MAX_PAGE`. */
const LIMIT = 10_000;

export function apiSource({ url, auth }: ApiSourceOptions): Source {
	const { settings, secrets } = signIn(auth);
	return {
		kind: "api",
		definition: {
			uid: "thinghz-api",
			name: "thinghz API",
			type: "yesoreyeram-infinity-datasource",
			access: "proxy",
			url,
			jsonData: {
				...settings,
				// With authentication the plugin asks hosts only that are named.
				allowedHosts: [url],
				customHealthCheckEnabled: true,
				customHealthCheckUrl: `${url}/v1/fleet`,
			},
			secureJsonData: secrets,
		},
		deviceVariable: {
			query: variable("/v1/devices", "devices", text("name")),
		},
		channelVariable: {
			query: variable(ONE_DEVICE, "channels", text("id")),
			regex: "/^(?!health\\.).*$/",
		},
		anyChannelVariable: null,
		panels: {
			devices: {
				devices: table("/v1/fleet", "", [
					number("devices"),
					number("online"),
					number("offline"),
					number("silent"),
					number("configRefused", "config refused"),
				]),
			},
			lastHeard: {
				devices: table("/v1/devices", "devices", [
					text("name", "device"),
					time("lastSeen", "last heard"),
					text("online"),
					text("board"),
					text("firmware"),
					text("boot.resetReason", "last reset"),
					text("configRefused", "refused configuration"),
				]),
			},
			channelOfAll: null,
			readings: Object.fromEntries(
				(["mean", "min", "max"] as const).map((agg) => [
					agg,
					readings(CHANNEL, agg, agg),
				]),
			),
			channels: {
				channels: table(ONE_DEVICE, "channels", [
					text("id", "channel"),
					text("unit"),
					text("kind"),
					number("resolution"),
				]),
			},
			notWell: null,
			states: ofHealth([...STATES, "reset"]),
			health: ofHealth,
			volume: { readings: readings(CHANNEL, "count", "readings") },
			volumeByDevice: null,
			// Operators' alone.
			deadLetters:
				"token" in auth
					? {
							letters: table("/v1/deadletters?limit=500", "deadLetters", [
								time("received"),
								text("device"),
								text("topic"),
								text("reason"),
								text("detail"),
							]),
						}
					: null,
		},
		alerts: {
			silent: {
				query: table("/v1/fleet", "", [number("silent")]),
				lookBackS: 600,
			},
			silentWhen: { type: "gt", limit: 0 },
			notWell: null,
			configRefused: {
				query: table("/v1/fleet", "", [number("configRefused")]),
				lookBackS: 600,
			},
		},
	};
}

function signIn(auth: ApiAuth): {
	readonly settings: Readonly<Record<string, unknown>>;
	readonly secrets: Readonly<Record<string, string>>;
} {
	if ("token" in auth) {
		return {
			settings: { auth_method: "bearerToken" },
			secrets: { bearerToken: auth.token },
		};
	}
	return {
		settings: {
			auth_method: "oauth2",
			oauth2: {
				oauth2_type: "client_credentials",
				client_id: auth.clientId,
				token_url: auth.tokenUrl,
				scopes: [auth.scope],
			},
		},
		secrets: { oauth2ClientSecret: auth.clientSecret },
	};
}

function ofHealth(channels: readonly string[]): Record<string, Query> {
	return Object.fromEntries(
		channels.map((name) => [name, readings(`health.${name}`, "max", name)]),
	);
}

function readings(channel: string, agg: string, name: string): Query {
	const query = [
		`channel=${channel}`,
		`from=${grafanaVariable("__from", "date:iso")}`,
		`to=${grafanaVariable("__to", "date:iso")}`,
		`every=${grafanaVariable("every", "raw")}`,
		`agg=${agg}`,
		`limit=${LIMIT}`,
	].join("&");
	return {
		...json(`${ONE_DEVICE}/readings?${query}`, "rows", [
			time("time"),
			number("value", name),
		]),
		format: "timeseries",
	};
}

function table(
	url: string,
	rootSelector: string,
	columns: readonly Column[],
): Query {
	return { ...json(url, rootSelector, columns), format: "table" };
}

function variable(url: string, rootSelector: string, column: Column): Query {
	return {
		queryType: "infinity",
		query: "",
		infinityQuery: {
			refId: "variable",
			...table(url, rootSelector, [column]),
		},
	};
}

/** The backend parser is the one that alert rules can use. */
function json(
	url: string,
	rootSelector: string,
	columns: readonly Column[],
): Query {
	return {
		type: "json",
		source: "url",
		parser: "backend",
		url,
		url_options: { method: "GET", data: "" },
		root_selector: rootSelector,
		columns,
		filters: [],
	};
}

function text(selector: string, name = selector): Column {
	return { selector, text: name, type: "string" };
}

function number(selector: string, name = selector): Column {
	return { selector, text: name, type: "number" };
}

function time(selector: string, name = selector): Column {
	return { selector, text: name, type: "timestamp" };
}
