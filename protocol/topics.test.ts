import assert from "node:assert/strict";
import fc from "fast-check";
import { identityKey } from "./block.ts";
import {
	blockTopic,
	eventTopic,
	isThingName,
	liveTopic,
	parsePublishTopic,
} from "./topics.ts";

const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,128}$/);

describe("parsePublishTopic", () => {
	it("finds sender and purpose of every topic that a thing publishes to", () => {
		fc.assert(
			fc.property(name, (thing) => {
				const kinds = { block: blockTopic, event: eventTopic, live: liveTopic };
				for (const [kind, topicOf] of Object.entries(kinds))
					assert.deepEqual(parsePublishTopic(topicOf(thing)), { thing, kind });
			}),
		);
	});

	for (const topic of [
		"",
		"$aws/rules/thinghz_blocks/a/event",
		"$aws/rules/thinghz_events/a/block",
		"$aws/rules/other/a/block",
		"$aws/rules/thinghz_blocks/a",
		"$aws/rules/thinghz_blocks/a/block/",
		"$aws/rules/thinghz_blocks//block",
		"$aws/rules/thinghz_blocks/a+b/block",
		"thinghz/a/lives",
		"thinghz//live",
		"thinghz/a/b/live",
		"thinghz/#/live",
		"/thinghz/a/live",
	])
		it(`finds none in "${topic}"`, () => {
			assert.equal(parsePublishTopic(topic), null);
		});

	it("takes any text without failing, and only names things by their names", () => {
		fc.assert(
			fc.property(fc.string(), fc.string(), (text, thing) => {
				parsePublishTopic(text);
				const found = parsePublishTopic(liveTopic(thing));
				if (found !== null) assert.ok(isThingName(found.thing));
			}),
		);
	});
});

describe("isThingName", () => {
	it("takes 128 characters and no more, and none that a file name or a topic would stumble over", () => {
		assert.ok(isThingName("a".repeat(128)));
		for (const wrong of [
			"",
			"a".repeat(129),
			"a/b",
			"a:b",
			"..",
			"a b",
			"a\n",
			"é",
		])
			assert.ok(!isThingName(wrong), wrong);
	});
});

describe("identityKey", () => {
	it("joins journal, boot and sequence", () => {
		const identity = { journalId: "0123456789abcdef", boot: 7, sequence: 42 };
		assert.equal(identityKey(identity), "0123456789abcdef-7-42");
	});
});
