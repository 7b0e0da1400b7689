/** E-mail against a real SMTP server: its contract, each step refused in each way, TLS, passwords, and what arrives. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeliveryOutcome, Notification } from "../../core/alerts/ports.ts";
import {
	type NotifierPeer,
	notificationOf,
	notifierContract,
	type PeerConduct,
} from "../../core/contracts/notifier.ts";
import { openAuthority } from "../identity/authority.ts";
import {
	type ServerIdentity,
	serverIdentity,
} from "../identity/server-certificate.ts";
import type { SmtpConfig } from "./config.ts";
import {
	MailServer,
	type MailServerOptions,
	type MailStep,
} from "./fakes/mail-server.ts";
import { SmtpNotifier } from "./smtp.ts";

const ADDRESS = "somebody@example.org";

function configOf(port: number, changes: Partial<SmtpConfig> = {}): SmtpConfig {
	return {
		host: "127.0.0.1",
		port,
		security: "none",
		from: { name: "ThingHz", address: "alerts@example.org" },
		login: null,
		ca: null,
		...changes,
	};
}

const CONDUCT: Readonly<Record<PeerConduct, MailServer["answers"]>> = {
	accepts: {},
	refuses: { to: 550 },
	is_busy: { from: 451 },
	hangs: { data: "nothing" },
};

async function openMail(timeoutMs: number): Promise<NotifierPeer> {
	const server = await new MailServer().listen();
	return {
		notifier: new SmtpNotifier({
			config: configOf(server.port),
			timeoutMs,
		}),
		target: { type: "email", address: ADDRESS },
		behave(conduct) {
			server.answers = CONDUCT[conduct];
		},
		async received() {
			return server.received.map(({ mail }) => ({
				subject: mail.subject ?? "",
				text: mail.text ?? "",
				fields: mail.headerLines
					.map(({ key }) => key)
					// How the text is encoded depends on the text.
					.filter((key) => key !== "content-transfer-encoding"),
				id: mail.messageId ?? null,
			}));
		},
		leave: () => server.close(),
		close: () => server.close(),
	};
}

notifierContract("SMTP", openMail);

describe("SmtpNotifier", () => {
	let server: MailServer;

	async function start(options: MailServerOptions = {}): Promise<void> {
		await server?.close();
		server = await new MailServer(options).listen();
	}

	beforeEach(() => start());
	afterEach(() => server.close());

	function deliver(
		changes: Partial<SmtpConfig> = {},
		notification: Notification = notificationOf(),
		address = ADDRESS,
	): Promise<DeliveryOutcome> {
		return new SmtpNotifier({
			config: configOf(server.port, changes),
			timeoutMs: 15_000,
		}).deliver({ type: "email", address }, notification);
	}

	it("sends one message to one address, as a mail reader shows it", async () => {
		const subject = "Kühlraum – zu warm 🥶";
		await deliver({}, notificationOf({ subject }));
		const [received] = server.received;
		assert.deepEqual(
			[received?.from, received?.to],
			["alerts@example.org", [ADDRESS]],
		);
		assert.equal(received?.mail.subject, subject);
		assert.equal(received?.mail.from?.text, '"ThingHz" <alerts@example.org>');
		assert.deepEqual([received?.mail.to].flat()[0]?.text, ADDRESS);
		assert.equal(
			received?.mail.headers.get("auto-submitted"),
			"auto-generated",
		);
		assert.equal(
			received?.mail.text?.trim(),
			"temperature is -9.5 °C, above -12 °C for 10 min.\n\nhttps://thinghz.example.org/#/devices/cellar",
		);
	});

	it("needs no name of a sender", async () => {
		await deliver({ from: { name: "", address: "alerts@example.org" } });
		assert.equal(server.received[0]?.mail.from?.text, "alerts@example.org");
	});

	it("ends no message early by a line of one dot", async () => {
		await deliver({}, notificationOf({ text: "a\n.\nb\n..\nc" }));
		assert.match(server.received[0]?.mail.text ?? "", /^a\n\.\nb\n\.\.\nc/);
	});

	for (const step of ["from", "to", "data"] satisfies MailStep[]) {
		for (const [code, result] of [
			[421, "retry"],
			[452, "retry"],
			[550, "failed"],
			[552, "failed"],
		] as const) {
			it(`takes ${code} at ${step} as ${result}`, async () => {
				server.answers = { [step]: code };
				const outcome = await deliver();
				assert.equal(outcome.result, result);
				assert.match(
					"error" in outcome ? outcome.error : "",
					new RegExp(`${code}.*not at ${step}`),
				);
				assert.deepEqual(server.received, []);
			});
		}
	}

	it("takes a server that does not serve as its greeting says", async () => {
		server.answers = { connect: 421 };
		assert.equal((await deliver()).result, "retry");
		server.answers = { connect: 554 };
		assert.equal((await deliver()).result, "failed");
	});

	for (const step of ["connect", "from", "to", "data"] satisfies MailStep[]) {
		it(`waits no longer than it may at ${step}`, async () => {
			server.answers = { [step]: "nothing" };
			const outcome = await new SmtpNotifier({
				config: configOf(server.port),
				timeoutMs: 200,
			}).deliver({ type: "email", address: ADDRESS }, notificationOf());
			assert.equal(outcome.result, "retry");
		});
	}

	for (const address of [
		"a@example.org, b@example.org",
		"a@example.org\r\nRCPT TO:<b@example.org>",
		"Somebody <a@example.org>",
		"",
	]) {
		it(`does not take ${JSON.stringify(address)} for an address`, async () => {
			const outcome = await deliver({}, notificationOf(), address);
			assert.equal(outcome.result, "failed");
			assert.deepEqual(server.received, []);
		});
	}

	describe("with a server of its own making", () => {
		let raw: Server | undefined;
		afterEach(() => raw?.close());

		async function deliverTo(
			converse: (write: (text: string) => void, end: () => void) => void,
		): Promise<DeliveryOutcome> {
			raw = createServer((socket) => {
				socket.on("error", () => undefined);
				converse(
					(text) => socket.writable && socket.write(text),
					() => socket.end(),
				);
			}).listen(0, "127.0.0.1");
			await once(raw, "listening");
			return new SmtpNotifier({
				config: configOf((raw.address() as AddressInfo).port),
				timeoutMs: 300,
			}).deliver({ type: "email", address: ADDRESS }, notificationOf());
		}

		it("gives up on a greeting that comes a byte at a time and never ends", async () => {
			let timer: NodeJS.Timeout | undefined;
			const outcome = await deliverTo((write) => {
				write("220");
				timer = setInterval(() => write("-x\r\n220"), 20);
			});
			clearInterval(timer);
			assert.equal(outcome.result, "retry");
		});

		for (const [what, said] of [
			["what is no SMTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
			["a connection that ends at once", ""],
		] as const) {
			it(`tries again after ${what}`, async () => {
				const outcome = await deliverTo((write, end) => {
					if (said !== "") write(said);
					end();
				});
				assert.equal(outcome.result, "retry");
			});
		}

		it("keeps no answer without an end in memory", async () => {
			const outcome = await deliverTo((write) =>
				write(`220-${"x".repeat(200_000)}`),
			);
			assert.equal(outcome.result, "retry");
		});
	});

	describe("over TLS", () => {
		let dir = "";
		let identity: ServerIdentity;

		before(async () => {
			dir = mkdtempSync(join(tmpdir(), "thinghz-smtp-"));
			identity = await serverIdentity(await openAuthority(dir), dir);
		});
		after(() => rmSync(dir, { recursive: true }));

		for (const security of ["tls", "starttls"] as const) {
			const options = (): MailServerOptions => ({
				tls: identity,
				secure: security === "tls",
				startTls: security === "starttls",
				login: { user: "alerts", password: "right" },
			});
			const login = { user: "alerts", password: "right" };

			it(`signs in and sends by ${security}`, async () => {
				await start(options());
				const outcome = await deliver({ security, login, ca: identity.ca });
				assert.deepEqual(outcome, { result: "delivered" });
				assert.deepEqual(
					[server.received[0]?.user, server.received[0]?.encrypted],
					["alerts", true],
				);
			});

			it(`says nothing to a server that it does not know, by ${security}`, async () => {
				await start(options());
				assert.equal((await deliver({ security, login })).result, "retry");
				assert.deepEqual(server.received, []);
			});

			it(`tries again when the password is refused, and does not say it, by ${security}`, async () => {
				await start(options());
				const outcome = await deliver({
					security,
					login: { user: "alerts", password: "hunter2" },
					ca: identity.ca,
				});
				assert.ok(outcome.result === "retry");
				assert.match(outcome.error, /535/);
				assert.doesNotMatch(outcome.error, /hunter2|aHVudGVyMg/);
			});
		}

		it("sends nothing where STARTTLS is not offered", async () => {
			await start({ login: { user: "alerts", password: "right" } });
			const outcome = await deliver({
				security: "starttls",
				login: { user: "alerts", password: "right" },
			});
			assert.equal(outcome.result, "retry");
			assert.deepEqual(server.received, []);
		});
	});
});
