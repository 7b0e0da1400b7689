/**
 * The command on a stack on AWS: stand-ins made from AWS's references for what only an account has (CloudFormation, the
 * control plane of IoT, user pools and their tokens), dynalite for DynamoDB, and the API's own app with the checks of Cognito's tokens.
 */
import assert from "node:assert/strict";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { fakeCloud } from "../../cloud/api/fakes/fake-cloud.ts";
import { CognitoAuth } from "../../cloud/aws/adapters/cognito/authenticator.ts";
import {
	startTables,
	type TestTables,
} from "../../cloud/aws/adapters/dynamodb/fakes/test-tables.ts";
import {
	dynamoRecords,
	dynamoStores,
} from "../../cloud/aws/adapters/dynamodb/stores.ts";
import {
	type CloudFormation,
	startCloudFormation,
} from "../../cloud/aws/fakes/cloudformation.ts";
import {
	type CognitoUserPools,
	POOL_ID,
	startCognitoUserPools,
} from "../../cloud/aws/fakes/cognito-user-pools.ts";
import { ADMIN, FakeUserPool } from "../../cloud/aws/fakes/fake-user-pool.ts";
import {
	ENDPOINT,
	type IotControlPlane,
	startIotControlPlane,
} from "../../cloud/aws/fakes/iot-control-plane.ts";
import { OUTPUTS, STACK_NAME, THING_POLICIES } from "../../cloud/aws/names.ts";
import { memoryClaims } from "../../cloud/core/fakes/memory-claims.ts";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import { saveSession, sessionFile } from "../../tools/aws/session.ts";
import { startStubGrafana } from "../../tools/grafana/fakes/stub-grafana.ts";
import { temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

interface Provisioned {
	readonly thing: string;
	readonly endpoint: string;
	readonly certificateId: string;
	readonly issued: boolean;
	readonly directory: string;
	readonly privateKey: string;
	readonly certificate: string;
	readonly ca: string;
}

describe("thinghz --target aws", () => {
	const folder = temporaryFolder();
	const environment = { ...process.env };
	const claims = memoryClaims();
	let tables: TestTables;
	let names: { readonly blocks: string; readonly records: string };
	let cloudFormation: CloudFormation;
	let iot: IotControlPlane;
	let people: CognitoUserPools;
	let pool: FakeUserPool;
	let api: Server;

	before(async () => {
		tables = await startTables();
		names = await tables.fresh();
		cloudFormation = await startCloudFormation();
		iot = await startIotControlPlane(
			await openAuthority(folder.dir),
			THING_POLICIES,
		);
		people = await startCognitoUserPools();
		pool = await FakeUserPool.start();
		const cloud = fakeCloud({
			claims,
			auth: new CognitoAuth({
				pool: pool.pool,
				clock: { nowMs: Date.now },
				keysUrl: pool.keysUrl,
			}),
		});
		api = createServer(getRequestListener(cloud.app.fetch));
		await new Promise<void>((resolve) => {
			api.listen(0, "127.0.0.1", resolve);
		});
		Object.assign(process.env, {
			AWS_REGION: "us-east-1",
			AWS_ACCESS_KEY_ID: "test",
			AWS_SECRET_ACCESS_KEY: "test",
			AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.url,
			AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: people.url,
			AWS_ENDPOINT_URL_IOT: iot.url,
			AWS_ENDPOINT_URL_DYNAMODB: tables.url,
			XDG_CONFIG_HOME: join(folder.dir, "config"),
		});
	});

	beforeEach(() => {
		cloudFormation.stacks.set(STACK_NAME, {
			[OUTPUTS.recordsTable]: names.records,
			[OUTPUTS.blocksTable]: names.blocks,
			[OUTPUTS.userPoolId]: POOL_ID,
			[OUTPUTS.pageUrl]: "https://d1.cloudfront.net",
		});
	});

	after(async () => {
		process.env = environment;
		await tables.stop();
		await cloudFormation.close();
		await iot.close();
		await people.close();
		await pool.close();
		await new Promise((resolve) => {
			api.close(resolve);
			api.closeAllConnections();
		});
		folder.remove();
	});

	const out = () => join(folder.dir, "out");
	const provision = (name: string) =>
		thinghzJson<Provisioned>(
			"provision",
			name,
			...["--target", "aws", "--out", out()],
		);

	it("provisions a thing with AWS IoT, and a second run repairs and repeats nothing", async () => {
		const first = await provision("boiler");
		assert.equal(first.endpoint, `mqtts://${ENDPOINT}:8883`);
		assert.equal(first.issued, true);
		assert.equal(first.directory, join(out(), "things", "boiler"));
		assert.equal(statSync(first.privateKey).mode & 0o777, 0o600);
		const certificate = new X509Certificate(readFileSync(first.certificate));
		const key = createPrivateKey(readFileSync(first.privateKey));
		assert.ok(certificate.checkPrivateKey(key));
		assert.equal(
			createHash("sha256").update(certificate.raw).digest("hex"),
			first.certificateId,
		);
		const root = new X509Certificate(readFileSync(first.ca));
		assert.match(root.subject, /CN=Amazon Root CA 1/);
		assert.equal(iot.certificates.get(first.certificateId)?.status, "ACTIVE");
		const { devices } = dynamoStores({
			client: tables.client,
			tables: names,
			clock: { nowMs: Date.now },
			retentionMs: null,
		});
		assert.equal((await devices.get("boiler"))?.name, "boiler");

		const second = await provision("boiler");
		assert.deepEqual(second, { ...first, issued: false });
		assert.equal(iot.certificates.size, 1);
	});

	it("goes on after a cut where it was cut, without a second certificate in force", async () => {
		// What a run asks: the endpoint, the thing, a certificate, and then what puts it into force.
		const cuts = [5, 7, 9];
		for (const cut of cuts) {
			const name = `roof-${cut}`;
			iot.failAt(cut, 500, "InternalFailureException");
			// Else the SDK itself asks again, and nothing is cut.
			process.env.AWS_MAX_ATTEMPTS = "1";
			const failed = await thinghz(
				"provision",
				name,
				...["--target", "aws", "--out", out()],
			);
			assert.equal(failed.code, 1, `${cut}: ${failed.stdout}`);
			assert.match(failed.stderr, /InternalFailureException/);
			await provision(name);
			const own = [...iot.certificates.values()].filter(
				({ things, status }) => things.has(name) && status === "ACTIVE",
			);
			assert.equal(own.length, 1);
		}
		delete process.env.AWS_MAX_ATTEMPTS;
	});

	it("revokes a thing's certificate, and says when there is none", async () => {
		const { certificateId } = await provision("shed");
		const { revoked } = await thinghzJson<{ revoked: string[] }>(
			"devices",
			"revoke",
			"shed",
			...["--target", "aws"],
		);
		assert.deepEqual(revoked, [certificateId]);
		assert.equal(iot.certificates.get(certificateId)?.status, "REVOKED");
		const none = await thinghz(
			"devices",
			"revoke",
			"nobody",
			...["--target", "aws"],
		);
		assert.equal(none.code, 1);
		assert.match(none.stderr, /nobody/);
	});

	it("invites somebody, shares a device that exists, and removes them with what was shared", async () => {
		const ada = "ada@example.com";
		const users = (...args: string[]) =>
			thinghz("users", ...args, "--target", "aws");
		const { devices, grants } = dynamoRecords({
			client: tables.client,
			tables: names,
		});
		await devices.create("attic", 1);
		const added = await users("add", ada);
		assert.equal(added.code, 0, added.stderr);
		assert.match(added.stderr, /a viewer.*https:\/\/d1\.cloudfront\.net/);
		assert.deepEqual(people.mails, [ada]);
		const [subject = ""] = people.users.keys();
		const shared = await users("grant", ada, "attic");
		assert.equal(shared.code, 0, shared.stderr);
		assert.deepEqual(await grants.devicesOf(subject), ["attic"]);
		const [listed] = await thinghzJson<Record<string, unknown>[]>(
			...["users", "list", "--target", "aws"],
		);
		assert.deepEqual(
			[listed?.name, listed?.role, listed?.devices],
			[ada, "viewer", ["attic"]],
		);
		const unknown = await users("grant", ada, "cellar");
		assert.equal(unknown.code, 1);
		assert.match(unknown.stderr, /no device named cellar/);
		const removed = await users("remove", ada);
		assert.equal(removed.code, 0, removed.stderr);
		assert.equal(people.users.size, 0);
		assert.deepEqual(await grants.devicesOf(subject), []);
	});

	it("asks the API with the token of who has signed in", async () => {
		const { port } = api.address() as AddressInfo;
		const session = {
			apiUrl: `http://127.0.0.1:${port}`,
			signInUrl: pool.url,
			clientId: pool.pool.clientIds[0],
			refreshToken: "r",
			expiresMs: Date.now() + 3_600_000,
		};
		const nobody = await thinghz("devices", "--target", "aws");
		assert.equal(nobody.code, 1);
		assert.match(nobody.stderr, /thinghz signin --target aws/);
		saveSession(sessionFile(), {
			...session,
			accessToken: await pool.accessToken(ADMIN, Date.now()),
		});
		const devices = await thinghzJson<{ name: string }[]>(
			"devices",
			"--target",
			"aws",
		);
		assert.deepEqual(
			devices.map(({ name }) => name),
			["boiler", "new"],
		);
		await claims.allow("attic", Date.UTC(2026, 0, 1));
		const claimed = await thinghz("claims", "--target", "aws");
		assert.match(
			claimed.stdout,
			/^attic +2026-01-01T00:00:00\.000Z +not yet$/m,
		);
		const revoked = await thinghzJson<{ revoked: string[] }>(
			...["claims", "revoke", "attic", "--target", "aws"],
		);
		assert.deepEqual(revoked, { revoked: ["attic"] });
		assert.equal(await claims.get("attic"), null);
		const again = await thinghz("claims", "revoke", "attic", "--target", "aws");
		assert.equal(again.code, 1);
		assert.match(again.stderr, /No node may become attic/);
		const readings = await thinghz(
			"readings",
			"boiler",
			...["--channel", "temperature", "--target", "aws"],
		);
		assert.equal(readings.code, 0, readings.stderr);
		saveSession(sessionFile(), { ...session, accessToken: "tampered" });
		const refused = await thinghz("devices", "--target", "aws");
		assert.equal(refused.code, 1);
		assert.match(refused.stderr, /token/);
	});

	it("puts dashboards into a Grafana that asks the API by its own client, whose secret nobody sees", async function () {
		this.timeout(30_000);
		const grafana = await startStubGrafana();
		try {
			const tokenFile = join(folder.dir, "grafana-token");
			writeFileSync(tokenFile, grafana.token);
			const push = [
				...["grafana", "--target", "aws"],
				...["--url", grafana.url, "--token-file", tokenFile],
			];
			const none = await thinghz(...push);
			assert.equal(none.code, 1);
			assert.match(none.stderr, /no output GrafanaClientId.*grafana=true/);
			cloudFormation.stacks.set(STACK_NAME, {
				...cloudFormation.stacks.get(STACK_NAME),
				[OUTPUTS.apiUrl]: "https://a1.execute-api.us-east-1.amazonaws.com",
				[OUTPUTS.signInUrl]: "https://thinghz.auth.example",
				[OUTPUTS.grafanaClientId]: "7n2c4m",
			});
			people.clients.set("7n2c4m", "of-the-client");
			const { code, stdout, stderr } = await thinghz(...push);
			assert.equal(code, 0, stderr);
			assert.doesNotMatch(stdout + stderr, /of-the-client/);
			const source = grafana.dataSources.get("thinghz-api");
			assert.ok(source);
			assert.deepEqual(source.secureJsonData, {
				oauth2ClientSecret: "of-the-client",
			});
			const { oauth2 } = source.jsonData as { readonly oauth2: unknown };
			assert.deepEqual(oauth2, {
				oauth2_type: "client_credentials",
				client_id: "7n2c4m",
				token_url: "https://thinghz.auth.example/oauth2/token",
				scopes: ["thinghz/read"],
			});
		} finally {
			await grafana.close();
		}
	});

	it("says that there is no stack, and how to get one", async () => {
		cloudFormation.stacks.clear();
		const { code, stderr } = await thinghz(
			"provision",
			"boiler",
			...["--target", "aws"],
		);
		assert.equal(code, 1);
		assert.match(stderr, /no stack "thinghz" in us-east-1.*make deploy/);
	});

	for (const [args, says] of [
		[["up"], /cloud of this machine/],
		[["provision", "x", "--endpoint", "mqtts://h:1"], /--endpoint/],
		[["signin", "--user", "anna"], /--user/],
		[["grafana", "--out", "x", "--api", "https://a.example"], /--api/],
		[["grafana", "--out", "x", "--datasource", "timestream"], /--target/],
	] as const) {
		it(`refuses thinghz ${args.join(" ")} as wrong usage`, async () => {
			const { code, stderr } = await thinghz(...args, "--target", "aws");
			assert.equal(code, 2);
			assert.match(stderr, says);
		});
	}
});
