/** Requests as an HTTP API hands them to a function, and what becomes of what it answers. */
import type {
	APIGatewayProxyEventV2,
	APIGatewayProxyStructuredResultV2,
} from "aws-lambda";
import type { HttpHandler } from "../lambda-http.ts";

const DOMAIN = "abcde12345.execute-api.eu-central-1.amazonaws.com";

/**
 * Payload format 2.0: headers of one name joined by commas, cookies apart, a body that is not text as base64.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export async function httpEvent(
	request: Request,
): Promise<APIGatewayProxyEventV2> {
	const url = new URL(request.url);
	const headers: Record<string, string> = { host: DOMAIN };
	const cookies: string[] = [];
	request.headers.forEach((value, name) => {
		if (name === "cookie") cookies.push(...value.split("; "));
		else headers[name] = value;
	});
	const body = Buffer.from(await request.arrayBuffer());
	const isText = /json|text|form/.test(headers["content-type"] ?? "text");
	return {
		version: "2.0",
		routeKey: "ANY /v1/{proxy+}",
		rawPath: url.pathname,
		rawQueryString: url.search.slice(1),
		...(cookies.length > 0 ? { cookies } : {}),
		headers,
		requestContext: {
			accountId: "123456789012",
			apiId: "abcde12345",
			domainName: DOMAIN,
			domainPrefix: "abcde12345",
			http: {
				method: request.method,
				path: url.pathname,
				protocol: "HTTP/1.1",
				sourceIp: "192.0.2.7",
				userAgent: headers["user-agent"] ?? "",
			},
			requestId: "JKJaXmPLvHcESHA=",
			routeKey: "ANY /v1/{proxy+}",
			stage: "$default",
			time: "01/Nov/2026:12:00:00 +0000",
			timeEpoch: Date.UTC(2026, 10, 1, 12),
		},
		...(body.length === 0
			? {}
			: { body: body.toString(isText ? "utf8" : "base64") }),
		isBase64Encoded: body.length > 0 && !isText,
	};
}

/** What API Gateway makes of a function's answer. */
export function httpResponse(
	result: APIGatewayProxyStructuredResultV2,
	isHead = false,
): Response {
	const headers = new Headers();
	for (const [name, value] of Object.entries(result.headers ?? {})) {
		headers.set(name, String(value));
	}
	for (const cookie of result.cookies ?? [])
		headers.append("set-cookie", cookie);
	const body = Buffer.from(
		result.body ?? "",
		result.isBase64Encoded ? "base64" : "utf8",
	);
	const status = result.statusCode ?? 200;
	const isEmpty = isHead || status === 204 || status === 304;
	return new Response(isEmpty ? null : body, { status, headers });
}

/** Sends requests to a handler as an HTTP API does. */
export function fetchByLambda(
	handler: HttpHandler,
): (request: Request) => Promise<Response> {
	return async function fetchByLambda(request) {
		const event = await httpEvent(request);
		// What crosses is JSON.
		const result = JSON.parse(
			JSON.stringify(
				await handler(
					JSON.parse(JSON.stringify(event)) as APIGatewayProxyEventV2,
				),
			),
		) as APIGatewayProxyStructuredResultV2;
		return httpResponse(result, request.method === "HEAD");
	};
}
