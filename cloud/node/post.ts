/** `Post` on Node, for one machine and for Lambda: with a deadline, without redirects, and not to every address. */
import { lookup } from "node:dns";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import {
	type Post,
	type PostAnswer,
	PostError,
	type PostRequest,
	parseRetryAfter,
} from "../core/alerts/http-post.ts";
import { mayCall, type Reach } from "./addresses.ts";

export interface PostOptions {
	/** From looking the name up to the answer's headers, ms. */
	readonly timeoutMs: number;
	readonly reach: Reach;
	/** A certificate authority (PEM) to trust instead of those that Node brings along. */
	readonly ca?: string;
}

export function nodePost(options: PostOptions): Post {
	return (request) => post(request, options);
}

async function post(
	{ url, headers, body }: PostRequest,
	{ timeoutMs, reach, ca }: PostOptions,
): Promise<PostAnswer> {
	const host = url.hostname.replace(/^\[|\]$/g, "");
	// Node looks up no address that is written out.
	if (isIP(host) !== 0 && !mayCall(host, reach)) throw refused(url);
	const send = url.protocol === "https:" ? requestHttps : requestHttp;
	const deadline = AbortSignal.timeout(timeoutMs);
	return new Promise((resolve, reject) => {
		const request = send(
			url,
			{
				method: "POST",
				headers: { ...headers, "Content-Length": body.length },
				// A connection is not kept for the next alert, which may be days away.
				agent: false,
				lookup: guardedLookup(url, reach),
				signal: deadline,
				...(ca === undefined ? {} : { ca }),
			},
			(response) => {
				resolve(readAnswer(response));
				// What it says beyond its headers is of no use here, and may have no end.
				response.destroy();
			},
		);
		request.on("error", (error) => reject(postError(url, error, deadline)));
		request.end(body);
	});
}

function readAnswer(response: IncomingMessage): PostAnswer {
	return {
		status: response.statusCode ?? 0,
		retryAfterMs: parseRetryAfter(response.headers["retry-after"], Date.now()),
	};
}

/** Judges the very addresses that are then connected to: a name cannot lead elsewhere the second time it is looked up. */
function guardedLookup(url: URL, reach: Reach): LookupFunction {
	return (hostname, options, callback) => {
		lookup(hostname, { ...options, all: true }, (error, addresses) => {
			if (error !== null) return callback(error, []);
			if (addresses.some(({ address }) => !mayCall(address, reach))) {
				return callback(refused(url), []);
			}
			const [first] = addresses;
			if (options.all === true || first === undefined) {
				return callback(null, addresses);
			}
			callback(null, first.address, first.family);
		});
	};
}

function refused(url: URL): PostError {
	return new PostError(
		"address_refused",
		`${url.host} leads to an address that this cloud does not call.`,
	);
}

function postError(url: URL, cause: Error, deadline: AbortSignal): PostError {
	if (cause instanceof PostError) return cause;
	if (deadline.aborted) {
		return new PostError("timed_out", `${url.host} did not answer in time.`, {
			cause,
		});
	}
	const code = "code" in cause ? String(cause.code) : cause.message;
	return new PostError(
		"unreachable",
		`${url.host} could not be reached (${code}).`,
		{ cause },
	);
}
