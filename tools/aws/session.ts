/**
 * Who the command is for the API on AWS: tokens of the stack's user pool, in a file that its owner alone may read, and
 * renewed when they end.
 */
import {
	chmodSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { AwsError } from "./errors.ts";
import { type PoolClient, renewTokens, type Tokens } from "./tokens.ts";

export interface AwsSession extends PoolClient, Tokens {
	/** Of the API, without a slash at the end. */
	readonly apiUrl: string;
}

/** A token is renewed when less is left of it, so that it does not end under way. */
const RENEW_BEFORE_MS = 60_000;

const SIGN_IN = "Sign in with `thinghz signin --target aws`.";

/** `$XDG_CONFIG_HOME/thinghz/aws-session.json`: https://specifications.freedesktop.org/basedir-spec/ */
export function sessionFile(env: NodeJS.ProcessEnv = process.env): string {
	const base = env.XDG_CONFIG_HOME ?? "";
	return join(
		base === "" ? join(homedir(), ".config") : base,
		"thinghz",
		"aws-session.json",
	);
}

export function saveSession(path: string, session: AwsSession): void {
	mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
	const temporary = `${path}.${process.pid}.tmp`;
	writeFileSync(temporary, `${JSON.stringify(session, null, "\t")}\n`, {
		mode: 0o600,
	});
	chmodSync(temporary, 0o600);
	renameSync(temporary, path);
}

/** @returns whether there was one */
export function removeSession(path: string): boolean {
	try {
		rmSync(path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
		throw error;
	}
}

/**
 * The session, with a token that is good for a while.
 * @throws AwsError when nobody has signed in, or the sign-in has ended
 */
export async function openSession(
	path: string,
	nowMs: number,
): Promise<AwsSession> {
	const session = readSession(path);
	if (session.expiresMs - RENEW_BEFORE_MS > nowMs) return session;
	const renewed = {
		...session,
		...(await renewTokens(session, session.refreshToken, nowMs)),
	};
	saveSession(path, renewed);
	return renewed;
}

function readSession(path: string): AwsSession {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
			throw new AwsError(`Nobody has signed in here. ${SIGN_IN}`, { cause });
		}
		throw cause;
	}
	try {
		const session = JSON.parse(text) as AwsSession;
		const texts = [
			session.apiUrl,
			session.signInUrl,
			session.clientId,
			session.accessToken,
			session.refreshToken,
		];
		if (
			texts.every((one) => typeof one === "string") &&
			Number.isFinite(session.expiresMs)
		) {
			return session;
		}
	} catch (cause) {
		throw new AwsError(`${path} is damaged. ${SIGN_IN}`, { cause });
	}
	throw new AwsError(`${path} is not a session. ${SIGN_IN}`);
}
