/** Delivers by e-mail: one message to one address, by SMTP (RFC 5321) to the server that is configured. */
import { createHash } from "node:crypto";
import type { NodemailerError } from "nodemailer/lib/errors";
import MailComposer from "nodemailer/lib/mail-composer";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { isEmailAddress } from "../../core/alerts/email-address.ts";
import { oneLine, plainText } from "../../core/alerts/message-text.ts";
import {
	DELIVERED,
	failed,
	retry,
	unsupported,
} from "../../core/alerts/outcomes.ts";
import type {
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
} from "../../core/alerts/ports.ts";
import type { SmtpConfig } from "./config.ts";

export interface SmtpOptions {
	readonly config: SmtpConfig;
	/** From looking the server up to its having the message, ms. */
	readonly timeoutMs: number;
}

export class SmtpNotifier implements Notifier {
	readonly kinds = ["email"] as const;
	readonly #options: SmtpOptions;

	constructor(options: SmtpOptions) {
		this.#options = options;
	}

	async deliver(
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome> {
		if (target.type !== "email") return unsupported(target.type);
		const { address } = target;
		if (!isEmailAddress(address)) {
			return failed(`${oneLine(address, 80)} is not an e-mail address.`);
		}
		const { config } = this.#options;
		const message = await compose(config.from, address, notification);
		try {
			await send(this.#options, address, message);
			return DELIVERED;
		} catch (error) {
			return smtpOutcome(config.host, error as NodemailerError);
		}
	}
}

/** The whole message (RFC 5322). */
function compose(
	from: SmtpConfig["from"],
	address: string,
	notification: Notification,
): Promise<Buffer> {
	return new MailComposer({
		from: { ...from },
		to: { name: "", address },
		subject: oneLine(notification.subject),
		text: plainText(notification),
		messageId: messageId(from.address, address, notification),
		// RFC 3834: nobody's absence is to be told to an alert.
		headers: { "Auto-Submitted": "auto-generated" },
		disableFileAccess: true,
		disableUrlAccess: true,
	})
		.compile()
		.build();
}

/** The same for the same event to the same address, so that what is sent twice can be shown once. */
function messageId(
	from: string,
	address: string,
	{ event }: Notification,
): string {
	const local = createHash("sha256")
		.update(`${event.id} ${address}`)
		.digest("hex")
		.slice(0, 32);
	return `<${local}@${from.slice(from.lastIndexOf("@") + 1)}>`;
}

function send(
	{ config, timeoutMs }: SmtpOptions,
	address: string,
	message: Buffer,
): Promise<void> {
	const connection = new SMTPConnection({
		host: config.host,
		port: config.port,
		secure: config.security === "tls",
		requireTLS: config.security === "starttls",
		ignoreTLS: config.security === "none",
		tls: {
			minVersion: "TLSv1.2",
			...(config.ca === null ? {} : { ca: config.ca }),
		},
		connectionTimeout: timeoutMs,
		greetingTimeout: timeoutMs,
		socketTimeout: timeoutMs,
		dnsTimeout: timeoutMs,
		socketCloseTimeout: 0,
		// A server's whole answer is kept in memory.
		maxResponseSize: 65_536,
	});
	return new Promise((resolve, reject) => {
		// A server that sends a byte now and then is never idle for long, and never done.
		const deadline = setTimeout(
			() => fail(new Error("It took too long.")),
			timeoutMs,
		);
		const fail = (error: Error): void => {
			clearTimeout(deadline);
			reject(error);
			connection.close();
		};
		const done = (): void => {
			resolve();
			// What is still to say is no part of the delivery; the deadline ends it, too.
			deadline.unref();
			connection.quit();
		};
		connection.on("error", fail);
		// Where it was closed with an answer, that is told first; not so after a 421, of which this is all there is.
		connection.once("end", () => setImmediate(fail, closedError(connection)));
		const deliver = (): void =>
			connection.send(
				{ from: config.from.address, to: [address] },
				message,
				(error) => (error ? fail(error) : done()),
			);
		connection.connect((error) => {
			if (error) return fail(error);
			const { login } = config;
			if (login === null) return deliver();
			connection.login(
				{ credentials: { user: login.user, pass: login.password } },
				(refused) => (refused ? fail(refused) : deliver()),
			);
		});
	});
}

function closedError({ lastServerResponse }: SMTPConnection): Error {
	const response = lastServerResponse || "";
	const responseCode = Number(/^[45]\d\d/.exec(response)?.[0] ?? 0);
	const error = new Error("The connection was closed.");
	return Object.assign(error, { response, responseCode });
}

/**
 * RFC 5321 section 4.2.1: 4yz is for now, 5yz is for good. A password that is refused says nothing of the message, and can
 * be mended: it counts as for now. So does what kept the conversation from taking place at all.
 */
function smtpOutcome(host: string, error: NodemailerError): DeliveryOutcome {
	const { responseCode } = error;
	const command = String(error.command ?? "");
	if (error.code === "EAUTH" || command.startsWith("AUTH")) {
		// Nothing of what was said: it may repeat what it was told.
		return retry(
			`${host} does not take the user and password of this cloud${responseCode ? ` (${responseCode})` : ""}.`,
		);
	}
	const isOfMessage = error.code !== "ETLS" && command !== "STARTTLS";
	if (isOfMessage && typeof responseCode === "number" && responseCode >= 400) {
		const said = oneLine(String(error.response ?? responseCode), 300);
		return responseCode >= 500
			? failed(`${host} refused the message: ${said}.`)
			: retry(`${host} does not take the message now: ${said}.`);
	}
	return retry(
		`${host} could not be given the message: ${oneLine(error.message, 300).replace(/\.$/, "")}.`,
	);
}
