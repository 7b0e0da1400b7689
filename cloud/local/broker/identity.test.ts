import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { StoreError } from "../../core/ports.ts";
import { type ClientIdentity, TestAuthority } from "./fakes/certificates.ts";
import { TestBroker } from "./fakes/test-broker.ts";

const DAY_MS = 86_400_000;

describe("who may connect", () => {
	let authority: TestAuthority;
	let stranger: TestAuthority;
	let test: TestBroker;

	before(async () => {
		authority = await TestAuthority.make();
		stranger = await TestAuthority.make();
	});
	beforeEach(async () => {
		test = await TestBroker.start(authority);
	});
	afterEach(() => test.broker.close());
	after(async () => {
		await authority.remove();
		await stranger.remove();
	});

	async function tlsRefuses(
		identity: Pick<ClientIdentity, "key" | "cert"> | null,
		says: RegExp,
	): Promise<void> {
		const client = await test.open(identity);
		// In the same write as the end of its handshake, so that it is there when the broker judges.
		assert.equal(await client.connect("node-1"), null);
		const entry = await test.logged({ event: "refused", reason: "tls_failed" });
		assert.match(entry.remoteAddress, /127\.0\.0\.1/);
		assert.ok(entry.cause instanceof Error);
		assert.match(entry.cause.message, says);
		assert.equal(test.broker.stats.drops.tls_failed, 1);
		assert.equal(test.certificates.lookups, 0, "nothing of it was read");
		assert.deepEqual(client.received, []);
		assert.deepEqual(test.presence, []);
	}

	it("a thing with a registered certificate and its own name connects", async () => {
		const client = await test.client("node-1");
		await test.logged({ event: "connected", thing: "node-1" });
		assert.deepEqual(test.presence, ["+node-1"]);
		assert.equal(test.broker.stats.connections, 1);
		client.end();
	});

	it("a client without a certificate is refused by TLS", () =>
		tlsRefuses(null, /no certificate/));

	it("a certificate of another authority is refused by TLS", async () =>
		tlsRefuses(
			await stranger.issue("node-1"),
			/certificate of node-1 is not trusted/,
		));

	it("an expired certificate is refused by TLS, though registered", async () => {
		const identity = await authority.issueOdd("node-1", {
			notBefore: new Date(Date.now() - 2 * DAY_MS),
			notAfter: new Date(Date.now() - DAY_MS),
		});
		await test.register("node-1", identity);
		await tlsRefuses(identity, /certificate of node-1 has expired/);
	});

	it("a certificate that is not valid yet is refused by TLS, though registered", async () => {
		const identity = await authority.issueOdd("node-1", {
			notBefore: new Date(Date.now() + DAY_MS),
			notAfter: new Date(Date.now() + 2 * DAY_MS),
		});
		await test.register("node-1", identity);
		await tlsRefuses(identity, /certificate of node-1 is not yet valid/);
	});

	it("a certificate for servers is refused by TLS, though registered", async () => {
		const identity = await authority.issueOdd("node-1", {
			usage: "serverAuth",
		});
		await test.register("node-1", identity);
		await tlsRefuses(identity, /certificate of node-1 is not for clients/);
	});

	it("a name made to deceive a terminal comes defanged into the log", async () => {
		const identity = await stranger.issue("a\u001b]0;b\u009b\n");
		await tlsRefuses(identity, /of a\?\]0;b\?\? is not trusted/);
	});

	it("a certificate of ours that is not registered is answered with not authorized", async () => {
		const client = await test.open(await authority.issue("node-1"));
		assert.equal(await client.connect("node-1"), 5);
		await client.closed;
		await test.logged({ event: "refused", reason: "unknown_certificate" });
	});

	it("a revoked certificate is answered with not authorized", async () => {
		const identity = await test.provision("node-1");
		await test.certificates.revoke(identity.certificateId);
		const client = await test.open(identity);
		assert.equal(await client.connect("node-1"), 5);
		await client.closed;
		await test.logged({ event: "refused", reason: "revoked_certificate" });
		assert.deepEqual(test.presence, []);
	});

	for (const clientId of ["node-2", "", "NODE-1", "node-1 "]) {
		it(`node-1's certificate with the client id "${clientId}" is not authorized`, async () => {
			await test.provision("node-2");
			const client = await test.open(await test.provision("node-1"));
			assert.equal(await client.connect(clientId), 5);
			await client.closed;
			await test.logged({ event: "refused", reason: "wrong_client_id" });
		});
	}

	it("while certificates cannot be looked up, the server is unavailable", async () => {
		const identity = await test.provision("node-1");
		test.certificates.failure = new StoreError("unavailable", "No disk.");
		const client = await test.open(identity);
		assert.equal(await client.connect("node-1"), 3);
		await test.logged({ event: "refused", reason: "store_failed" });
	});

	for (const topic of [
		"thinghz/node-2/gone",
		"$aws/things/node-1/jobs/notify",
		"thinghz/+/x",
	]) {
		it(`a last will on ${topic} is refused`, async () => {
			const client = await test.open(await test.provision("node-1"));
			const will = {
				topic,
				payload: Buffer.from("x"),
				qos: 0 as const,
				retain: false,
			};
			assert.equal(await client.connect("node-1", { will }), 5);
			await test.logged({ event: "refused", reason: "forbidden_will" });
		});
	}

	it("a connected thing is dropped when its certificate is revoked", async () => {
		const quick = await TestBroker.start(authority, {
			limits: { recheckMs: 5 },
		});
		const identity = await quick.provision("node-1");
		const client = await quick.open(identity);
		assert.equal(await client.connect("node-1"), 0);
		await quick.certificates.revoke(identity.certificateId);
		await client.closed;
		await quick.logged({ event: "dropped", reason: "revoked_certificate" });
		await quick.broker.close();
	});

	it("plain bytes before TLS end the connection and nothing else", async () => {
		const socket = connect(test.broker.port, "127.0.0.1");
		socket.on("error", () => socket.destroy());
		socket.write("GET / HTTP/1.1\r\n\r\n");
		await once(socket, "close");
		await test.logged({ event: "refused", reason: "tls_failed" });
		(await test.client("node-1")).end();
	});

	it("a session of TLS is never resumed", async () => {
		const identity = await test.provision("node-1");
		const options = {
			host: "127.0.0.1",
			port: test.broker.port,
			ca: authority.server.ca,
			key: identity.key,
			cert: identity.cert,
		};
		for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
			const first = await secure(tlsConnect({ ...options, maxVersion }));
			const session = first.getSession();
			assert.ok(session !== undefined);
			first.destroy();
			const second = await secure(
				tlsConnect({ ...options, maxVersion, session }),
			);
			assert.equal(second.isSessionReused(), false);
			second.destroy();
		}
	});

	it("TLS 1.1 is refused", async () => {
		const socket = tlsConnect({
			host: "127.0.0.1",
			port: test.broker.port,
			ca: authority.server.ca,
			minVersion: "TLSv1",
			maxVersion: "TLSv1.1",
			ciphers: "DEFAULT@SECLEVEL=0",
		});
		const [error] = await once(socket, "error").then(
			(values) => values,
			(cause: unknown) => [cause],
		);
		assert.ok(error instanceof Error);
	});
});

async function secure(socket: TLSSocket): Promise<TLSSocket> {
	await once(socket, "secureConnect");
	return socket;
}
