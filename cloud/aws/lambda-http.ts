/**
 * The API's app as a Lambda function behind an HTTP API, payload format 2.0:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 *
 * Hono has an adapter of its own. It puts base64 together a character at a time, which takes a page of blocks nearly as
 * long as reading it does; Node's Buffer takes no time to speak of.
 */
import type {
	APIGatewayProxyEventV2,
	APIGatewayProxyStructuredResultV2,
} from "aws-lambda";
import type { Env, Hono } from "hono";
import { PROBLEM_MEDIA_TYPE, Problem, problemText } from "../api/problem.ts";

/**
 * What a function may answer with, as JSON, when it is called and waited for:
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html ("Invocation payload").
 * Beyond it the caller would get a 502 that says nothing.
 */
export const MAX_RESULT_BYTES = 6_291_556;

/** JSON, problem documents among it, and text; all else is bytes. */
const TEXT = /^text\/|(?:\/|\+)json\b/;

export type HttpHandler = (
	event: APIGatewayProxyEventV2,
) => Promise<APIGatewayProxyStructuredResultV2>;

export function httpHandler<E extends Env>(
	app: Pick<Hono<E>, "fetch">,
): HttpHandler {
	return async function handleHttp(event) {
		let request: Request;
		try {
			request = requestOf(event);
		} catch (error) {
			// What `Request` and `Headers` throw for what is none; an error here would be a 502, and an alarm.
			if (!(error instanceof TypeError)) throw error;
			return problemResult(
				event,
				new Problem(
					"invalid_request",
					`The request cannot be read: ${error.message}.`,
				),
			);
		}
		const result = await resultOf(await app.fetch(request));
		return fits(result) ? result : tooLarge(event, result);
	};
}

function requestOf(event: APIGatewayProxyEventV2): Request {
	const { domainName, http } = event.requestContext;
	const query = event.rawQueryString === "" ? "" : `?${event.rawQueryString}`;
	const headers = new Headers();
	for (const [name, value] of Object.entries(event.headers)) {
		if (value !== undefined) headers.set(name, value);
	}
	if (event.cookies !== undefined) {
		headers.set("cookie", event.cookies.join("; "));
	}
	// RFC 9110 section 9.3.1: the body of a GET means nothing, and `Request` takes none.
	const isRead = http.method === "GET" || http.method === "HEAD";
	const body = isRead ? "" : (event.body ?? "");
	return new Request(`https://${domainName}${event.rawPath}${query}`, {
		method: http.method,
		headers,
		...(body === ""
			? {}
			: { body: Buffer.from(body, event.isBase64Encoded ? "base64" : "utf8") }),
	});
}

async function resultOf(
	response: Response,
): Promise<APIGatewayProxyStructuredResultV2> {
	const body = Buffer.from(await response.arrayBuffer());
	const isText = TEXT.test(response.headers.get("content-type") ?? "text/");
	const headers = Object.fromEntries(
		[...response.headers].filter(([name]) => name !== "set-cookie"),
	);
	return {
		statusCode: response.status,
		headers,
		cookies: response.headers.getSetCookie(),
		body: body.toString(isText ? "utf8" : "base64"),
		isBase64Encoded: !isText,
	};
}

function fits(result: APIGatewayProxyStructuredResultV2): boolean {
	const { body = "" } = result;
	// Escaped, a character of JSON takes 6 bytes at most.
	if (body.length * 6 < MAX_RESULT_BYTES / 2) return true;
	return Buffer.byteLength(JSON.stringify(result)) <= MAX_RESULT_BYTES;
}

function tooLarge(
	event: APIGatewayProxyEventV2,
	result: APIGatewayProxyStructuredResultV2,
): APIGatewayProxyStructuredResultV2 {
	const problem = new Problem(
		"range_too_wide",
		"The answer has more than the 6 MB that can be sent here; ask for less at a time: a smaller `limit`, a shorter range or fewer channels.",
	);
	return problemResult(event, problem, result.headers);
}

function problemResult(
	event: APIGatewayProxyEventV2,
	problem: Problem,
	headers: APIGatewayProxyStructuredResultV2["headers"] = {},
): APIGatewayProxyStructuredResultV2 {
	return {
		statusCode: problem.status,
		headers: { ...headers, "content-type": PROBLEM_MEDIA_TYPE },
		body: problemText(problem, event.rawPath),
		isBase64Encoded: false,
	};
}
