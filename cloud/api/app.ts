/**
 * The HTTP API: one app for Node and Lambda alike, on Web APIs only.
 * `/v1/openapi.json` describes it; errors are RFC 9457 problem documents.
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { TooManyRules, UnknownRule } from "../core/alerts/rules.ts";
import { Forbidden, InvalidQuery, UnknownDevice } from "../core/errors.ts";
import { JobError } from "../core/jobs/job.ts";
import { StoreError } from "../core/ports.ts";
import { ReleaseError } from "../core/releases/errors.ts";
import { ShadowError } from "../core/shadows/errors.ts";
import { addAggregate } from "./aggregate.ts";
import { addAlertRules } from "./alert-rules.ts";
import { addAlerts } from "./alerts.ts";
import { type AuthEnv, SESSION_COOKIE } from "./auth.ts";
import { AuthUnavailable } from "./authenticator.ts";
import { addBlocks } from "./blocks.ts";
import { addClaims } from "./claims.ts";
import { addDeadLetters } from "./dead-letters.ts";
import { addDeviceJobs } from "./device-jobs.ts";
import { addDevices } from "./devices.ts";
import { addFleet } from "./fleet.ts";
import { addHealth } from "./health.ts";
import { addJobs, jobProblem } from "./jobs.ts";
import { addLive } from "./live.ts";
import { addNodeLogs } from "./node-logs.ts";
import { assertPermissions, requirePermission } from "./permissions.ts";
import type { ApiDeps } from "./ports.ts";
import { type FieldError, Problem, problemResponse } from "./problem.ts";
import { addPush } from "./push.ts";
import { addReadings } from "./readings.ts";
import { addRedrive } from "./redrive.ts";
import { addReleases, releaseProblem } from "./releases.ts";
import { addRemoveDevice } from "./remove-device.ts";
import { addSession } from "./session.ts";
import { addShadows, shadowProblem } from "./shadows.ts";
import { addTags } from "./tags.ts";

/** The API under `/v1`, ready to be served: `app.fetch(request)`. */
export function createApi(deps: ApiDeps): OpenAPIHono<AuthEnv> {
	const app = new OpenAPIHono<AuthEnv>({ defaultHook: refuseInvalid });

	app.use(
		"/v1/*",
		secureHeaders({
			contentSecurityPolicy: {
				defaultSrc: ["'none'"],
				frameAncestors: ["'none'"],
			},
			strictTransportSecurity: false,
		}),
		async function noStore(c, next) {
			await next();
			c.header("Cache-Control", "no-store");
		},
	);

	requirePermission(app, deps);

	addHealth(app, deps);
	addSession(app, deps);
	addDevices(app, deps);
	addRemoveDevice(app, deps);
	addDeviceJobs(app, deps);
	addNodeLogs(app, deps);
	addTags(app, deps);
	addJobs(app, deps);
	addReleases(app, deps);
	addFleet(app, deps);
	addShadows(app, deps);
	addReadings(app, deps);
	addBlocks(app, deps);
	addAggregate(app, deps);
	addLive(app, deps);
	addDeadLetters(app, deps);
	addRedrive(app, deps);
	addClaims(app, deps);
	addAlerts(app, deps);
	addAlertRules(app, deps);
	addPush(app, deps);
	addDescription(app, deps);
	assertPermissions(app);

	app.onError((error, c) => problemResponse(c, toProblem(error, deps)));
	app.notFound((c) => problemResponse(c, notFoundProblem(app, c)));
	return app;
}

function addDescription(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
		type: "http",
		scheme: "bearer",
		bearerFormat: "JWT",
	});
	app.openAPIRegistry.registerComponent("securitySchemes", "session", {
		type: "apiKey",
		in: "cookie",
		name: SESSION_COOKIE,
		description: `Where the address names a port, \`${SESSION_COOKIE}_PORT\`.`,
	});
	app.get("/v1/openapi.json", (c) =>
		c.json(
			app.getOpenAPI31Document({
				openapi: "3.1.0",
				info: {
					title: "thinghz",
					version: deps.version,
					description:
						"Devices and their readings. Errors are RFC 9457 problem documents.",
					license: {
						name: "Apache-2.0",
						url: "https://www.apache.org/licenses/LICENSE-2.0",
					},
				},
				servers: [{ url: "/" }],
			}),
		),
	);
}

interface ValidationResult {
	readonly target: string;
	readonly success: boolean;
	readonly error?: {
		readonly issues: readonly Issue[];
	};
}

/** As Zod makes them. */
interface Issue {
	readonly code?: string;
	readonly path: readonly PropertyKey[];
	readonly message: string;
	/** Of members that are not known. */
	readonly keys?: readonly string[];
	/** Of a union: what keeps the value from being each of its shapes. */
	readonly errors?: readonly (readonly Issue[])[];
	/** Of a record's key: what is wrong with it. */
	readonly issues?: readonly Issue[];
}

/** Answers what a schema refused, member by member. */
function refuseInvalid(result: ValidationResult): undefined {
	if (result.success || result.error === undefined) return;
	const issues = result.error.issues.flatMap(issuesOfNearestShape);
	const errors = issues.flatMap((issue): FieldError[] => {
		if (issue.code === "unrecognized_keys" && issue.keys !== undefined) {
			return issue.keys.map((key) => ({
				...place(result.target, [...issue.path, key]),
				detail: "is not known here",
			}));
		}
		const [inKey] = issue.code === "invalid_key" ? (issue.issues ?? []) : [];
		const detail = (inKey ?? issue).message;
		return [{ ...place(result.target, issue.path), detail }];
	});
	const detail = errors
		.map((error) => `${error.parameter ?? error.pointer}: ${error.detail}`)
		.join("; ");
	throw new Problem("invalid_request", detail, { errors });
}

/** Of a value that may have several shapes: what is wrong with it as the one that it comes nearest to. */
function issuesOfNearestShape(issue: Issue): readonly Issue[] {
	const [first, ...others] = issue.errors ?? [];
	if (issue.code !== "invalid_union" || first === undefined) return [issue];
	const nearest = others.reduce(
		(least, issues) => (wrongness(issues) < wrongness(least) ? issues : least),
		first,
	);
	return nearest.flatMap(issuesOfNearestShape).map((inner) => ({
		...inner,
		path: [...issue.path, ...inner.path],
	}));
}

/** A member that a shape does not know tells more against it than one that is missing. */
function wrongness(issues: readonly Issue[]): number {
	return issues.reduce((sum, { keys }) => sum + 1 + 2 * (keys?.length ?? 0), 0);
}

function place(
	target: string,
	path: readonly PropertyKey[],
): Omit<FieldError, "detail"> {
	return target === "json"
		? { pointer: path.map((key) => `/${String(key)}`).join("") }
		: { parameter: path.map(String).join(".") };
}

function toProblem(error: Error, deps: ApiDeps): Problem {
	if (error instanceof Problem) return error;
	if (error instanceof StoreError || error instanceof AuthUnavailable) {
		deps.onError?.(error);
		return new Problem("unavailable", error.message, {
			cause: error,
			headers: { "Retry-After": "1" },
		});
	}
	if (error instanceof ShadowError) {
		const problem = shadowProblem(error);
		if (problem.status >= 500) deps.onError?.(error);
		return problem;
	}
	if (error instanceof JobError) return jobProblem(error);
	if (error instanceof ReleaseError) return releaseProblem(error);
	if (error instanceof UnknownDevice) {
		return new Problem("unknown_device", error.message, { cause: error });
	}
	if (error instanceof Forbidden) {
		return new Problem("forbidden", error.message, { cause: error });
	}
	if (error instanceof UnknownRule) {
		return new Problem("unknown_rule", error.message, { cause: error });
	}
	if (error instanceof TooManyRules) {
		return new Problem("too_many_rules", error.message, { cause: error });
	}
	if (error instanceof InvalidQuery) return queryProblem(error);
	if (error instanceof HTTPException && error.status < 500) {
		return new Problem("invalid_request", error.message, { cause: error });
	}
	deps.onError?.(error);
	return new Problem(
		"internal",
		"The cloud met an error it had not foreseen; its log says more.",
		{ cause: error },
	);
}

function queryProblem(error: InvalidQuery): Problem {
	const options = { cause: error };
	switch (error.code) {
		case "bad_cursor":
			return new Problem("invalid_cursor", error.message, options);
		case "too_many_buckets":
			return new Problem("range_too_wide", error.message, options);
		default:
			return new Problem("invalid_request", error.message, options);
	}
}

/** A path that other methods have is 405 with `Allow` (RFC 9110 section 15.5.6); any other is 404. */
function notFoundProblem(app: OpenAPIHono<AuthEnv>, c: Context): Problem {
	const methods = new Set<string>();
	for (const route of app.routes) {
		if (route.method === "ALL" || !matches(route.path, c.req.path)) continue;
		methods.add(route.method);
		if (route.method === "GET") methods.add("HEAD");
	}
	if (methods.size === 0) {
		return new Problem("not_found", `There is nothing at ${c.req.path}.`);
	}
	const allow = [...methods].sort().join(", ");
	return new Problem(
		"method_not_allowed",
		`${c.req.method} is not possible here; ${allow} is.`,
		{ headers: { Allow: allow } },
	);
}

function matches(pattern: string, path: string): boolean {
	const wanted = pattern.split("/");
	const given = path.split("/");
	return (
		wanted.length === given.length &&
		wanted.every((part, i) => part.startsWith(":") || part === given[i])
	);
}
