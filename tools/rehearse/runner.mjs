/**
 * Runs one bundle in a process of its own, as Lambda's Node runtime does: loads the module once, then hands it one event
 * after another. Plain JavaScript, so that nothing but the bundle is compiled, and nothing but its own environment is
 * there. What would leave the machine is led to the rehearsal's stand-ins or refused.
 *
 * Arguments: the bundle, the name of its handler, and a JSON object of origins ("https://host") with those that stand
 * in for them.
 */
import net from "node:net";
import { format } from "node:util";

const [, , bundle = "", handlerName = "", origins = "{}"] = process.argv;
/** @type {Record<string, string>} */
const standIns = JSON.parse(origins);

// As the runtime does where a function logs as JSON: a line each, an object as what it is.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
for (const [method, level] of /** @type {const} */ ([
	["debug", "DEBUG"],
	["log", "INFO"],
	["info", "INFO"],
	["warn", "WARN"],
	["error", "ERROR"],
])) {
	console[method] = (/** @type {unknown[]} */ ...given) => {
		const [first] = given;
		const message =
			given.length === 1 && typeof first === "object"
				? first
				: format(...given);
		const timestamp = new Date().toISOString();
		process.stdout.write(`${JSON.stringify({ timestamp, level, message })}\n`);
	};
}

/** @param {unknown} host */
const isLoopback = (host) =>
	host === undefined ||
	/^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(String(host));

const connect = net.Socket.prototype.connect;
/** @param {unknown[]} given */
net.Socket.prototype.connect = function (...given) {
	const [first] = Array.isArray(given[0]) ? given[0] : given;
	const host =
		typeof first === "object" && first !== null && "host" in first
			? first.host
			: undefined;
	if (!isLoopback(host)) {
		this.destroy(new Error(`A rehearsal lets nothing out, not to ${host}.`));
		return this;
	}
	return Reflect.apply(connect, this, given);
};

const realFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
	const url = new URL(input instanceof Request ? input.url : String(input));
	const standIn = standIns[url.origin];
	if (standIn === undefined) return realFetch(input, init);
	const to = new URL(url.pathname + url.search, standIn);
	return realFetch(
		input instanceof Request ? new Request(to, input) : to,
		init,
	);
};

/** @param {unknown} error */
const told = (error) => ({
	type: error instanceof Error ? error.name : typeof error,
	message: error instanceof Error ? error.message : String(error),
	stack: error instanceof Error ? error.stack : undefined,
});

/** @param {unknown} message */
const tell = (message) => process.send?.(message);

/** @type {((event: unknown, context: unknown) => unknown) | undefined} */
let handler;
try {
	handler = (await import(bundle))[handlerName];
	if (typeof handler !== "function") {
		throw new Error(`The bundle has no function named ${handlerName}.`);
	}
	tell({ ready: true });
} catch (error) {
	tell({ initError: told(error) });
}

process.on("message", async (/** @type {any} */ { id, event, context }) => {
	const { deadlineMs, ...rest } = context;
	try {
		const result = await handler?.(event, {
			...rest,
			callbackWaitsForEmptyEventLoop: true,
			getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
		});
		tell({ id, result: JSON.stringify(result) ?? "null" });
	} catch (error) {
		tell({ id, error: told(error) });
	}
});
