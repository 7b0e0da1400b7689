import assert from "node:assert/strict";
import fc from "fast-check";
import { checkTopicFilter, matchesTopic } from "./topic-filter.ts";

/** The same by another way: the filter as a regular expression. */
function matchesByPattern(filter: string, topic: string): boolean {
	const pattern = filter
		.split("/")
		.map((segment) =>
			segment === "+"
				? "[^/]*"
				: segment === "#"
					? ".*"
					: segment.replace(/\$/g, "\\$"),
		)
		.join("/");
	const dollar = topic.startsWith("$") && !filter.startsWith("$");
	return !dollar && new RegExp(`^${pattern}$`).test(topic);
}

const level = fc.constantFrom("a", "b", "", "$aws");
const topic = fc
	.array(level, { minLength: 1, maxLength: 5 })
	.map((levels) => levels.join("/"));
const filter = fc
	.tuple(
		fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 4 }),
		fc.constantFrom("#", "+", "a"),
	)
	.map(([levels, last]) => [...levels, last].join("/"));

describe("Topic filters of rules", () => {
	it("match as the same filter does as a regular expression", () => {
		fc.assert(
			fc.property(filter, topic, (filter, topic) => {
				assert.equal(
					matchesTopic(filter, topic),
					matchesByPattern(filter, topic),
					`${filter} and ${topic}`,
				);
			}),
			{ numRuns: 2000 },
		);
	});

	it("match the documentation's examples", () => {
		const reached = (filter: string, ...topics: readonly string[]) =>
			topics.filter((topic) => matchesTopic(filter, topic));
		const topics = [
			"topic/subtopic",
			"topic/subtopic-2",
			"topic/subtopic-3/details",
			"topic-2/subtopic-x",
			"topic",
		];
		assert.deepEqual(reached("topic/subtopic", ...topics), ["topic/subtopic"]);
		assert.deepEqual(reached("topic/#", ...topics), topics.slice(0, 3));
		assert.deepEqual(reached("topic/+", ...topics), topics.slice(0, 2));
		assert.deepEqual(reached("sensor/#", "sensor/", "Sensor/a"), ["sensor/"]);
		assert.deepEqual(
			reached("sensor/+/room1", "sensor/humidity/room1", "sensor/a/room2"),
			["sensor/humidity/room1"],
		);
	});

	it("leave reserved topics alone unless they name them", () => {
		assert.equal(matchesTopic("#", "$aws/events/presence/connected/a"), false);
		assert.equal(matchesTopic("+/events/#", "$aws/events/x"), false);
		assert.equal(matchesTopic("$aws/events/#", "$aws/events/x"), true);
	});

	const refused: readonly (readonly [string, string, RegExp])[] = [
		["an empty one", "", /empty/],
		["# that is not last", "a/#/b", /last/],
		["# within a segment", "a/b#", /whole/],
		["+ within a segment", "a/b+/c", /whole/],
		["too many slashes", "a/b/c/d/e/f/g/h/i", /7 slashes/],
		["too many bytes", "ü".repeat(129), /256 bytes/],
		["NUL", "a\0", /characters/],
		["a Basic Ingest topic", "$aws/rules/thinghz_blocks/+/block", /Leave/],
	];
	for (const [what, filter, message] of refused) {
		it(`refuse ${what}`, () =>
			assert.match(checkTopicFilter(filter) ?? "accepted", message));
	}

	it("may be as long as AWS IoT allows", () => {
		assert.equal(checkTopicFilter("a/b/c/d/e/f/g/#"), null);
		assert.equal(checkTopicFilter("a".repeat(256)), null);
		assert.equal(checkTopicFilter("$aws/events/presence/+/+"), null);
	});
});
