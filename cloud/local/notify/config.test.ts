import assert from "node:assert/strict";
import {
	chmodSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	loadNotifyConfig,
	NOTIFY_FILE,
	type NotifyConfig,
	NotifyConfigError,
} from "./config.ts";
import {
	loadPushKeys,
	loadWebhookSecret,
	NotifySecretError,
	PUSH_KEYS_FILE,
	WEBHOOK_SECRET_FILE,
} from "./secrets.ts";

const SMTP = { host: "mail.example.org", from: "alerts@example.org" };

describe("notify.json", () => {
	let dir = "";

	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-notify-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	function load(file: unknown, env: Record<string, string> = {}): NotifyConfig {
		const text = typeof file === "string" ? file : JSON.stringify(file);
		writeFileSync(join(dir, NOTIFY_FILE), text);
		return loadNotifyConfig(dir, env);
	}

	function password(text: string, mode = 0o600): string {
		writeFileSync(join(dir, "smtp-password"), text);
		chmodSync(join(dir, "smtp-password"), mode);
		return "smtp-password";
	}

	it("may be missing", () => {
		assert.deepEqual(loadNotifyConfig(dir, {}), {
			page: null,
			smtp: null,
			webhookReach: "any",
			pushContact: "mailto:thinghz@localhost",
		});
	});

	it("needs a host and a sender for e-mail, and asks for TLS unless told otherwise", () => {
		const config = load({ smtp: SMTP });
		assert.deepEqual(config.smtp, {
			host: "mail.example.org",
			port: 587,
			security: "starttls",
			from: { name: "", address: "alerts@example.org" },
			login: null,
			ca: null,
		});
		assert.equal(config.pushContact, "mailto:alerts@example.org");
	});

	it("knows the ports that belong to each kind of security", () => {
		for (const [security, port] of [
			["tls", 465],
			["starttls", 587],
			["none", 25],
		] as const) {
			assert.equal(load({ smtp: { ...SMTP, security } }).smtp?.port, port);
		}
	});

	it("takes all there is to say", () => {
		writeFileSync(join(dir, "ca.pem"), "PEM");
		assert.deepEqual(
			load({
				page: "https://thinghz.example.org/",
				smtp: {
					...SMTP,
					from: "Freezers <alerts@example.org>",
					port: 2525,
					security: "tls",
					user: "alerts",
					passwordFile: password("secret\n"),
					caFile: "ca.pem",
				},
				webhook: { reach: "public" },
				push: { contact: "https://example.org/contact" },
			}),
			{
				page: "https://thinghz.example.org",
				smtp: {
					host: "mail.example.org",
					port: 2525,
					security: "tls",
					from: { name: "Freezers", address: "alerts@example.org" },
					login: { user: "alerts", password: "secret" },
					ca: "PEM",
				},
				webhookReach: "public",
				pushContact: "https://example.org/contact",
			},
		);
	});

	it("takes a password from the environment", () => {
		const smtp = { ...SMTP, user: "alerts", passwordEnv: "SMTP_PASSWORD" };
		const config = load({ smtp }, { SMTP_PASSWORD: "secret" });
		assert.equal(config.smtp?.login?.password, "secret");
	});

	it("lets a password go unencrypted to this machine only", () => {
		const smtp = { ...SMTP, security: "none", user: "u", passwordEnv: "P" };
		const env = { P: "secret" };
		assert.ok(load({ smtp: { ...smtp, host: "localhost" } }, env).smtp);
		assert.throws(() => load({ smtp }, env), isWrong(/\/smtp\/security/));
	});

	function isWrong(pattern: RegExp): (error: unknown) => boolean {
		return (error) => {
			assert.ok(error instanceof NotifyConfigError, String(error));
			assert.ok(error.message.includes(join(dir, NOTIFY_FILE)), error.message);
			assert.match(error.message, pattern);
			assert.match(error.message, /\.$/);
			assert.doesNotMatch(error.message, /hunter2/);
			return true;
		};
	}

	for (const [what, file, pattern] of [
		["what is no JSON", "{", /not JSON/],
		["what is no object", "[]", /the document/],
		["null", "null", /the document/],
		["a member that is not known", { smpt: {} }, /\/smpt is not known/],
		[
			"a member of a member that is not known",
			{ smtp: { ...SMTP, password: "hunter2" } },
			/\/smtp\/password is not known/,
		],
		["e-mail without a host", { smtp: { from: SMTP.from } }, /\/smtp\/host/],
		["e-mail without a sender", { smtp: { host: "a" } }, /\/smtp\/from/],
		["a host with a port", { smtp: { ...SMTP, host: "a b" } }, /\/smtp\/host/],
		["port 0", { smtp: { ...SMTP, port: 0 } }, /\/smtp\/port/],
		["a port in quotes", { smtp: { ...SMTP, port: "25" } }, /\/smtp\/port/],
		[
			"a kind of security that there is not",
			{ smtp: { ...SMTP, security: "ssl" } },
			/\/smtp\/security/,
		],
		[
			"a sender that would end its header",
			{ smtp: { ...SMTP, from: "A\r\nBcc: b@c.d <a@b.c>" } },
			/\/smtp\/from/,
		],
		[
			"two senders",
			{ smtp: { ...SMTP, from: "a@b.c, d@e.f" } },
			/\/smtp\/from/,
		],
		[
			"a user without a password",
			{ smtp: { ...SMTP, user: "u" } },
			/\/smtp\/user/,
		],
		[
			"a password without a user",
			{ smtp: { ...SMTP, passwordEnv: "P" } },
			/\/smtp\/user/,
		],
		[
			"two passwords",
			{ smtp: { ...SMTP, user: "u", passwordEnv: "P", passwordFile: "f" } },
			/either/,
		],
		[
			"a password that the environment does not have",
			{ smtp: { ...SMTP, user: "u", passwordEnv: "NOT_THERE" } },
			/NOT_THERE/,
		],
		[
			"a password in a file that is not there",
			{ smtp: { ...SMTP, user: "u", passwordFile: "nowhere" } },
			/\/smtp\/passwordFile.*nowhere/,
		],
		[
			"an authority in a file that is not there",
			{ smtp: { ...SMTP, caFile: "nowhere" } },
			/\/smtp\/caFile/,
		],
		["a page that is no address", { page: "thinghz" }, /\/page/],
		["a page with a fragment", { page: "https://a/#/x" }, /\/page/],
		["a page of another kind", { page: "ftp://a/" }, /\/page/],
		[
			"a reach that there is not",
			{ webhook: { reach: "all" } },
			/\/webhook\/reach/,
		],
		["a contact that is none", { push: { contact: "me" } }, /\/push\/contact/],
		[
			"a contact over plain http",
			{ push: { contact: "http://example.org" } },
			/\/push\/contact/,
		],
	] as const) {
		it(`refuses ${what}`, () => {
			assert.throws(() => load(file), isWrong(pattern));
		});
	}

	it("refuses a password that others may read, and does not say it", () => {
		const passwordFile = password("hunter2", 0o644);
		assert.throws(
			() => load({ smtp: { ...SMTP, user: "u", passwordFile } }),
			isWrong(/chmod 600/),
		);
	});

	describe("and what is kept beside it", () => {
		it("is made once, for its owner's eyes only, and stays", () => {
			const secret = loadWebhookSecret(dir);
			const keys = loadPushKeys(dir);
			assert.match(secret, /^[\w-]{43}$/);
			assert.equal(Buffer.from(keys.publicKey, "base64url").length, 65);
			assert.equal(loadWebhookSecret(dir), secret);
			assert.deepEqual(loadPushKeys(dir), keys);
			for (const name of [WEBHOOK_SECRET_FILE, PUSH_KEYS_FILE]) {
				assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600);
			}
		});

		it("is closed to others where it was left open", () => {
			loadWebhookSecret(dir);
			chmodSync(join(dir, WEBHOOK_SECRET_FILE), 0o644);
			loadWebhookSecret(dir);
			assert.equal(
				statSync(join(dir, WEBHOOK_SECRET_FILE)).mode & 0o777,
				0o600,
			);
		});

		it("may be a secret that somebody chose", () => {
			const chosen = "x".repeat(40);
			writeFileSync(join(dir, WEBHOOK_SECRET_FILE), `${chosen}\n`);
			assert.equal(loadWebhookSecret(dir), chosen);
		});

		for (const [name, text] of [
			[WEBHOOK_SECRET_FILE, ""],
			[WEBHOOK_SECRET_FILE, "short"],
			[PUSH_KEYS_FILE, ""],
			[PUSH_KEYS_FILE, "{}"],
			[PUSH_KEYS_FILE, "null"],
			[PUSH_KEYS_FILE, '{"publicKey":"AAAA","privateKey":"AAAA"}'],
		] as const) {
			it(`is named when it is damaged: ${name} with ${JSON.stringify(text)}`, () => {
				writeFileSync(join(dir, name), text);
				const load = name === PUSH_KEYS_FILE ? loadPushKeys : loadWebhookSecret;
				assert.throws(
					() => load(dir),
					(error) =>
						error instanceof NotifySecretError &&
						error.message.includes(join(dir, name)),
				);
				assert.equal(readFileSync(join(dir, name), "utf8"), text);
			});
		}
	});
});
