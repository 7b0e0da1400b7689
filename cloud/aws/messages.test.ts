import assert from "node:assert/strict";
import fc from "fast-check";
import { blockTopic, eventTopic } from "../../protocol/topics.ts";
import { blockOf, DAY } from "../core/contracts/fixtures.ts";
import {
	blockRuleMessage,
	eventRuleMessage,
	jobExecutionEvent,
	lifecycleEvent,
	ruleErrorMessage,
} from "./fakes/events.ts";
import {
	BLOCKS_RULE,
	EVENTS_RULE,
	MalformedMessage,
	parseDeviceEvent,
	parseIngestMessage,
	parseJobExecutionEvent,
	parseLifecycleEvent,
} from "./messages.ts";

const PAYLOAD = Uint8Array.of(0, 255, 1, 254);
const NOW = 1_790_000_000_000;

function parse(message: unknown) {
	const body = typeof message === "string" ? message : JSON.stringify(message);
	const { payload, ...rest } = parseIngestMessage(body, NOW + 5);
	return { ...rest, payload: [...payload] };
}

describe("The ingest queue's messages", () => {
	it("are named in the topics that nodes publish to", () => {
		assert.ok(blockTopic("x").startsWith(`$aws/rules/${BLOCKS_RULE}/`));
		assert.ok(eventTopic("x").startsWith(`$aws/rules/${EVENTS_RULE}/`));
	});

	it("give a block with the topic it was published to, its sender and when it came", () => {
		assert.deepEqual(parse(blockRuleMessage("boiler", PAYLOAD, NOW)), {
			thing: "boiler",
			topic: blockTopic("boiler"),
			payload: [...PAYLOAD],
			receivedMs: NOW,
		});
	});

	it("give an event byte for byte, JSON or not", () => {
		assert.deepEqual(parse(eventRuleMessage("boiler", PAYLOAD, NOW)), {
			thing: "boiler",
			topic: eventTopic("boiler"),
			payload: [...PAYLOAD],
			receivedMs: NOW,
		});
	});

	it("give any payload as it was", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 100 }), (payload) => {
				const message = blockRuleMessage("boiler", payload, NOW);
				assert.deepEqual(parse(message).payload, [...payload]);
			}),
		);
	});

	for (const topic of ["boiler/block", blockTopic("boiler")]) {
		it(`give what a rule could not pass on, its topic named as ${topic}`, () => {
			const message = ruleErrorMessage(BLOCKS_RULE, "boiler", topic, PAYLOAD);
			assert.deepEqual(parse(message), {
				thing: "boiler",
				topic: blockTopic("boiler"),
				payload: [...PAYLOAD],
				receivedMs: NOW + 5,
			});
		});
	}

	const failed = (payload: Uint8Array) =>
		JSON.stringify(
			ruleErrorMessage(BLOCKS_RULE, "boiler", "boiler/block", payload),
		);
	const hour = { intervalMs: 60_000, startUptimeMs: 5_000 };
	const samples = Array.from({ length: 60 }, (_, i) => i);

	it("give what a rule could not pass on with the time that the block itself tells, though it is redriven days later", () => {
		const block = blockOf(samples, hour);
		const days = DAY + 9 * 86_400_000;
		const { receivedMs } = parseIngestMessage(failed(block), days);
		assert.equal(receivedMs, DAY + 5_000 + 59 * 60_000);
	});

	for (const [what, changes, sentMs] of [
		["does not know it", { clock: null }, DAY + 7],
		[
			"has it from its own memory",
			{ clock: { bootTimeMs: DAY, source: "stored" } },
			DAY + 7,
		],
		["is of the future", {}, DAY - 86_400_000],
	] as const) {
		it(`give it with the time of the queue when the block ${what}`, () => {
			const block = blockOf(samples, { ...hour, ...changes });
			assert.equal(
				parseIngestMessage(failed(block), sentMs).receivedMs,
				sentMs,
			);
		});
	}

	it("are never later than the queue has them, though the node's clock is some minutes ahead", () => {
		const block = blockOf([1, 2, 3], hour);
		const message = parseIngestMessage(failed(block), DAY + 10_000);
		assert.equal(message.receivedMs, DAY + 10_000);
	});

	it("do not make a block of what was published to a deeper topic of another rule", () => {
		const message = ruleErrorMessage(
			EVENTS_RULE,
			"boiler",
			"boiler/block",
			PAYLOAD,
		);
		assert.equal(
			parse(message).topic,
			`$aws/rules/${EVENTS_RULE}/boiler/block`,
		);
	});

	const whole = blockRuleMessage("boiler", PAYLOAD, NOW);
	for (const [what, message] of [
		["nothing", ""],
		["no JSON", "{"],
		["a list", "[]"],
		["null", "null"],
		["neither a block nor an event", { ...whole, block: undefined }],
		["a block that is no text", { ...whole, block: 7 }],
		["no topic", { ...whole, topic: undefined }],
		["no client", { ...whole, client: undefined }],
		["no time", { ...whole, receivedMs: undefined }],
		["a time that is none", { ...whole, receivedMs: 1.5 }],
		["a time before there was any", { ...whole, receivedMs: -1 }],
		[
			"a failure of a rule of somebody else",
			ruleErrorMessage("other", "boiler", "x", PAYLOAD),
		],
	] as const) {
		it(`are not ${what}`, () => {
			assert.throws(() => parse(message), MalformedMessage);
		});
	}
});

describe("The presence queue's messages", () => {
	it("say who came or went, when, and in which connection", () => {
		const event = lifecycleEvent("disconnected", "boiler", 4, NOW);
		assert.deepEqual(parseLifecycleEvent(JSON.stringify(event)), {
			clientId: "boiler",
			eventType: "disconnected",
			timestamp: NOW,
			versionNumber: 4,
			principalIdentifier: "ab".repeat(32),
		});
	});

	const whole = lifecycleEvent("connected", "boiler", 4, NOW);
	for (const [what, event] of [
		["of another type", { ...whole, eventType: "connect_failed" }],
		["without client", { ...whole, clientId: undefined }],
		["without time", { ...whole, timestamp: "now" }],
		["without version", { ...whole, versionNumber: null }],
	] as const) {
		it(`are not ${what}`, () => {
			assert.throws(
				() => parseLifecycleEvent(JSON.stringify(event)),
				MalformedMessage,
			);
		});
	}
});

describe("The presence queue's messages of jobs", () => {
	const whole = jobExecutionEvent(
		"timed_out",
		"boiler",
		"job-1",
		1_790_000_000,
	);

	it("say how which job ended on which thing, and when", () => {
		assert.deepEqual(
			parseDeviceEvent(
				JSON.stringify({ ...whole, statusDetails: { step: "download" } }),
			),
			{
				kind: "jobExecution",
				event: {
					jobId: "job-1",
					thing: "boiler",
					deleted: false,
					status: "TIMED_OUT",
					statusDetails: { step: "download" },
					timestamp: 1_790_000_000_000,
				},
			},
		);
		const connected = lifecycleEvent("connected", "boiler", 4, NOW);
		const told = parseDeviceEvent(JSON.stringify(connected));
		assert.equal(told.kind, "lifecycle");
	});

	for (const [what, event] of [
		["without a job", { ...whole, jobId: undefined }],
		["without a thing", { ...whole, thingArn: undefined }],
		[
			"of what is no thing",
			{ ...whole, thingArn: whole.thingArn.replace(":thing/", ":thinggroup/") },
		],
		["of a status that there is not", { ...whole, status: "DONE" }],
		["with details that are no texts", { ...whole, statusDetails: { a: 1 } }],
		["with a list of details", { ...whole, statusDetails: ["a"] }],
		["without time", { ...whole, timestamp: undefined }],
	] as const) {
		it(`are not ${what}`, () => {
			assert.throws(
				() => parseJobExecutionEvent(JSON.stringify(event)),
				MalformedMessage,
			);
		});
	}
});
