/**
 * Signs a person in by their browser, as OAuth 2.0 for native apps has it (RFC 8252): the code comes back to a port of
 * this machine (section 7.3), and only who asked for it can use it (PKCE, RFC 7636).
 */
import { createHash, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { AwsError } from "./errors.ts";
import { exchangeCode, type PoolClient, type Tokens } from "./tokens.ts";

export interface BrowserSignIn {
	/** To be opened in a browser. */
	readonly url: string;
	/** Resolves when the person has signed in. @throws AwsError when that failed, or took too long */
	readonly tokens: Promise<Tokens>;
	/** Waits no longer. */
	close(): void;
}

/** How long somebody may take to sign in. */
const PATIENCE_MS = 300_000;

/**
 * @param redirectUri an address of this machine that the pool's client knows: `http://localhost:PORT/PATH`
 * @throws AwsError when its port cannot be had
 */
export async function startBrowserSignIn(
	client: PoolClient,
	redirectUri: string,
	patienceMs: number = PATIENCE_MS,
): Promise<BrowserSignIn> {
	const state = randomBytes(16).toString("base64url");
	const verifier = randomBytes(32).toString("base64url");
	const challenge = createHash("sha256").update(verifier).digest("base64url");
	const url = new URL(`${client.signInUrl}/oauth2/authorize`);
	url.search = new URLSearchParams({
		response_type: "code",
		client_id: client.clientId,
		redirect_uri: redirectUri,
		scope: "openid",
		state,
		code_challenge: challenge,
		code_challenge_method: "S256",
	}).toString();

	const waiting = deferred<string>();
	const server = createServer((request, response) => {
		const asked = new URL(request.url ?? "/", redirectUri);
		const answer = (status: number, text: string) => {
			response.writeHead(status, {
				"content-type": "text/plain; charset=utf-8",
				connection: "close",
			});
			response.end(`${text}\n`);
		};
		if (asked.pathname !== new URL(redirectUri).pathname) {
			return answer(404, "There is nothing here.");
		}
		// Somebody else's page could send a browser here, with a code of their own.
		if (asked.searchParams.get("state") !== state) {
			return answer(400, "This sign-in was not begun here.");
		}
		const code = asked.searchParams.get("code");
		if (code === null) {
			const error = asked.searchParams.get("error_description") ?? "no code";
			answer(400, `Signing in failed: ${error}`);
			return waiting.reject(new AwsError(`Signing in failed: ${error}.`));
		}
		answer(200, "Signed in. You can close this page.");
		waiting.resolve(code);
	});
	await listen(server, redirectUri);
	const timer = setTimeout(
		() =>
			waiting.reject(
				new AwsError("Nobody has signed in for five minutes. Try again."),
			),
		patienceMs,
	);
	const tokens = waiting.promise
		.finally(() => {
			clearTimeout(timer);
			server.close();
		})
		.then((code) =>
			exchangeCode(client, { code, redirectUri, verifier }, Date.now()),
		);
	return {
		url: url.href,
		tokens,
		close: () => waiting.reject(new AwsError("Signing in was called off.")),
	};
}

interface Deferred<T> {
	readonly promise: Promise<T>;
	resolve(value: T): void;
	reject(error: Error): void;
}

function deferred<T>(): Deferred<T> {
	let resolve: (value: T) => void = () => undefined;
	let reject: (error: Error) => void = () => undefined;
	const promise = new Promise<T>((onValue, onError) => {
		resolve = onValue;
		reject = onError;
	});
	return { promise, resolve, reject };
}

/** On loopback alone (RFC 8252, section 8.3). */
function listen(server: Server, redirectUri: string): Promise<void> {
	const port = Number(new URL(redirectUri).port);
	return new Promise((resolve, reject) => {
		server.once("error", (cause: NodeJS.ErrnoException) => {
			reject(
				new AwsError(
					`Port ${port} of this machine, to which the browser comes back, cannot be had (${cause.code}): end what uses it, and try again.`,
					{ cause },
				),
			);
		});
		server.listen(port, "localhost", resolve);
	});
}
