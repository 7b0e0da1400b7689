/**
 * CloudFront for a rehearsal: which behaviour a path takes, and its CloudFront Function, run on the documented event:
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
 */
import { createContext, runInContext } from "node:vm";
import { RehearsalError } from "./errors.ts";
import { isObject, type Json, listIn, objectIn, textIn } from "./json.ts";
import type { Template } from "./template.ts";

export interface PageRequest {
	readonly method: string;
	/** Without the query. */
	readonly uri: string;
	readonly query: Readonly<Record<string, string>>;
	/** Names in lower case, `cookie` left out. */
	readonly headers: Readonly<Record<string, string>>;
	readonly cookies: Readonly<Record<string, string>>;
}

/** A request on its way to an origin, or the answer that a function gave itself. */
export type PageOutcome =
	| {
			readonly kind: "origin";
			readonly originDomain: string;
			readonly request: PageRequest;
	  }
	| {
			readonly kind: "response";
			readonly status: number;
			readonly headers: Readonly<Record<string, string>>;
	  };

interface Behaviour {
	/** Null for the default one. */
	readonly pattern: string | null;
	readonly originDomain: string;
	/** Code of its function for viewer requests; null without one. */
	readonly code: string | null;
}

/** CloudFront Functions have 10 KB of code at most. */
const MAX_CODE_BYTES = 10 * 1024;
const TIMEOUT_MS = 1000;

export class CloudFront {
	readonly #behaviours: readonly Behaviour[];

	/** @throws RehearsalError when the template has no distribution, or more than one */
	constructor(template: Template) {
		const [distribution, ...others] = template.ofType(
			"AWS::CloudFront::Distribution",
		);
		if (distribution === undefined || others.length > 0) {
			throw new RehearsalError(
				"bad_wiring",
				`The template has ${others.length + (distribution === undefined ? 0 : 1)} CloudFront distributions; the rehearsal expects one.`,
			);
		}
		const config = objectIn(
			template.properties(distribution).DistributionConfig,
			distribution.id,
		);
		const domains = new Map(
			listIn(config.Origins, "Origins").map((value) => {
				const origin = objectIn(value, "An origin");
				return [
					textIn(origin.Id, "Origin.Id"),
					textIn(origin.DomainName, "Origin.DomainName"),
				];
			}),
		);
		const read = (value: unknown, pattern: string | null): Behaviour => {
			const behaviour = objectIn(value, "A behaviour");
			const id = textIn(behaviour.TargetOriginId, "TargetOriginId");
			const originDomain = domains.get(id);
			if (originDomain === undefined) {
				throw new RehearsalError(
					"bad_wiring",
					`CloudFront has a behaviour for the origin ${id}, which is none.`,
				);
			}
			const association = listIn(
				behaviour.FunctionAssociations,
				"FunctionAssociations",
			)
				.map((one) => objectIn(one, "FunctionAssociation"))
				.find(({ EventType }) => EventType === "viewer-request");
			return {
				pattern,
				originDomain,
				code:
					association === undefined
						? null
						: codeOf(template, textIn(association.FunctionARN, "FunctionARN")),
			};
		};
		this.#behaviours = [
			...listIn(config.CacheBehaviors, "CacheBehaviors").map((value) =>
				read(
					value,
					textIn(objectIn(value, "A behaviour").PathPattern, "PathPattern"),
				),
			),
			read(config.DefaultCacheBehavior, null),
		];
	}

	handle(request: PageRequest): PageOutcome {
		const behaviour = this.#behaviours.find(
			({ pattern }) => pattern === null || matchesPath(pattern, request.uri),
		);
		if (behaviour === undefined) {
			throw new RehearsalError("bad_wiring", "CloudFront has no behaviour.");
		}
		const { originDomain, code } = behaviour;
		if (code === null) return { kind: "origin", originDomain, request };
		const result = run(code, request);
		if ("statusCode" in result) {
			return {
				kind: "response",
				status: Number(result.statusCode),
				headers: valuesOf(result.headers),
			};
		}
		return {
			kind: "origin",
			originDomain,
			request: {
				method: textIn(result.method, "method"),
				uri: textIn(result.uri, "uri"),
				query: valuesOf(result.querystring),
				headers: valuesOf(result.headers),
				cookies: valuesOf(result.cookies),
			},
		};
	}
}

function codeOf(template: Template, arn: string): string {
	const resource = template.find(
		arn,
		"FunctionARN",
		"AWS::CloudFront::Function",
	);
	if (resource === null) {
		throw new RehearsalError("bad_wiring", `There is no function ${arn}.`);
	}
	const code = textIn(
		template.properties(resource).FunctionCode,
		`${resource.id}.FunctionCode`,
	);
	if (Buffer.byteLength(code) > MAX_CODE_BYTES) {
		throw new RehearsalError(
			"bad_wiring",
			`${resource.id} is longer than the ${MAX_CODE_BYTES} bytes that CloudFront takes.`,
		);
	}
	return code;
}

/** A context without anything of Node: CloudFront Functions have no network, files or timers. */
function run(code: string, request: PageRequest): Json {
	const wrap = (values: Readonly<Record<string, string>>) =>
		Object.fromEntries(
			Object.entries(values).map(([name, value]) => [name, { value }]),
		);
	const event = {
		version: "1.0",
		context: {
			distributionDomainName: "rehearsal.cloudfront.net",
			distributionId: "REHEARSAL",
			eventType: "viewer-request",
			requestId: "rehearsal",
		},
		viewer: { ip: "192.0.2.9" },
		request: {
			method: request.method,
			uri: request.uri,
			querystring: wrap(request.query),
			headers: wrap(request.headers),
			cookies: wrap(request.cookies),
		},
	};
	const context = createContext({ input: JSON.stringify(event) });
	const text: unknown = runInContext(
		`${code}\n;JSON.stringify(handler(JSON.parse(input)))`,
		context,
		{ timeout: TIMEOUT_MS },
	);
	return objectIn(
		typeof text === "string" ? JSON.parse(text) : text,
		"What the CloudFront Function returns",
	);
}

function valuesOf(wrapped: unknown): Readonly<Record<string, string>> {
	return Object.fromEntries(
		Object.entries(isObject(wrapped) ? wrapped : {}).map(([name, one]) => [
			name,
			textIn(objectIn(one, name).value, name),
		]),
	);
}

/** "Path pattern": `*` any characters, `?` one; a leading slash is optional. */
function matchesPath(pattern: string, uri: string): boolean {
	const expression = pattern
		.replace(/^\//, "")
		.replace(/[.+^${}()|[\]\\]/g, "\\$&")
		.replace(/\*/g, ".*")
		.replace(/\?/g, ".");
	return new RegExp(`^${expression}$`).test(uri.replace(/^\//, ""));
}
