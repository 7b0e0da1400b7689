/** `thinghz signin --target aws`: signs the command in to the API of the stack, by the browser. */
import { CLI_REDIRECT } from "../../cloud/aws/names.ts";
import { startBrowserSignIn } from "../aws/browser-sign-in.ts";
import {
	openSession,
	removeSession,
	saveSession,
	sessionFile,
} from "../aws/session.ts";
import { readStackOutputs, requireOutput } from "../aws/stack-outputs.ts";
import { printJson, printMessage } from "./output.ts";

export interface AwsSignInOptions {
	/** Print a token instead, which another program can use. */
	readonly token?: boolean;
	readonly json?: boolean;
}

/** @throws AwsError */
export async function signInOnAws(options: AwsSignInOptions): Promise<void> {
	const path = sessionFile();
	if (options.token) {
		const { accessToken, expiresMs } = await openSession(path, Date.now());
		const expires = new Date(expiresMs).toISOString();
		if (options.json) printJson({ token: accessToken, expires });
		else process.stdout.write(`${accessToken}\n`);
		return;
	}
	const outputs = await readStackOutputs();
	const client = {
		signInUrl: requireOutput(outputs, "signInUrl"),
		clientId: requireOutput(outputs, "cliClientId"),
	};
	const apiUrl = requireOutput(outputs, "apiUrl");
	const signIn = await startBrowserSignIn(client, CLI_REDIRECT);
	process.once("SIGINT", () => signIn.close());
	printMessage(
		`Open this page in a browser of this machine, and sign in:\n  ${signIn.url}`,
	);
	const tokens = await signIn.tokens;
	saveSession(path, { apiUrl, ...client, ...tokens });
	if (options.json) printJson({ session: path, apiUrl });
	else printMessage(`Signed in to ${apiUrl}. The session is in ${path}.`);
}

/** Forgets the session that is kept here. */
export function signOutOnAws(options: AwsSignInOptions): void {
	const removed = removeSession(sessionFile());
	if (options.json) printJson({ signedOut: removed });
	else printMessage(removed ? "Signed out." : "Nobody was signed in here.");
}
