/**
 * A stand-in for the shadows of AWS IoT's data plane, made from the shapes of its API reference, for want of an account: it
 * answers over HTTP as the SDK asks, with the shadows of this cloud's own service behind it. It proves that we speak the
 * protocol as documented, not that AWS does.
 * https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT_Data_Plane.html
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { MemoryShadows } from "../../core/fakes/memory-shadows.ts";
import type { JsonValue } from "../../core/shadows/document.ts";
import { ShadowError } from "../../core/shadows/errors.ts";
import { parseJson, readUpdate } from "../../core/shadows/request.ts";
import { Shadows } from "../../core/shadows/shadows.ts";

/** By which the SDK knows which error it is: header `x-amzn-errortype`. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
	400: "InvalidRequestException",
	404: "ResourceNotFoundException",
	409: "ConflictException",
	413: "RequestEntityTooLargeException",
	415: "UnsupportedDocumentEncodingException",
};

/** Smaller than AWS's 25, so that lists have pages. */
const PAGE = 2;

export interface IotDataPlane {
	readonly url: string;
	/** "GET /things/boiler/shadow?name=config", in the order they came. */
	readonly asked: string[];
	/** Answers the next request with this error instead of doing it. */
	failNext(status: number, error: string): void;
	close(): Promise<void>;
}

interface Answer {
	readonly status: number;
	readonly body: unknown;
	readonly error?: string;
}

export async function startIotDataPlane(): Promise<IotDataPlane> {
	const asked: string[] = [];
	let failure: Answer | null = null;
	const shadows = new Shadows({
		store: new MemoryShadows(),
		clock: { nowMs: () => Date.now() },
		sender: { send: async () => undefined },
	});

	async function answerTo(
		method: string,
		url: URL,
		body: Uint8Array,
	): Promise<Answer> {
		const [, first, second = "", third, fourth, fifth = ""] =
			url.pathname.split("/");
		if (
			method === "GET" &&
			`${first}/${second}/${third}/${fourth}` ===
				"api/things/shadow/ListNamedShadowsForThing"
		) {
			const names = await shadows.names(decodeURIComponent(fifth));
			const from = Number(url.searchParams.get("nextToken") ?? 0);
			const rest = names.length > from + PAGE;
			return {
				status: 200,
				body: {
					results: names.slice(from, from + PAGE),
					timestamp: Math.floor(Date.now() / 1000),
					...(rest ? { nextToken: String(from + PAGE) } : {}),
				},
			};
		}
		if (first !== "things" || third !== "shadow") {
			return { status: 404, body: {}, error: "UnknownOperationException" };
		}
		const thing = decodeURIComponent(second);
		const name = url.searchParams.get("name") ?? "";
		const result = await done(method, thing, name, body);
		return { status: 200, body: result };
	}

	async function done(
		method: string,
		thing: string,
		name: string,
		body: Uint8Array,
	): Promise<unknown> {
		switch (method) {
			case "GET":
				return shadows.get(thing, name);
			case "POST":
				return shadows.update(thing, name, readUpdate(parseJson(body)));
			default:
				return shadows.delete(thing, name);
		}
	}

	const server = createServer((request, response) => {
		void read(request).then(async (body) => {
			const url = new URL(request.url ?? "/", "http://stub");
			asked.push(`${request.method} ${url.pathname}${url.search}`);
			const failing = failure;
			failure = null;
			const answer =
				failing ??
				(await answerTo(request.method ?? "", url, body).catch(refusal));
			response.writeHead(answer.status, {
				"content-type": "application/json",
				...(answer.error === undefined
					? {}
					: { "x-amzn-errortype": answer.error }),
			});
			response.end(JSON.stringify(answer.body));
		});
	});
	await new Promise<void>((resolve) =>
		server.listen(0, "127.0.0.1", () => resolve()),
	);
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		asked,
		failNext(status, error) {
			failure = { status, body: { message: "injected" }, error };
		},
		close: () => new Promise((resolve) => server.close(() => resolve())),
	};
}

function refusal(error: unknown): Answer {
	if (!(error instanceof ShadowError)) {
		return { status: 500, body: {}, error: "InternalFailureException" };
	}
	const { status, message } = error;
	return {
		status,
		body: { message } satisfies JsonValue,
		error: ERROR_TYPES[status] ?? "InternalFailureException",
	};
}

async function read(request: IncomingMessage): Promise<Uint8Array> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks);
}
