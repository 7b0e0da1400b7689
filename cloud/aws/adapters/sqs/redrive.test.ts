/**
 * Against answers of the shapes that SQS's API reference gives, over HTTP: no emulator that we could depend on has
 * StartMessageMoveTask, so that SQS itself has not been tried.
 */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SQSClient } from "@aws-sdk/client-sqs";
import { StoreError } from "../../../core/ports.ts";
import { sqsRedrive } from "./redrive.ts";

const DLQ = "arn:aws:sqs:eu-central-1:123456789012:thinghz-dead-letters";
const INGEST = "arn:aws:sqs:eu-central-1:123456789012:thinghz-ingest";

interface Answer {
	readonly status: number;
	readonly body: unknown;
}

const ok = (body: unknown): Answer => ({ status: 200, body });
const refused = (type: string): Answer => ({
	status: 400,
	body: { __type: `com.amazonaws.sqs#${type}`, message: `It is ${type}.` },
});
const tasks = (...statuses: readonly string[]): Answer =>
	ok({
		Results: statuses.map((Status) => ({
			Status,
			SourceArn: DLQ,
			DestinationArn: INGEST,
			ApproximateNumberOfMessagesMoved: 4,
			ApproximateNumberOfMessagesToMove: 10,
			StartedTimestamp: 1_790_000_000_000,
		})),
	});
const STARTED = ok({ TaskHandle: "eyJ0YXNrSWQiOiIxIn0=" });

describe("Redriving the dead-letter queue", () => {
	let server: Server;
	let client: SQSClient;
	let answers: Answer[];
	let asked: { readonly operation: string; readonly input: unknown }[];

	before(async () => {
		process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
		server = createServer((request, response) => {
			let text = "";
			request.on("data", (piece) => {
				text += piece;
			});
			request.on("end", () => {
				const target = String(request.headers["x-amz-target"]);
				asked.push({
					operation: target.split(".")[1] ?? "",
					input: JSON.parse(text),
				});
				const { status, body } = answers.shift() ?? refused("InvalidAddress");
				response.writeHead(status, {
					"content-type": "application/x-amz-json-1.0",
				});
				response.end(JSON.stringify(body));
			});
		});
		await new Promise<void>((resolve) =>
			server.listen(0, "127.0.0.1", () => resolve()),
		);
		const { port } = server.address() as AddressInfo;
		client = new SQSClient({
			endpoint: `http://127.0.0.1:${port}`,
			region: "eu-central-1",
			credentials: { accessKeyId: "test", secretAccessKey: "test" },
			maxAttempts: 1,
		});
	});

	beforeEach(() => {
		asked = [];
	});

	after(async () => {
		client.destroy();
		await new Promise((resolve) => server.close(resolve));
	});

	const redrive = (...given: readonly Answer[]) => {
		answers = [...given];
		return sqsRedrive({
			client,
			deadLetterQueueArn: DLQ,
			ingestQueueArn: INGEST,
		}).redrive();
	};
	const operations = () => asked.map(({ operation }) => operation);

	it("starts to move its messages into the ingest queue", async () => {
		assert.equal(await redrive(tasks(), STARTED), "started");
		assert.deepEqual(asked, [
			{
				operation: "ListMessageMoveTasks",
				input: { SourceArn: DLQ, MaxResults: 1 },
			},
			{
				operation: "StartMessageMoveTask",
				input: { SourceArn: DLQ, DestinationArn: INGEST },
			},
		]);
	});

	for (const status of ["COMPLETED", "CANCELLED", "FAILED"]) {
		it(`starts once more when the last time is ${status}`, async () => {
			assert.equal(await redrive(tasks(status), STARTED), "started");
		});
	}

	it("leaves it alone while it goes on", async () => {
		assert.equal(await redrive(tasks("RUNNING")), "running");
		assert.deepEqual(operations(), ["ListMessageMoveTasks"]);
	});

	it("takes it for going on when somebody else was faster", async () => {
		const unsupported = refused("UnsupportedOperation");
		const outcome = redrive(tasks(), unsupported, tasks("RUNNING"));
		assert.equal(await outcome, "running");
	});

	for (const [what, given] of [
		["may not", [refused("AccessDeniedException")]],
		["is throttled", [tasks(), refused("RequestThrottled")]],
		["is refused", [tasks(), refused("UnsupportedOperation"), tasks()]],
		[
			"names a queue that is not there",
			[tasks(), refused("ResourceNotFoundException")],
		],
	] as const) {
		it(`fails with StoreError when it ${what}`, async () => {
			await assert.rejects(redrive(...given), (error) => {
				assert.ok(error instanceof StoreError);
				assert.equal(error.code, "unavailable");
				assert.match(error.message, /could not be brought back: It is/);
				return true;
			});
		});
	}
});
