/**
 * `DIR/notify.json`: how this machine reaches people. All of it may be missing: without `smtp` there is no e-mail, and
 * the rest has defaults. docs/notifications.md describes it.
 */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { isEmailAddress } from "../../core/alerts/email-address.ts";
import type { Reach } from "../../node/addresses.ts";

export const NOTIFY_FILE = "notify.json";

/** Says which file and which member of it is wrong, and what it should be. */
export class NotifyConfigError extends Error {
	override readonly name = "NotifyConfigError";
	readonly code = "notify_config";
}

export type SmtpSecurity = "starttls" | "tls" | "none";

export interface SmtpConfig {
	readonly host: string;
	readonly port: number;
	/** "starttls": TLS or nothing, from a plain connection (RFC 3207); "tls": from the first byte (RFC 8314). */
	readonly security: SmtpSecurity;
	readonly from: { readonly name: string; readonly address: string };
	readonly login: { readonly user: string; readonly password: string } | null;
	/** A certificate authority (PEM) to trust instead of the usual ones. */
	readonly ca: string | null;
}

export interface NotifyConfig {
	/** Where people reach the page, without a slash at the end; null when only this machine is known to. */
	readonly page: string | null;
	readonly smtp: SmtpConfig | null;
	readonly webhookReach: Reach;
	/** Whom a push service may ask about our requests (RFC 8292 section 2.1). */
	readonly pushContact: string;
}

/** Good for Mozilla's and Google's push services; Apple's asks for an address that is not of this machine. */
export const DEFAULT_PUSH_CONTACT = "mailto:thinghz@localhost";

const DEFAULT_PORTS: Readonly<Record<SmtpSecurity, number>> = {
	starttls: 587,
	tls: 465,
	none: 25,
};

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

const FileSchema = z.strictObject({
	page: z
		.string()
		.refine(isPageAddress, "an http or https address without ? and #")
		.optional(),
	smtp: z
		.strictObject({
			host: z
				.string()
				.regex(/^[A-Za-z0-9.:-]+$/, "a host's name or address")
				.max(253),
			port: z.int().min(1).max(65_535).optional(),
			security: z.enum(["starttls", "tls", "none"]).optional(),
			from: z
				.string()
				.refine(
					(text) => parseSender(text) !== null,
					"an address, or a name and an address: ThingHz <alerts@example.org>",
				),
			user: z.string().min(1).optional(),
			passwordFile: z.string().min(1).optional(),
			passwordEnv: z.string().min(1).optional(),
			caFile: z.string().min(1).optional(),
		})
		.optional(),
	webhook: z
		.strictObject({ reach: z.enum(["any", "public"]).optional() })
		.optional(),
	push: z
		.strictObject({
			contact: z
				.string()
				.refine(isContact, "mailto: and an address, or an https address")
				.optional(),
		})
		.optional(),
});

type NotifyFile = z.infer<typeof FileSchema>;

/**
 * @param dir the data folder
 * @param env where `passwordEnv` is looked up
 * @throws NotifyConfigError
 */
export function loadNotifyConfig(
	dir: string,
	env: Readonly<Record<string, string | undefined>>,
): NotifyConfig {
	const file = readNotifyFile(join(dir, NOTIFY_FILE));
	const smtp = file.smtp === undefined ? null : readSmtp(dir, file.smtp, env);
	return {
		page: file.page?.replace(/\/+$/, "") ?? null,
		smtp,
		webhookReach: file.webhook?.reach ?? "any",
		pushContact:
			file.push?.contact ??
			(smtp === null ? DEFAULT_PUSH_CONTACT : `mailto:${smtp.from.address}`),
	};
}

function readNotifyFile(path: string): NotifyFile {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
		throw new NotifyConfigError(`${path} cannot be read.`, { cause });
	}
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		throw new NotifyConfigError(
			`${path} is not JSON: ${(cause as Error).message}.`,
			{ cause },
		);
	}
	const result = FileSchema.safeParse(json);
	if (result.success) return result.data;
	const problems = result.error.issues.flatMap((issue) => {
		const at = issue.path.map((key) => `/${String(key)}`).join("");
		return issue.code === "unrecognized_keys"
			? issue.keys.map((key) => `${at}/${key} is not known here`)
			: [`${at === "" ? "the document" : at}: ${issue.message}`];
	});
	throw new NotifyConfigError(`${path}: ${problems.join("; ")}.`, {
		cause: result.error,
	});
}

function readSmtp(
	dir: string,
	smtp: NonNullable<NotifyFile["smtp"]>,
	env: Readonly<Record<string, string | undefined>>,
): SmtpConfig {
	const { host, caFile } = smtp;
	const security = smtp.security ?? "starttls";
	const from = parseSender(smtp.from);
	if (from === null) throw wrong(dir, "from", "is not an address");
	const login = readLogin(dir, smtp, env);
	if (security === "none" && login !== null && !LOOPBACK.test(host)) {
		throw wrong(
			dir,
			"security",
			`"none" would send the password as it is over the network to ${host}: choose "starttls" or "tls"`,
		);
	}
	return {
		host,
		port: smtp.port ?? DEFAULT_PORTS[security],
		security,
		from,
		login,
		ca: caFile === undefined ? null : readBeside(dir, "caFile", caFile),
	};
}

function readLogin(
	dir: string,
	smtp: NonNullable<NotifyFile["smtp"]>,
	env: Readonly<Record<string, string | undefined>>,
): SmtpConfig["login"] {
	const { user, passwordFile, passwordEnv } = smtp;
	if (user === undefined) {
		if (passwordFile === undefined && passwordEnv === undefined) return null;
		throw wrong(dir, "user", "is missing, and a password is given");
	}
	if ((passwordFile === undefined) === (passwordEnv === undefined)) {
		throw wrong(
			dir,
			"user",
			"needs its password from either passwordFile or passwordEnv",
		);
	}
	if (passwordFile !== undefined) {
		const password = readBeside(dir, "passwordFile", passwordFile);
		requirePrivate(dir, resolve(dir, passwordFile));
		return { user, password: password.replace(/\r?\n$/, "") };
	}
	const password = env[passwordEnv ?? ""];
	if (password === undefined || password === "") {
		throw wrong(
			dir,
			"passwordEnv",
			`names ${passwordEnv}, which the environment does not have`,
		);
	}
	return { user, password };
}

function readBeside(dir: string, member: string, name: string): string {
	try {
		return readFileSync(resolve(dir, name), "utf8");
	} catch (cause) {
		throw wrong(
			dir,
			member,
			`names ${resolve(dir, name)}, which cannot be read`,
			cause,
		);
	}
}

function requirePrivate(dir: string, path: string): void {
	if ((statSync(path).mode & 0o077) === 0) return;
	throw wrong(
		dir,
		"passwordFile",
		`names ${path}, which others may read: chmod 600 ${path}`,
	);
}

function wrong(
	dir: string,
	member: string,
	what: string,
	cause?: unknown,
): NotifyConfigError {
	return new NotifyConfigError(
		`${join(dir, NOTIFY_FILE)}: /smtp/${member} ${what}.`,
		{ cause },
	);
}

/** `ADDRESS` or `NAME <ADDRESS>`. */
function parseSender(text: string): SmtpConfig["from"] | null {
	const named = /^([^<>\p{Cc}]*)<([^<>]*)>$/u.exec(text.trim());
	const name = named?.[1]?.trim() ?? "";
	const address = (named?.[2] ?? text).trim();
	return isEmailAddress(address) ? { name, address } : null;
}

function isPageAddress(text: string): boolean {
	if (!URL.canParse(text) || /[?#]/.test(text)) return false;
	return ["http:", "https:"].includes(new URL(text).protocol);
}

function isContact(text: string): boolean {
	if (text.startsWith("mailto:")) return isEmailAddress(text.slice(7));
	return URL.canParse(text) && new URL(text).protocol === "https:";
}
