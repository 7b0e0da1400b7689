/**
 * API Gateway's HTTP API for a rehearsal: finds the route, lets its JWT authorizer judge the token, hands the function an
 * event of payload format 2.0 and makes a response of what it returns.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html, …/http-api-jwt-authorizer.html,
 * …/http-api-develop-integrations-lambda.html
 */
import { randomUUID } from "node:crypto";
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";
import { RehearsalError } from "./errors.ts";
import {
	isObject,
	type Json,
	listIn,
	objectIn,
	textIn,
	textsIn,
} from "./json.ts";
import { ACCOUNT, REGION, type Template } from "./template.ts";

export interface ApiRequest {
	readonly method: string;
	readonly path: string;
	readonly query?: Readonly<Record<string, string>>;
	/** Names in lower case. */
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

export interface ApiResponse {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	/** What Set-Cookie says, once a cookie. */
	readonly cookies: readonly string[];
	readonly body: Buffer;
	/** Whether a function answered, or API Gateway itself. */
	readonly from: "function" | "gateway";
}

interface Authorizer {
	readonly issuer: string;
	readonly audience: readonly string[];
}

interface Route {
	readonly key: string;
	/** "ANY", "GET", …; "$default" has neither method nor path. */
	readonly method: string;
	readonly path: string;
	readonly authorizer: Authorizer | null;
	readonly functionArn: string;
}

export interface ApiHost {
	/** Of a user pool, by its issuer; null when there is none. */
	keys(issuer: string): JSONWebKeySet | null;
	/**
	 * @param sourceArn of the route
	 * @throws when the function failed: API Gateway answers 500 then
	 */
	invoke(
		functionArn: string,
		sourceArn: string,
		event: unknown,
	): Promise<unknown>;
}

export class HttpApi {
	readonly #host: ApiHost;
	readonly #routes: readonly Route[];
	readonly #id: string;
	readonly domain: string;

	/** @throws RehearsalError bad_wiring */
	constructor(template: Template, host: ApiHost) {
		this.#host = host;
		const [api, ...others] = template.ofType("AWS::ApiGatewayV2::Api");
		if (api === undefined || others.length > 0) {
			throw new RehearsalError(
				"bad_wiring",
				"The rehearsal expects one HTTP API in the template.",
			);
		}
		this.#id = template.attribute(api, "ApiId");
		this.domain = new URL(template.attribute(api, "ApiEndpoint")).host;
		const [stage] = template.ofType("AWS::ApiGatewayV2::Stage");
		const stageName = stage === undefined ? null : template.ref(stage);
		if (stageName !== "$default") {
			throw new RehearsalError(
				"bad_wiring",
				`The HTTP API's stage is ${stageName}: the page and the command expect $default, which adds nothing to paths.`,
			);
		}
		this.#routes = template
			.ofType("AWS::ApiGatewayV2::Route")
			.map((route) => readRoute(template, template.properties(route)));
	}

	/** "METHOD path → function", with what guards it. */
	get routes(): readonly string[] {
		return this.#routes.map(
			({ key, authorizer, functionArn }) =>
				`${key} → ${functionArn.split(":").at(-1)}${authorizer === null ? ", for everybody" : ", with a token"}`,
		);
	}

	async handle(request: ApiRequest): Promise<ApiResponse> {
		const route = this.#find(request);
		if (route === null) return gatewayAnswer(404, "Not Found");
		let claims: Json | null = null;
		if (route.authorizer !== null) {
			claims = await this.#claims(route.authorizer, request);
			if (claims === null) return gatewayAnswer(401, "Unauthorized");
		}
		let result: unknown;
		try {
			result = await this.#host.invoke(
				route.functionArn,
				this.#sourceArn(route),
				this.#event(route, request, claims),
			);
		} catch (error) {
			if (error instanceof RehearsalError) throw error;
			return gatewayAnswer(500, "Internal Server Error");
		}
		return responseOf(result);
	}

	/** "Full match for a route and method; … with a greedy path variable; the $default route." */
	#find({ method, path }: ApiRequest): Route | null {
		const fits = this.#routes.filter(
			(route) =>
				route.key !== "$default" &&
				(route.method === "ANY" || route.method === method) &&
				pathPattern(route.path).test(path),
		);
		const rank = (route: Route) =>
			(route.path.includes("+}") ? 4 : route.path.includes("{") ? 2 : 0) +
			(route.method === "ANY" ? 1 : 0);
		const [best] = fits.sort(
			(a, b) => rank(a) - rank(b) || b.path.length - a.path.length,
		);
		return best ?? this.#routes.find(({ key }) => key === "$default") ?? null;
	}

	/** "Authorizing API requests": signature, issuer, audience (`aud`, else `client_id`), `exp`, `nbf`, `iat`. */
	async #claims(
		{ issuer, audience }: Authorizer,
		request: ApiRequest,
	): Promise<Json | null> {
		const header = request.headers?.authorization;
		if (header === undefined) return null;
		const token = header.replace(/^Bearer /i, "");
		const keys = this.#host.keys(issuer);
		if (keys === null) {
			throw new RehearsalError(
				"bad_wiring",
				`The API's authorizer trusts ${issuer}, which is no user pool of the template.`,
			);
		}
		try {
			const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
				issuer,
				algorithms: ["RS256"],
				requiredClaims: ["exp"],
			});
			const given = payload.aud ?? payload.client_id;
			const isFor = (Array.isArray(given) ? given : [given]).some(
				(one) => typeof one === "string" && audience.includes(one),
			);
			return isFor ? { ...payload } : null;
		} catch (error) {
			if (error instanceof errors.JOSEError) return null;
			throw error;
		}
	}

	/** "arn:…:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH", the path as the route has it. */
	#sourceArn({ key, method, path }: Route): string {
		const rest = key === "$default" ? key : `${method}${path}`;
		return `arn:aws:execute-api:${REGION}:${ACCOUNT}:${this.#id}/$default/${rest}`;
	}

	#event(route: Route, request: ApiRequest, claims: Json | null): unknown {
		const { method, path, query = {}, body } = request;
		const { cookie, ...headers } = request.headers ?? {};
		const now = new Date();
		const parameters = pathPattern(route.path).exec(path)?.groups;
		return {
			version: "2.0",
			routeKey: route.key,
			rawPath: path,
			rawQueryString: new URLSearchParams(query).toString(),
			...(cookie === undefined ? {} : { cookies: cookie.split(/; ?/) }),
			headers: { host: this.domain, ...headers },
			...(Object.keys(query).length === 0
				? {}
				: { queryStringParameters: query }),
			requestContext: {
				accountId: ACCOUNT,
				apiId: this.#id,
				...(claims === null
					? {}
					: {
							authorizer: {
								jwt: {
									claims: Object.fromEntries(
										Object.entries(claims).map(([name, value]) => [
											name,
											// "[a b]" is how API Gateway shows a list's members.
											Array.isArray(value)
												? `[${value.join(" ")}]`
												: String(value),
										]),
									),
									scopes: null,
								},
							},
						}),
				domainName: this.domain,
				domainPrefix: this.#id,
				http: {
					method,
					path,
					protocol: "HTTP/1.1",
					sourceIp: "192.0.2.9",
					userAgent: "rehearsal",
				},
				requestId: randomUUID(),
				routeKey: route.key,
				stage: "$default",
				time: now.toISOString(),
				timeEpoch: now.getTime(),
			},
			...(parameters === undefined
				? {}
				: { pathParameters: { ...parameters } }),
			...(body === undefined ? {} : { body }),
			isBase64Encoded: false,
		};
	}
}

function readRoute(template: Template, properties: Json): Route {
	const key = textIn(properties.RouteKey, "RouteKey");
	const [method = "", path = ""] = key.split(" ");
	const target = textIn(properties.Target, `${key}: Target`);
	const integration = template.find(
		target.replace(/^integrations\//, ""),
		null,
		"AWS::ApiGatewayV2::Integration",
	);
	if (integration === null) {
		throw new RehearsalError("bad_wiring", `${key} leads to no integration.`);
	}
	const { PayloadFormatVersion, IntegrationUri } =
		template.properties(integration);
	if (PayloadFormatVersion !== "2.0") {
		throw new RehearsalError(
			"bad_wiring",
			`${key} has payload format ${String(PayloadFormatVersion)}; the function expects 2.0.`,
		);
	}
	const uri = textIn(IntegrationUri, `${key}: IntegrationUri`);
	const functionArn =
		/arn:aws:lambda:[^/]+:function:[^/]+/.exec(uri)?.[0] ?? uri;
	return {
		key,
		method,
		path,
		functionArn,
		authorizer: readAuthorizer(template, key, properties),
	};
}

function readAuthorizer(
	template: Template,
	key: string,
	properties: Json,
): Authorizer | null {
	const type = properties.AuthorizationType ?? "NONE";
	if (type === "NONE") return null;
	const resource = template.find(
		textIn(properties.AuthorizerId, `${key}: AuthorizerId`),
		"AuthorizerId",
		"AWS::ApiGatewayV2::Authorizer",
	);
	if (type !== "JWT" || resource === null) {
		throw new RehearsalError("bad_wiring", `${key} has no JWT authorizer.`);
	}
	const { JwtConfiguration, IdentitySource } = template.properties(resource);
	const sources = listIn(IdentitySource, "IdentitySource");
	if (sources[0] !== "$request.header.Authorization") {
		throw new RehearsalError(
			"bad_wiring",
			`${resource.id} takes the token from ${String(sources[0])}.`,
		);
	}
	const configuration = objectIn(JwtConfiguration, resource.id);
	return {
		issuer: textIn(configuration.Issuer, "Issuer"),
		audience: listIn(configuration.Audience, "Audience").map((one) =>
			textIn(one, "Audience"),
		),
	};
}

function pathPattern(path: string): RegExp {
	const expression = path
		.split("/")
		.map((segment) => {
			const name = /^\{(\w+)(\+?)\}$/.exec(segment);
			if (name === null) return segment.replace(/[.+^$()|[\]\\]/g, "\\$&");
			return `(?<${name[1]}>${name[2] === "+" ? ".+" : "[^/]+"})`;
		})
		.join("/");
	return new RegExp(`^${expression}$`);
}

function responseOf(result: unknown): ApiResponse {
	if (!isObject(result) || result.statusCode === undefined) {
		return {
			status: 200,
			headers: { "content-type": "application/json" },
			cookies: [],
			body: Buffer.from(
				typeof result === "string" ? result : JSON.stringify(result),
			),
			from: "function",
		};
	}
	const headers = Object.fromEntries(
		Object.entries(isObject(result.headers) ? result.headers : {}).map(
			([name, value]) => [name.toLowerCase(), String(value)],
		),
	);
	return {
		status: Number(result.statusCode),
		headers,
		cookies: textsIn(result.cookies, "cookies"),
		body: Buffer.from(
			typeof result.body === "string" ? result.body : "",
			result.isBase64Encoded === true ? "base64" : "utf8",
		),
		from: "function",
	};
}

function gatewayAnswer(status: number, message: string): ApiResponse {
	return {
		status,
		headers: { "content-type": "application/json" },
		cookies: [],
		body: Buffer.from(JSON.stringify({ message })),
		from: "gateway",
	};
}
