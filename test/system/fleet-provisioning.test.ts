/**
 * Fleet provisioning by a device of another maker: any MQTT client with a claim certificate, over mutual TLS, against the cloud
 * as people run it.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import {
	CLAIM_CLIENT_PREFIX,
	CREATE_FROM_CSR_TOPIC,
	CREATE_KEYS_TOPIC,
	PROVISION_TOPIC,
} from "../../protocol/provisioning.ts";
import { certificateRequest } from "../../tools/identity/certificate-request.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghzJson } from "./support/command.ts";

interface Credentials {
	readonly key: string;
	readonly cert: string;
}

interface ClaimFiles {
	readonly certificateId: string;
	readonly issued: boolean;
	readonly certificate: string;
	readonly privateKey: string;
	readonly ca: string;
}

describe("fleet provisioning of a device of another maker", () => {
	const folder = temporaryFolder();
	const clients: MqttClient[] = [];
	let cloud: CloudUnderTest;
	let claim: ClaimFiles;
	let claimCredentials: Credentials;

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		claim = await thinghzJson<ClaimFiles>(
			...["claims", "issue", join(folder.dir, "claim")],
			...["--target", cloud.target],
		);
		claimCredentials = {
			key: readFileSync(claim.privateKey, "utf8"),
			cert: readFileSync(claim.certificate, "utf8"),
		};
	});

	after(async () => {
		for (const client of clients) client.end(true);
		await cloud?.stop();
		folder.remove();
	});

	async function connect(
		clientId: string,
		credentials: Credentials,
	): Promise<MqttClient> {
		const { hostname, port } = new URL(cloud.ready.mqtt);
		const client = await connectAsync({
			protocol: "mqtts",
			host: hostname,
			port: Number(port),
			ca: readFileSync(claim.ca, "utf8"),
			...credentials,
			clientId,
			protocolVersion: 4,
			reconnectPeriod: 0,
		});
		client.on("error", () => undefined);
		clients.push(client);
		return client;
	}

	/** Subscribes to both answers, asks, and gives the one that comes. */
	async function ask(
		client: MqttClient,
		topic: string,
		document: object,
		// biome-ignore lint/suspicious/noExplicitAny: each document has members of its own
	): Promise<{ accepted: boolean; document: any }> {
		await client.subscribeAsync([`${topic}/accepted`, `${topic}/rejected`], {
			qos: 1,
		});
		const answer = new Promise<{ accepted: boolean; document: unknown }>(
			(resolve) =>
				client.once("message", (from, payload) =>
					resolve({
						accepted: from === `${topic}/accepted`,
						document: JSON.parse(payload.toString()),
					}),
				),
		);
		await client.publishAsync(topic, JSON.stringify(document), { qos: 1 });
		return answer;
	}

	const allow = (name: string) =>
		thinghzJson("provision", name, "--claim", "--target", cloud.target);

	it("makes a thing of it once it is allowed to, which exchanges its certificate, and has the old one revoked by using the new one", async () => {
		assert.equal(statSync(claim.privateKey).mode & 0o777, 0o600);
		const claimant = await connect(
			`${CLAIM_CLIENT_PREFIX}serial-7`,
			claimCredentials,
		);
		const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const signed = await ask(claimant, CREATE_FROM_CSR_TOPIC, {
			certificateSigningRequest: await certificateRequest("x", privateKey),
		});
		assert.ok(signed.accepted);
		const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
		const own = { key, cert: signed.document.certificatePem };
		await assert.rejects(connect("lamp", own), /[Nn]ot authorized/);

		const provision = (token: string, name: string) => ({
			certificateOwnershipToken: token,
			parameters: { ThingName: name },
		});
		const token = signed.document.certificateOwnershipToken;
		const early = await ask(
			claimant,
			PROVISION_TOPIC,
			provision(token, "lamp"),
		);
		assert.deepEqual(
			[early.accepted, early.document.errorCode],
			[false, "AccessDenied"],
		);
		await allow("lamp");
		const done = await ask(claimant, PROVISION_TOPIC, provision(token, "lamp"));
		assert.deepEqual(done, {
			accepted: true,
			document: { deviceConfiguration: {}, thingName: "lamp" },
		});

		const lamp = await connect("lamp", own);
		await allow("lamp");
		const exchange = async (): Promise<Credentials> => {
			const made = await ask(lamp, CREATE_KEYS_TOPIC, {});
			const exchanged = await ask(
				lamp,
				PROVISION_TOPIC,
				provision(made.document.certificateOwnershipToken, "lamp"),
			);
			assert.ok(exchanged.accepted);
			return {
				key: made.document.privateKey,
				cert: made.document.certificatePem,
			};
		};
		// As who has stolen the key may, or the device itself that has not heard the answer.
		const unused = await exchange();
		const next = await exchange();
		await lamp.endAsync();
		// Until the new one has been used, the old one is good.
		await (await connect("lamp", own)).endAsync();
		await connect("lamp", next);
		for (const gone of [own, unused])
			await until(
				() =>
					connect("lamp", gone).then(
						() => "let in",
						(error: Error) => error.message,
					),
				(outcome) => /[Nn]ot authorized/.test(outcome),
			);
		await connect("lamp", next);
	});

	it("is over for whoever has a claim certificate that is revoked", async () => {
		const target = ["--target", cloud.target];
		await thinghzJson("devices", "revoke", claim.certificateId, ...target);
		await assert.rejects(
			connect(`${CLAIM_CLIENT_PREFIX}serial-8`, claimCredentials),
			/[Nn]ot authorized/,
		);
		const listed = await thinghzJson<{ status: string }[]>(
			...["claims", "certificates", ...target],
		);
		assert.deepEqual(
			listed.map(({ status }) => status),
			["REVOKED"],
		);
	});
});
