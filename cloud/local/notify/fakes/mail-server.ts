/** A real SMTP server (`smtp-server`) under a test's control, whose mail is read by a parser of others (`mailparser`). */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

export interface ReceivedMail {
	/** Of the envelope: who it really goes to. */
	readonly to: readonly string[];
	readonly from: string;
	readonly user: string | null;
	readonly encrypted: boolean;
	readonly mail: ParsedMail;
	readonly source: string;
}

/** At which step something other than consent is answered. */
export type MailStep = "connect" | "auth" | "from" | "to" | "data";

export interface MailServerOptions {
	readonly tls?: { readonly key: string; readonly cert: string };
	/** TLS from the first byte. */
	readonly secure?: boolean;
	readonly startTls?: boolean;
	readonly login?: { readonly user: string; readonly password: string };
}

export class MailServer {
	readonly received: ReceivedMail[] = [];
	/** What is answered at a step, by code; "nothing" leaves the client waiting. */
	answers: Partial<Record<MailStep, number | "nothing">> = {};
	readonly #server: SMTPServer;

	constructor(options: MailServerOptions = {}) {
		const { tls, secure = false, startTls = false, login } = options;
		this.#server = new SMTPServer({
			...tls,
			secure,
			disabledCommands: [
				...(startTls ? [] : ["STARTTLS"]),
				...(login === undefined ? ["AUTH"] : []),
			],
			authOptional: login === undefined,
			allowInsecureAuth: true,
			disableReverseLookup: true,
			closeTimeout: 10,
			logger: false,
			onConnect: (_session, done) => this.#answer("connect", done),
			onAuth: (given, _session, done) => {
				const right =
					given.username === login?.user && given.password === login?.password;
				if (!right) {
					return done(
						withCode(535, `no ${given.username}:${given.password} here`),
					);
				}
				this.#answer("auth", (error) =>
					done(error, { user: given.username ?? "" }),
				);
			},
			onMailFrom: (_address, _session, done) => this.#answer("from", done),
			onRcptTo: (_address, _session, done) => this.#answer("to", done),
			onData: (stream, session, done) => {
				void this.#take(stream, session).then((mail) =>
					this.#answer("data", (error) => {
						if (!error) this.received.push(mail);
						done(error);
					}),
				);
			},
		});
		// Of connections that a client cuts off: what came of it is the client's to tell.
		this.#server.on("error", () => undefined);
	}

	async listen(): Promise<this> {
		this.#server.listen(0, "127.0.0.1");
		await once(this.#server.server, "listening");
		return this;
	}

	get port(): number {
		return (this.#server.server.address() as AddressInfo).port;
	}

	close(): Promise<void> {
		return new Promise((resolve) => {
			if (!this.#server.server.listening) return resolve();
			this.#server.close(() => resolve());
		});
	}

	#answer(step: MailStep, done: (error?: Error | null) => void): void {
		const answer = this.answers[step];
		if (answer === "nothing") return;
		done(answer === undefined ? null : withCode(answer, `not at ${step}`));
	}

	async #take(
		stream: Parameters<NonNullable<SMTPServerOptions["onData"]>>[0],
		session: Parameters<NonNullable<SMTPServerOptions["onData"]>>[1],
	): Promise<ReceivedMail> {
		const chunks: Buffer[] = [];
		for await (const chunk of stream) chunks.push(chunk as Buffer);
		const source = Buffer.concat(chunks);
		const { mailFrom, rcptTo } = session.envelope;
		return {
			to: rcptTo.map(({ address }) => address),
			from: mailFrom === false ? "" : mailFrom.address,
			user: session.user ?? null,
			encrypted: session.secure,
			mail: await simpleParser(source),
			source: source.toString(),
		};
	}
}

function withCode(responseCode: number, message: string): Error {
	return Object.assign(new Error(message), { responseCode });
}
