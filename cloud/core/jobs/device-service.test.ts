import assert from "node:assert/strict";
import {
	fleetOf,
	type JobCloud,
	jobCloud,
	someSettings,
} from "../fakes/job-cloud.ts";
import { memoryStores } from "../fakes/memory-stores.ts";
import { settled } from "../fakes/virtual-time.ts";
import { StoreError } from "../ports.ts";
import type { DeviceMessage } from "../reserved-topics.ts";
import { JobsService } from "./device-service.ts";

const REBOOT = { operation: "reboot", version: 1 };

interface Heard {
	readonly topic: string;
	/** Whatever it holds; a test says what it is to hold. */
	// biome-ignore lint/suspicious/noExplicitAny: a document of JSON
	readonly document: Record<string, any>;
}

function heard({ topic, payload }: DeviceMessage): Heard {
	const [, rest = topic] = topic.split("$aws/things/boiler/jobs/");
	return {
		topic: rest,
		document: JSON.parse(new TextDecoder().decode(payload)),
	};
}

describe("What a thing asks about its jobs", () => {
	let cloud: JobCloud;
	let service: JobsService;
	let sent: Heard[];
	let nowS: number;

	beforeEach(async () => {
		cloud = await jobCloud(fleetOf(["boiler"]));
		nowS = Math.floor(cloud.time.now / 1000);
		sent = [];
		const { devices } = memoryStores();
		await devices.create("boiler", 1);
		service = new JobsService({
			jobs: cloud.jobs,
			things: devices,
			firmware: {
				downloadUrl: async ({ version, board, file }, ttlS) =>
					`https://here/${version}/${board}/${file}?ttl=${ttlS}&signature=x`,
			},
			sender: {
				send: async (messages) => {
					sent.push(...messages.map(heard));
				},
			},
			clock: cloud.time,
			onError: (error) => cloud.errors.push(error),
		});
	});

	afterEach(async () => {
		await cloud.jobs.stop();
		assert.deepEqual(cloud.errors, []);
	});

	const create = async (jobId = "job-1", document: unknown = REBOOT) => {
		await cloud.jobs.create(
			someSettings({ jobId, document: JSON.stringify(document) }),
		);
		await settled();
	};
	const ask = async (
		operation: string,
		request: unknown = {},
		thing = "boiler",
	): Promise<Heard> => {
		const topic = `$aws/things/${thing}/jobs/${operation}`;
		assert.ok(service.answers(topic));
		const payload =
			request instanceof Uint8Array
				? request
				: new TextEncoder().encode(JSON.stringify(request));
		const [answer, ...more] = await service.handle({
			thing,
			clientId: thing,
			certificateId: "c",
			topic,
			payload,
		});
		await settled();
		assert.ok(answer !== undefined && more.length === 0);
		const told = heard(answer);
		assert.equal(told.document.timestamp, nowS);
		return told;
	};

	it("is answered with what has not ended", async () => {
		await create();
		await create("job-2");
		await ask("job-2/update", { status: "IN_PROGRESS" });
		const summary = { queuedAt: nowS, lastUpdatedAt: nowS, executionNumber: 1 };
		assert.deepEqual(await ask("get", { clientToken: "t-1" }), {
			topic: "get/accepted",
			document: {
				inProgressJobs: [
					{ jobId: "job-2", ...summary, startedAt: nowS, versionNumber: 2 },
				],
				queuedJobs: [{ jobId: "job-1", ...summary, versionNumber: 1 }],
				timestamp: nowS,
				clientToken: "t-1",
			},
		});
	});

	it("is answered with the next, begun, and its document; or with none", async () => {
		assert.deepEqual((await ask("start-next", new Uint8Array())).document, {
			timestamp: nowS,
		});
		await create();
		const { topic, document } = await ask("start-next", {
			statusDetails: { step: "1" },
			stepTimeoutInMinutes: 5,
			clientToken: "x",
		});
		assert.equal(topic, "start-next/accepted");
		assert.deepEqual(document.execution, {
			jobId: "job-1",
			thingName: "boiler",
			jobDocument: REBOOT,
			status: "IN_PROGRESS",
			statusDetails: { step: "1" },
			queuedAt: nowS,
			startedAt: nowS,
			lastUpdatedAt: nowS,
			versionNumber: 2,
			executionNumber: 1,
		});
		assert.equal(document.clientToken, "x");
		await cloud.time.pass(5 * 60_000);
		nowS += 300;
		assert.equal(
			(await ask("job-1/get")).document.code,
			"TerminalStateReached",
		);
	});

	it("is answered with one or the next, without its document where that is not wanted", async () => {
		await create();
		const { document } = await ask("$next/get");
		assert.deepEqual(document.execution.jobDocument, REBOOT);
		const bare = await ask("job-1/get", {
			includeJobDocument: false,
			executionNumber: 1,
		});
		assert.equal(bare.document.execution.jobDocument, undefined);
		assert.equal(bare.document.execution.jobId, "job-1");
		const other = await ask("job-1/get", { executionNumber: 2 });
		assert.equal(other.document.code, "ResourceNotFound");
	});

	it("changes an execution, and is answered with its state and document where they are wanted", async () => {
		await create();
		const plain = await ask("job-1/update", { status: "IN_PROGRESS" });
		assert.deepEqual(plain, {
			topic: "job-1/update/accepted",
			document: { timestamp: nowS },
		});
		const { document } = await ask("job-1/update", {
			status: "SUCCEEDED",
			statusDetails: { reason: "done" },
			expectedVersion: "2",
			includeJobExecutionState: true,
			includeJobDocument: true,
		});
		assert.deepEqual(document, {
			executionState: {
				status: "SUCCEEDED",
				statusDetails: { reason: "done" },
				versionNumber: 3,
			},
			jobDocument: REBOOT,
			timestamp: nowS,
		});
	});

	it("is refused with the state where it is not as the device believes", async () => {
		await create();
		const mismatch = await ask("job-1/update", {
			status: "IN_PROGRESS",
			expectedVersion: 9,
			clientToken: "mine",
		});
		assert.equal(mismatch.topic, "job-1/update/rejected");
		assert.equal(mismatch.document.code, "VersionMismatch");
		assert.equal(mismatch.document.executionState.versionNumber, 1);
		assert.equal(mismatch.document.clientToken, "mine");
		await ask("job-1/update", { status: "SUCCEEDED" });
		const ended = await ask("job-1/update", { status: "IN_PROGRESS" });
		assert.equal(ended.document.code, "InvalidStateTransition");
		assert.equal(ended.document.executionState.status, "SUCCEEDED");
		const described = await ask("job-1/get");
		assert.equal(described.document.code, "TerminalStateReached");
		assert.equal(described.document.executionState, undefined);
	});

	const good = { status: "IN_PROGRESS" };
	for (const [code, operation, request] of [
		["InvalidTopic", "job-1/delete", {}],
		["InvalidTopic", "$next/update", good],
		["InvalidTopic", "", {}],
		["InvalidJson", "get", new TextEncoder().encode("{")],
		["InvalidJson", "get", Uint8Array.of(0x22, 0xff, 0x22)],
		["InvalidRequest", "get", []],
		["InvalidRequest", "get", { clientToken: 5 }],
		["InvalidRequest", "get", { clientToken: "x".repeat(65) }],
		["InvalidRequest", "job-1/update", {}],
		["InvalidRequest", "job-1/update", { status: "QUEUED" }],
		["InvalidRequest", "job-1/update", { status: "CANCELED" }],
		["InvalidRequest", "job-1/update", { ...good, statusDetails: { a: 1 } }],
		["InvalidRequest", "job-1/update", { ...good, statusDetails: ["a"] }],
		["InvalidRequest", "job-1/update", { ...good, statusDetails: { "": "x" } }],
		[
			"InvalidRequest",
			"job-1/update",
			{ ...good, statusDetails: { a: "x".repeat(1025) } },
		],
		[
			"InvalidRequest",
			"job-1/update",
			{
				...good,
				statusDetails: Object.fromEntries(
					Array.from({ length: 11 }, (_, at) => [`d${at}`, "x"]),
				),
			},
		],
		["InvalidRequest", "job-1/update", { ...good, expectedVersion: 1.5 }],
		["InvalidRequest", "job-1/update", { ...good, stepTimeoutInMinutes: 0 }],
		["InvalidRequest", "start-next", { stepTimeoutInMinutes: 10_081 }],
		["InvalidRequest", "job-1/get", { includeJobDocument: "yes" }],
		["ResourceNotFound", "job-9/get", {}],
		["ResourceNotFound", "job-9/update", good],
	] as const) {
		it(`is refused as ${code}: ${operation} ${request instanceof Uint8Array ? "bytes" : JSON.stringify(request).slice(0, 60)}`, async () => {
			await create();
			const answer = await ask(operation, request);
			assert.match(answer.topic, /rejected$/);
			assert.equal(answer.document.code, code);
			assert.match(answer.document.message, /^.+\.$/);
			const [pending] = await cloud.jobs.pending("boiler");
			assert.equal(pending?.versionNumber, 1);
		});
	}

	it("is refused to who is no thing any more", async () => {
		const answer = await ask("get", {}, "roof");
		assert.equal(answer.document.code, "ResourceNotFound");
	});

	it("is not acknowledged while the store fails", async () => {
		await create();
		const failure = new StoreError("disk_full", "There is no room.");
		cloud.store.failure = failure;
		await assert.rejects(ask("job-1/update", good), failure);
	});

	it("has addresses of images in the place of placeholders, signed when it is asked", async () => {
		const image = "1.2.0/esp32-c3/app.bin";
		const url = `\${thinghz:firmware:${image}}`;
		await create("job-1", { any: [url, url], other: "x" });
		const { document } = await ask("start-next");
		const address = `https://here/${image}?ttl=3600&signature=x`;
		assert.deepEqual(document.execution.jobDocument, {
			any: [address, address],
			other: "x",
		});
	});

	describe("is told, as in AWS's example,", () => {
		const listed = (): unknown[] =>
			sent.flatMap(({ topic, document }): unknown[] =>
				topic === "notify"
					? [
							Object.fromEntries(
								Object.entries(
									document.jobs as Record<string, { jobId: string }[]>,
								).map(([status, jobs]) => [
									status,
									jobs.map(({ jobId }) => jobId),
								]),
							),
						]
					: [`next ${document.execution?.jobId ?? "none"}`],
			);

		it("when the list changes and when the next does, and not when the next begins", async () => {
			const news = () => {
				const now = listed();
				sent = [];
				return now;
			};
			await create("job1", { operation: "test" });
			assert.deepEqual(sent[1], {
				topic: "notify-next",
				document: {
					timestamp: nowS,
					execution: {
						jobId: "job1",
						status: "QUEUED",
						queuedAt: nowS,
						lastUpdatedAt: nowS,
						versionNumber: 1,
						executionNumber: 1,
						jobDocument: { operation: "test" },
					},
				},
			});
			assert.deepEqual(news(), [{ QUEUED: ["job1"] }, "next job1"]);
			await create("job2");
			assert.deepEqual(news(), [{ QUEUED: ["job1", "job2"] }]);
			await ask("start-next");
			assert.deepEqual(news(), []);
			await create("job3");
			assert.deepEqual(news(), [
				{ IN_PROGRESS: ["job1"], QUEUED: ["job2", "job3"] },
			]);
			await ask("job1/update", { status: "SUCCEEDED" });
			assert.deepEqual(news(), [{ QUEUED: ["job2", "job3"] }, "next job2"]);
			await ask("job3/update", { status: "IN_PROGRESS" });
			assert.deepEqual(news(), ["next job3"]);
			await ask("job2/update", { status: "REJECTED" });
			assert.deepEqual(news(), [{ IN_PROGRESS: ["job3"] }]);
			await cloud.jobs.delete("job3", true);
			await settled();
			assert.deepEqual(sent, [
				{ topic: "notify", document: { timestamp: nowS, jobs: {} } },
				{ topic: "notify-next", document: { timestamp: nowS } },
			]);
		});

		it("of ten executions at most", async () => {
			for (let at = 10; at < 22; at++) await create(`job-${at}`);
			const last = sent.at(-1)?.document.jobs.QUEUED;
			assert.equal(last.length, 10);
		});
	});
});
