/** The very bundles that are deployed, as Lambda loads and calls them, on DynamoDB's stand-in. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import {
	buildLambda,
	type LambdaBundle,
	lambdaNames,
} from "../../../tools/build/lambda.ts";
import { blockOf, DAY } from "../../core/contracts/fixtures.ts";
import {
	startTables,
	type TestTables,
} from "../adapters/dynamodb/fakes/test-tables.ts";
import {
	type DynamoStores,
	dynamoStores,
} from "../adapters/dynamodb/stores.ts";
import {
	blockRuleMessage,
	lambdaContext,
	lifecycleEvent,
	provisioningRequest,
	sqsEvent,
} from "../fakes/events.ts";
import { fetchByLambda } from "../fakes/http-event.ts";
import type { HttpHandler } from "../lambda-http.ts";
import type {
	ProvisioningAnswer,
	ProvisioningRequest,
} from "../provisioning-hook.ts";

const MAX_INGEST_BYTES = 400_000;

type SqsHandler = (
	event: SQSEvent,
	context: Context,
) => Promise<SQSBatchResponse>;
function base64url(value: object): string {
	return Buffer.from(JSON.stringify(value)).toString("base64url");
}

type HookHandler = (
	request: ProvisioningRequest,
) => Promise<ProvisioningAnswer>;

describe("The functions' bundles", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-lambda-"));
	const environmentBefore = { ...process.env };
	let bundles: readonly LambdaBundle[];
	let tables: TestTables;
	let names: { readonly blocks: string; readonly records: string };
	let stores: DynamoStores;
	let loads = 0;
	let said: unknown[];
	const consoleBefore = { ...console };

	before(async () => {
		bundles = await buildLambda(join(dir, "first"));
		tables = await startTables();
	});

	beforeEach(async () => {
		names = await tables.fresh();
		stores = dynamoStores({
			client: tables.client,
			tables: names,
			clock: { nowMs: () => Date.now() },
			retentionMs: null,
		});
		said = [];
		for (const level of ["info", "warn", "error"] as const) {
			console[level] = (line: unknown) => said.push(line);
		}
	});

	afterEach(() => {
		Object.assign(console, consoleBefore);
		for (const name of Object.keys(process.env)) {
			if (!(name in environmentBefore)) delete process.env[name];
		}
	});

	after(async () => {
		await tables.stop();
		rmSync(dir, { recursive: true });
	});

	/** As a new instance of the function. */
	async function load<T>(
		name: string,
		environment: Readonly<Record<string, string>>,
	): Promise<T> {
		const { host, port, protocol } =
			(await tables.client.config
				.endpoint?.()
				.then(({ hostname, port, protocol }) => ({
					host: hostname,
					port,
					protocol,
				}))) ?? assert.fail("No endpoint.");
		Object.assign(process.env, {
			AWS_REGION: "us-east-1",
			AWS_ACCESS_KEY_ID: "test",
			AWS_SECRET_ACCESS_KEY: "test",
			AWS_ENDPOINT_URL_DYNAMODB: `${protocol}//${host}:${port}`,
			...environment,
		});
		const bundle = bundles.find((one) => one.name === name);
		assert.ok(bundle, name);
		const url = `${pathToFileURL(bundle.path)}?${++loads}`;
		return ((await import(url)) as { handler: T }).handler;
	}
	const tableNames = () => ({
		THINGHZ_BLOCKS_TABLE: names.blocks,
		THINGHZ_RECORDS_TABLE: names.records,
		THINGHZ_RETENTION_DAYS: "90",
	});

	it(`have at most ${MAX_INGEST_BYTES} bytes where blocks go through, the SDK's client included`, () => {
		const ingest = bundles.find(({ name }) => name === "ingest");
		assert.ok(
			ingest && ingest.sizeBytes <= MAX_INGEST_BYTES,
			String(ingest?.sizeBytes),
		);
		assert.equal(readFileSync(ingest.path).length, ingest.sizeBytes);
	});

	it("are the same bytes when they are built again", async () => {
		const again = await buildLambda(join(dir, "second"), [
			"ingest",
			"presence",
		]);
		for (const { name, path } of again) {
			const first = bundles.find((one) => one.name === name)?.path ?? "";
			assert.ok(readFileSync(path).equals(readFileSync(first)), name);
		}
	});

	for (const name of lambdaNames()) {
		it(`do not start as ${name} without their variables, and name all of them`, async () => {
			await assert.rejects(load(name, {}), (error: Error) => {
				assert.equal(error.name, "EnvironmentError");
				const table = name === "rows" ? "BLOCKS" : "RECORDS";
				assert.ok(
					error.message.includes(`THINGHZ_${table}_TABLE is not set`),
					error.message,
				);
				assert.ok(error.message.startsWith(`${name} cannot start: `));
				return true;
			});
		});
	}

	it("store blocks in DynamoDB, once, and adopt who sends them", async () => {
		const handler = await load<SqsHandler>("ingest", tableNames());
		const nowMs = Date.now();
		const messages = [1, 2, 3, 1].map((sequence) =>
			blockRuleMessage(
				"boiler",
				blockOf([sequence], { sequence, startUptimeMs: sequence * 1000 }),
				nowMs,
			),
		);
		const event = sqsEvent("thinghz-ingest", [...messages, "{"], nowMs);
		assert.deepEqual(await handler(event, lambdaContext("ingest")), {
			batchItemFailures: [],
		});
		const { blocks } = await stores.blocks.range(
			"boiler",
			DAY,
			DAY + 60_000,
			10,
		);
		assert.deepEqual(
			blocks.map(({ sequence }) => sequence),
			[1, 2, 3],
		);
		const device = await stores.devices.get("boiler");
		assert.equal(device?.lastSeenMs, nowMs);
		assert.equal(device?.channels.length, 1);
		const letters = await stores.deadLetters.list({ limit: 5 });
		assert.deepEqual(
			letters.map(({ reason }) => reason),
			["bad_envelope"],
		);
		const marked = await stores.rollups.dirty("boiler", "hour", DAY, DAY + 1);
		assert.equal(marked.length, 1);
		const { outcomes } = said.at(-1) as { outcomes: unknown };
		assert.deepEqual(outcomes, { taken: 4, dead_letter: 1 });
	});

	it("give blocks back whose table is not there, with what is wrong in the log", async () => {
		const handler = await load<SqsHandler>("ingest", {
			...tableNames(),
			THINGHZ_BLOCKS_TABLE: "no-such-table",
		});
		const message = blockRuleMessage("boiler", blockOf([1]), Date.now());
		const event = sqsEvent("thinghz-ingest", [message]);
		const { batchItemFailures } = await handler(event, lambdaContext("ingest"));
		assert.deepEqual(batchItemFailures, [{ itemIdentifier: "message-0" }]);
		const line = said.find(
			(one) => (one as { event: string }).event === "message_failed",
		) as { code: string; error: string };
		assert.equal(line.code, "misconfigured");
		assert.match(line.error, /no-such-table/);
	});

	it("note in DynamoDB who comes and goes", async () => {
		await stores.devices.create("boiler", 1);
		const { THINGHZ_RECORDS_TABLE } = tableNames();
		const handler = await load<SqsHandler>("presence", {
			THINGHZ_RECORDS_TABLE,
		});
		const nowMs = Date.now();
		const events = [
			lifecycleEvent("connected", "boiler", 8, nowMs),
			lifecycleEvent("disconnected", "boiler", 7, nowMs + 5),
		];
		await handler(
			sqsEvent("thinghz-presence", events),
			lambdaContext("presence"),
		);
		const device = await stores.devices.get("boiler");
		assert.deepEqual([device?.online, device?.lastSeenMs], [true, nowMs]);
	});

	it("let a node in that has been allowed, once for good", async () => {
		await stores.claims.allow("boiler", 5);
		const { THINGHZ_RECORDS_TABLE } = tableNames();
		const handler = await load<HookHandler>("provisioning-hook", {
			THINGHZ_RECORDS_TABLE,
		});
		const ask = async (ThingName: string) =>
			(await handler(provisioningRequest({ ThingName }))).allowProvisioning;
		assert.equal(await ask("boiler"), true);
		assert.equal(await ask("roof"), false);
		const claim = await stores.claims.get("boiler");
		assert.ok((claim?.claimedMs ?? 0) > 5);
		assert.notEqual(await stores.devices.get("boiler"), null);
	});

	it("answer the API's requests, from what is in DynamoDB, for people of the pool alone", async () => {
		await stores.devices.create("boiler", 1);
		const handler = await load<HttpHandler>("api", {
			...tableNames(),
			THINGHZ_USER_POOL_ID: "eu-central-1_aBcDeFgHi",
			THINGHZ_USER_POOL_CLIENT_ID: "page",
			THINGHZ_CLI_CLIENT_ID: "command",
			THINGHZ_SIGN_IN_URL: "https://thinghz.auth.example",
			THINGHZ_FIRMWARE_BUCKET: "thinghz-firmware",
			THINGHZ_FIRMWARE_ROLE_ARN: "arn:aws:iam::1:role/thinghz-firmware",
			THINGHZ_INGEST_QUEUE_ARN: "arn:aws:sqs:us-east-1:1:thinghz-ingest",
			THINGHZ_DEAD_LETTER_QUEUE_ARN: "arn:aws:sqs:us-east-1:1:thinghz-dead",
		});
		const fetch = fetchByLambda(handler);
		const ask = (path: string, headers: Record<string, string> = {}) =>
			fetch(new Request(`https://api.example${path}`, { headers }));
		const health = await ask("/v1/health");
		assert.equal(health.status, 200);
		assert.equal((await ask("/v1/devices")).status, 401);
		const unsigned = `${base64url({ alg: "none" })}.${base64url({ sub: "eve" })}.`;
		const refused = await ask("/v1/devices", {
			Authorization: `Bearer ${unsigned}`,
		});
		assert.equal(refused.status, 401);
		const described = await ask("/v1/openapi.json");
		assert.match(await described.text(), /\/v1\/devices\/\{name\}\/blocks/);
	});

	it("find silent devices on the schedule, and put what is to be said where its stream tells of it", async () => {
		const createdMs = Date.now() - 3_600_000;
		await stores.devices.create("boiler", createdMs);
		await stores.alerts.putRule({
			id: "00000000000000a1",
			name: "Silent",
			device: null,
			condition: { type: "offline", forMs: 60_000 },
			enabled: true,
			notify: [{ type: "email", address: "somebody@example.com" }],
			owner: "tester",
			createdMs,
			updatedMs: createdMs,
		});
		const handler = await load<
			(event: unknown, context: Context) => Promise<void>
		>("schedule", tableNames());
		const run = () =>
			handler(
				{},
				lambdaContext("schedule", () => 55_000),
			);
		await run();
		const [state] = await stores.alerts.listStates("boiler");
		assert.equal(state?.status, "firing");
		assert.equal(state.outbox.length, 1);
		await run();
		// Nobody is told by e-mail here, so that it is over with what the history says.
		const [event] = await stores.alerts.listEvents({ limit: 1 });
		assert.equal(event?.deliveries[0]?.status, "failed");
	});
});
