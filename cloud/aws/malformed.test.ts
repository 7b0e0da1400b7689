import assert from "node:assert/strict";
import { blockOf } from "../core/contracts/fixtures.ts";
import type { IncomingMessage } from "../core/ingest.ts";
import { blockRuleMessage } from "./fakes/events.ts";
import { takingEnvelopes, UNKNOWN_SENDER } from "./malformed.ts";

const NOW = 1_790_000_000_000;

describe("A dead letter of an unknown sender", () => {
	const letter = (body: string): IncomingMessage => ({
		thing: UNKNOWN_SENDER,
		topic: "arn:aws:sqs:eu-central-1:123456789012:thinghz-ingest",
		receivedMs: NOW,
		payload: new TextEncoder().encode(body),
	});
	let taken: IncomingMessage[];
	const ingest = takingEnvelopes({
		async take(message) {
			taken.push(message);
			return null;
		},
	});

	beforeEach(() => {
		taken = [];
	});

	it("is taken in as what it holds, when that can be read after all", async () => {
		const message = blockRuleMessage("boiler", blockOf([1]), NOW - 5);
		assert.equal(await ingest.take(letter(JSON.stringify(message))), null);
		assert.equal(taken[0]?.thing, "boiler");
		assert.equal(taken[0]?.receivedMs, NOW - 5);
	});

	it("stays one while it holds nothing that can be read", async () => {
		const refusal = await ingest.take(letter("{"));
		assert.equal(refusal?.reason, "bad_envelope");
		assert.equal(taken.length, 0);
	});

	it("is told apart from those of things, which are taken as they are", async () => {
		const message = { ...letter("{"), thing: "boiler" };
		assert.equal(await ingest.take(message), null);
		assert.deepEqual(taken, [message]);
	});
});
