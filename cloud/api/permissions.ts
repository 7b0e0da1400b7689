/**
 * Who may call which operation: all of it, in one table, asked by one middleware before anything else is looked at.
 * An operation that the table lacks cannot be called, and an API that has one cannot be made.
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Role } from "../core/people.ts";
import { type AuthEnv, identifyOrProblem } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";

/**
 * The least role that may call an operation. What stands below `/v1/devices/{name}` moreover needs the device to be
 * one that the caller may see, and what lists devices or goes through all of them leaves the others out.
 */
export type Permission = Role | "anyone";

export const PERMISSIONS: Readonly<Record<string, Permission>> = {
	"GET /v1/health": "anyone",
	"GET /v1/openapi.json": "anyone",
	"GET /v1/session": "anyone",
	"POST /v1/session": "anyone",
	"PUT /v1/session": "anyone",
	"DELETE /v1/session": "anyone",
	"GET /v1/devices": "viewer",
	"GET /v1/devices/{name}": "viewer",
	"DELETE /v1/devices/{name}": "admin",
	"GET /v1/devices/{name}/jobs": "viewer",
	"GET /v1/devices/{name}/logs": "viewer",
	"GET /v1/devices/{name}/crashes": "viewer",
	"GET /v1/crashes": "viewer",
	"PUT /v1/devices/{name}/tags": "operator",
	"POST /v1/jobs": "operator",
	"GET /v1/jobs": "operator",
	"GET /v1/jobs/{id}": "operator",
	"GET /v1/jobs/{id}/executions": "operator",
	"GET /v1/jobs/{id}/executions/{device}": "operator",
	"POST /v1/jobs/{id}/cancel": "operator",
	"DELETE /v1/jobs/{id}": "operator",
	"GET /v1/firmware": "operator",
	"PUT /v1/firmware/key": "operator",
	"POST /v1/firmware/uploads": "operator",
	"PUT /v1/firmware/{version}/{board}/{sha256}": "operator",
	"POST /v1/firmware": "operator",
	"GET /v1/firmware/{version}/{board}": "operator",
	"DELETE /v1/firmware/{version}/{board}": "operator",
	"GET /v1/fleet": "viewer",
	"GET /v1/devices/{name}/readings": "viewer",
	"GET /v1/devices/{name}/blocks": "viewer",
	"GET /v1/devices/{name}/aggregate": "viewer",
	"GET /v1/devices/{name}/shadows": "viewer",
	"GET /v1/devices/{name}/shadow": "viewer",
	"PATCH /v1/devices/{name}/shadow": "operator",
	"DELETE /v1/devices/{name}/shadow": "operator",
	"GET /v1/devices/{name}/shadows/{shadow}": "viewer",
	"PATCH /v1/devices/{name}/shadows/{shadow}": "operator",
	"DELETE /v1/devices/{name}/shadows/{shadow}": "operator",
	"GET /v1/live": "viewer",
	"GET /v1/deadletters": "operator",
	"POST /v1/deadletters/redrive": "operator",
	"GET /v1/claims": "admin",
	"POST /v1/claims": "admin",
	"DELETE /v1/claims/{name}": "admin",
	"GET /v1/alerts": "viewer",
	"GET /v1/alerts/events": "viewer",
	"GET /v1/alerts/rules": "operator",
	"POST /v1/alerts/rules": "operator",
	"GET /v1/alerts/rules/{id}": "operator",
	"PUT /v1/alerts/rules/{id}": "operator",
	"DELETE /v1/alerts/rules/{id}": "operator",
	"POST /v1/alerts/rules/{id}/test": "operator",
	"GET /v1/push/key": "viewer",
	"GET /v1/push/subscriptions": "viewer",
	"POST /v1/push/subscriptions": "viewer",
	"DELETE /v1/push/subscriptions/{id}": "viewer",
};

/** Methods of operations that change nothing (RFC 9110 section 9.2.1). */
const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

type PermitDeps = Pick<ApiDeps, "auth" | "access">;

/** To be put before every operation. */
export function requirePermission(
	app: OpenAPIHono<AuthEnv>,
	deps: PermitDeps,
): void {
	app.use("/v1/*", requireRole(deps));
	app.use("/v1/devices/:name/*", requireDevice(deps));
}

/**
 * Lets only those in whose role suffices, and programs that only read to what only reads; says who they are in
 * `c.var.identity`.
 */
function requireRole({ auth, access }: PermitDeps): MiddlewareHandler<AuthEnv> {
	return async function requireRole(c, next) {
		const operation = operationOf(c);
		if (operation === null) return next();
		const permission = permissionOf(operation);
		if (permission === "anyone") return next();
		const identity = await identifyOrProblem(c, auth);
		access.requireRole(identity, permission);
		if (!READING.has(c.req.method)) access.requireChanges(identity);
		c.set("identity", identity);
		return next();
	};
}

function requireDevice({ access }: PermitDeps): MiddlewareHandler<AuthEnv> {
	return async function requireDevice(c, next) {
		const identity = c.get("identity");
		// Nobody is known where there is no operation: 404 or 405 follows.
		if (identity !== undefined) {
			await access.requireDevice(identity, c.req.param("name") ?? "");
		}
		return next();
	};
}

/** "GET /v1/devices/{name}", as the description names it; null where none answers the request. */
function operationOf(c: Context): string | null {
	const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
	return route === undefined ? null : operationName(route);
}

function operationName(route: {
	readonly method: string;
	readonly path: string;
}): string {
	return `${route.method} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`;
}

/** @throws Error for an operation that the table lacks: a mistake in this program */
export function permissionOf(operation: string): Permission {
	const permission = Object.hasOwn(PERMISSIONS, operation)
		? PERMISSIONS[operation]
		: undefined;
	if (permission === undefined) {
		throw new Error(`Nobody has said who may call ${operation}.`);
	}
	return permission;
}

/** @throws Error when an operation is not in the table */
export function assertPermissions(app: OpenAPIHono<AuthEnv>): void {
	for (const route of app.routes) {
		if (route.method !== "ALL") permissionOf(operationName(route));
	}
}
