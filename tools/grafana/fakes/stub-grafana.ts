/**
 * Stands in for a Grafana, of which Debian has no package: an HTTP server that keeps folders, data sources, dashboards and alert
 * rules as the documentation of its HTTP API says, and refuses what that says it refuses. It shows that our requests are in
 * that order and of that shape, not that Grafana draws what they hold.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Readonly<Record<string, unknown>>;

export interface StubGrafana {
	readonly url: string;
	readonly token: string;
	readonly folders: Map<string, Json>;
	readonly dataSources: Map<string, Json>;
	readonly dashboards: Map<string, Json & { readonly version: number }>;
	readonly rules: Map<string, Json>;
	/** Requests other than GET, as "METHOD /path". */
	readonly changes: string[];
	/** Answers the next change with this status. */
	failNext: number | null;
	close(): Promise<void>;
}

interface Answer {
	readonly status: number;
	readonly body: Json;
}

export async function startStubGrafana(): Promise<StubGrafana> {
	const folders = new Map<string, Json>();
	const dataSources = new Map<string, Json>();
	const dashboards = new Map<string, Json & { readonly version: number }>();
	const rules = new Map<string, Json>();

	function answer(method: string, path: string, body: Json): Answer {
		const at = (pattern: RegExp): string | null =>
			pattern.exec(path)?.[1] ?? null;
		if (method !== "GET") {
			stub.changes.push(`${method} ${path}`);
			if (stub.failNext !== null) {
				const status = stub.failNext;
				stub.failNext = null;
				return refuse(status, "It has been told to.");
			}
		}
		const folder = at(/^\/api\/folders\/([\w-]+)$/);
		if (folder !== null) {
			if (method === "GET") return found(folders.get(folder));
			if (!folders.has(folder)) return refuse(404, "folder not found");
			// "If you use overwrite, version is not needed"; without either it answers 412.
			if (body.overwrite !== true && body.version === undefined) {
				return refuse(412, "The folder has been changed by someone else");
			}
			folders.set(folder, { ...folders.get(folder), title: body.title });
			return found(folders.get(folder));
		}
		if (method === "POST" && path === "/api/folders") {
			const { uid, title } = body;
			if (typeof uid !== "string" || typeof title !== "string") {
				return refuse(400, "a folder needs uid and title");
			}
			if (folders.has(uid)) return refuse(409, "folder exists");
			folders.set(uid, { uid, title });
			return found(folders.get(uid));
		}
		const source = at(/^\/api\/datasources\/uid\/([\w-]+)$/);
		if (source !== null) {
			if (method === "GET") return found(without(dataSources.get(source)));
			if (!dataSources.has(source)) return refuse(404, "Data source not found");
			dataSources.set(source, body);
			return found({ message: "Datasource updated" });
		}
		if (method === "POST" && path === "/api/datasources") {
			const { uid, name, type, access } = body;
			if (![uid, name, type, access].every((one) => typeof one === "string")) {
				return refuse(400, "bad request data");
			}
			for (const one of dataSources.values()) {
				if (one.name === name || one.uid === uid) {
					return refuse(409, "data source with the same name already exists");
				}
			}
			dataSources.set(String(uid), body);
			return found({ message: "Datasource added" });
		}
		const dashboard = at(/^\/api\/dashboards\/uid\/([\w-]+)$/);
		if (method === "GET" && dashboard !== null) {
			return found(dashboards.get(dashboard));
		}
		if (method === "POST" && path === "/api/dashboards/db") {
			return saveDashboard(body);
		}
		const rule = at(/^\/api\/v1\/provisioning\/alert-rules\/([\w-]+)$/);
		if (rule !== null) {
			if (method === "GET") return found(rules.get(rule));
			if (!rules.has(rule)) return refuse(404, "alert rule not found");
			return saveRule(rule, body, 200);
		}
		if (method === "POST" && path === "/api/v1/provisioning/alert-rules") {
			const uid = String(body.uid);
			if (rules.has(uid)) return refuse(409, "uid conflicts");
			return saveRule(uid, body, 201);
		}
		return refuse(404, "Not found");
	}

	function saveDashboard(body: Json): Answer {
		const dashboard = body.dashboard as Json & { readonly uid?: string };
		if (typeof dashboard?.uid !== "string" || dashboard.id !== null) {
			return refuse(400, "a new dashboard's id is null");
		}
		if (!folders.has(String(body.folderUid))) {
			return refuse(400, "folder not found");
		}
		const known = dashboards.get(dashboard.uid);
		if (known !== undefined && body.overwrite !== true) {
			return refuse(412, "The dashboard has been changed by someone else");
		}
		const version = (known?.version ?? 0) + 1;
		dashboards.set(dashboard.uid, { ...dashboard, version });
		return found({ uid: dashboard.uid, status: "success", version });
	}

	function saveRule(uid: string, body: Json, status: number): Answer {
		const { title, folderUID, ruleGroup, condition, data, orgID } = body;
		const isWhole =
			typeof title === "string" &&
			typeof ruleGroup === "string" &&
			orgID === 1 &&
			folders.has(String(folderUID)) &&
			Array.isArray(data) &&
			data.some(
				(query: { readonly refId?: string }) => query.refId === condition,
			) &&
			data.every(
				(query: { readonly datasourceUid?: string }) =>
					query.datasourceUid === "__expr__" ||
					dataSources.has(String(query.datasourceUid)),
			);
		if (!isWhole) return refuse(400, "invalid alert rule");
		rules.set(uid, body);
		return { status, body };
	}

	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => chunks.push(chunk));
		request.on("end", () => {
			const text = Buffer.concat(chunks).toString();
			const isKnown = request.headers.authorization === `Bearer ${stub.token}`;
			const { status, body } = isKnown
				? answer(
						request.method ?? "",
						request.url ?? "",
						text === "" ? {} : (JSON.parse(text) as Json),
					)
				: refuse(401, "Invalid API key");
			response.writeHead(status, { "Content-Type": "application/json" });
			response.end(JSON.stringify(body));
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	const stub: StubGrafana = {
		url: `http://127.0.0.1:${port}`,
		token: "glsa_test",
		folders,
		dataSources,
		dashboards,
		rules,
		changes: [],
		failNext: null,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
	return stub;
}

function found(value: Json | undefined): Answer {
	return value === undefined
		? refuse(404, "Not found")
		: { status: 200, body: value };
}

/** Grafana never gives secrets back. */
function without(source: Json | undefined): Json | undefined {
	if (source === undefined) return undefined;
	const { secureJsonData: _, ...rest } = source;
	return rest;
}

function refuse(status: number, message: string): Answer {
	return { status, body: { message } };
}
