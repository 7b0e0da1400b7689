/**
 * Puts a bundle into a Grafana by its HTTP API: "Folder", "Data source", "Dashboard" and "Alerting provisioning HTTP API" of
 * its documentation. Everything has a fixed uid, so that doing it again brings up to date what is there.
 */
import type { GrafanaBundle } from "./bundle.ts";

const TIMEOUT_MS = 30_000;

/** Grafana did not take something. */
export class GrafanaError extends Error {
	override readonly name = "GrafanaError";
	/** "unreachable", "denied", "refused" */
	readonly code: string;

	constructor(code: string, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

export interface Step {
	/** "folder", "data source", "dashboard", "alert rule" */
	readonly what: string;
	readonly name: string;
	readonly did: "created" | "updated";
}

/** What a dry run finds without changing anything. */
export type Plan = readonly (Omit<Step, "did"> & {
	readonly would: "create" | "update";
})[];

interface Thing {
	readonly what: string;
	readonly name: string;
	/** Answers 200 when it is there, 404 when it is not. */
	readonly path: string;
	readonly create: Request;
	readonly update: Request;
}

interface Request {
	readonly method: "POST" | "PUT";
	readonly path: string;
	readonly body: unknown;
}

export class Grafana {
	readonly #url: string;
	readonly #token: string;

	/** @param options.token of a service account that may edit folders, data sources, dashboards and alert rules */
	constructor(options: { readonly url: string; readonly token: string }) {
		this.#url = options.url.replace(/\/+$/, "");
		this.#token = options.token;
	}

	/** @throws GrafanaError; what came before it is there */
	async push(bundle: GrafanaBundle): Promise<readonly Step[]> {
		const steps: Step[] = [];
		for (const thing of thingsOf(bundle)) {
			const isThere = await this.#isThere(thing.path);
			await this.#send(thing, isThere ? thing.update : thing.create);
			const { what, name } = thing;
			steps.push({ what, name, did: isThere ? "updated" : "created" });
		}
		return steps;
	}

	/** What `push` would do. @throws GrafanaError */
	async plan(bundle: GrafanaBundle): Promise<Plan> {
		const plan: Plan[number][] = [];
		for (const { what, name, path } of thingsOf(bundle)) {
			const isThere = await this.#isThere(path);
			plan.push({ what, name, would: isThere ? "update" : "create" });
		}
		return plan;
	}

	async #isThere(path: string): Promise<boolean> {
		const response = await this.#fetch("GET", path, undefined);
		const text = await response.text();
		if (response.status === 404) return false;
		if (response.ok) return true;
		throw refusal(path, response.status, text);
	}

	async #send(thing: Thing, { method, path, body }: Request): Promise<void> {
		const response = await this.#fetch(method, path, body);
		const text = await response.text();
		if (response.ok) return;
		throw refusal(`${thing.what} "${thing.name}"`, response.status, text);
	}

	async #fetch(method: string, path: string, body: unknown): Promise<Response> {
		try {
			return await fetch(`${this.#url}${path}`, {
				method,
				headers: {
					Authorization: `Bearer ${this.#token}`,
					Accept: "application/json",
					"Content-Type": "application/json",
					// Rules without provenance can still be edited in Grafana.
					"X-Disable-Provenance": "true",
				},
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
				// A redirect, to a page for signing in say, would be given the token, and its answer taken for Grafana's.
				redirect: "error",
				signal: AbortSignal.timeout(TIMEOUT_MS),
			});
		} catch (error) {
			const { cause = error } = error as Error;
			const { code, message } = cause as NodeJS.ErrnoException;
			throw new GrafanaError(
				"unreachable",
				`Grafana at ${this.#url} does not answer (${code ?? message}).`,
				{ cause: error },
			);
		}
	}
}

function thingsOf(bundle: GrafanaBundle): Thing[] {
	const { folder, dataSource, dashboards, ruleGroup } = bundle;
	const things: Thing[] = [
		{
			what: "folder",
			name: folder.title,
			path: `/api/folders/${folder.uid}`,
			create: { method: "POST", path: "/api/folders", body: folder },
			update: {
				method: "PUT",
				path: `/api/folders/${folder.uid}`,
				body: { title: folder.title, overwrite: true },
			},
		},
		{
			what: "data source",
			name: dataSource.name,
			path: `/api/datasources/uid/${dataSource.uid}`,
			create: { method: "POST", path: "/api/datasources", body: dataSource },
			update: {
				method: "PUT",
				path: `/api/datasources/uid/${dataSource.uid}`,
				body: dataSource,
			},
		},
	];
	for (const dashboard of dashboards) {
		// One request for both: with `overwrite` it takes the place of the one with its uid.
		const save: Request = {
			method: "POST",
			path: "/api/dashboards/db",
			body: {
				dashboard: { ...dashboard, id: null },
				folderUid: folder.uid,
				overwrite: true,
				message: "thinghz grafana",
			},
		};
		things.push({
			what: "dashboard",
			name: dashboard.title,
			path: `/api/dashboards/uid/${dashboard.uid}`,
			create: save,
			update: save,
		});
	}
	const rules = "/api/v1/provisioning/alert-rules";
	for (const rule of ruleGroup.rules ?? []) {
		things.push({
			what: "alert rule",
			name: rule.title,
			path: `${rules}/${rule.uid}`,
			create: { method: "POST", path: rules, body: rule },
			update: { method: "PUT", path: `${rules}/${rule.uid}`, body: rule },
		});
	}
	return things;
}

function refusal(what: string, status: number, text: string): GrafanaError {
	if (status === 401 || status === 403) {
		return new GrafanaError(
			"denied",
			`Grafana does not let this token at ${what} (${status}): it takes a service account with the role Admin.`,
		);
	}
	return new GrafanaError(
		"refused",
		`Grafana answers ${status} for ${what}: ${messageOf(text)}`,
	);
}

/** `{"message": …}` is how Grafana explains itself. */
function messageOf(text: string): string {
	try {
		const { message } = JSON.parse(text) as { readonly message?: unknown };
		if (typeof message === "string") return message.slice(0, 300);
	} catch {
		// Not JSON: shown as it is.
	}
	return text.slice(0, 300);
}
