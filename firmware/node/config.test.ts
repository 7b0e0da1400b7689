import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_CONFIG, parseConfig } from "./config.ts";

const AVAILABLE = ["temperature", "pressure", "wind"];

function parse(document: unknown): ReturnType<typeof parseConfig> {
	return parseConfig(JSON.stringify(document), AVAILABLE);
}

describe("configuration", () => {
	it("has its defaults where a document says nothing", () => {
		assert.deepEqual(parse({}), { ok: DEFAULT_CONFIG });
	});

	it("takes what a document says", () => {
		const document = {
			sampleIntervalMs: 100,
			blockSpanMs: 60_000,
			channels: ["wind", "temperature"],
			liveUntilMs: 1_790_000_000_000,
			logLevel: "debug",
			checkpointMs: 5000,
			healthIntervalMs: 30_000,
			healthSpanMs: 600_000,
			sleep: false,
		};
		assert.deepEqual(parse(document), { ok: document });
	});

	const refused: readonly (readonly [string, unknown, RegExp])[] = [
		["a list", [], /JSON object/],
		["null", null, /JSON object/],
		["a number", 5, /JSON object/],
		["an unknown member", { sampleIntervall: 5 }, /"sampleIntervall"/],
		["an inherited name", { constructor: 5 }, /"constructor"/],
		["an interval of 9 ms", { sampleIntervalMs: 9 }, /10 to 86400000/],
		["an interval over a day", { sampleIntervalMs: 86_400_001 }, /86400000/],
		["half a millisecond", { sampleIntervalMs: 100.5 }, /whole number/],
		["an interval as text", { sampleIntervalMs: "100" }, /whole number/],
		["a span of nothing", { blockSpanMs: 0 }, /blockSpanMs/],
		[
			"a span below the interval",
			{ sampleIntervalMs: 5000, blockSpanMs: 2000 },
			/not be less/,
		],
		[
			"a health span below its interval",
			{ healthIntervalMs: 5000, healthSpanMs: 2000 },
			/healthSpanMs/,
		],
		["no channels", { channels: [] }, /list of channel ids/],
		["channels as a word", { channels: "some" }, /list of channel ids/],
		["an unknown channel", { channels: ["rain"] }, /"rain"/],
		["a channel twice", { channels: ["wind", "wind"] }, /twice/],
		["a channel that is no text", { channels: [7] }, /names 7/],
		["live mode until a word", { liveUntilMs: "soon" }, /liveUntilMs/],
		["live mode until before 1970", { liveUntilMs: -1 }, /liveUntilMs/],
		["an unknown log level", { logLevel: "loud" }, /logLevel/],
		["sleep as a number", { sleep: 1 }, /true or false/],
		["no checkpoints", { checkpointMs: null }, /checkpointMs/],
	];
	for (const [what, document, reason] of refused)
		it(`refuses ${what}, and says why in a sentence`, () => {
			const verdict = parse(document);
			assert.ok("refused" in verdict);
			assert.match(verdict.refused, reason);
			assert.match(verdict.refused, /^\S.*\.$/);
		});

	it("takes sleep on a board that can, and for nothing else", () => {
		const document = { sleep: true, sampleIntervalMs: 60_000 };
		const parseOn = (canSleep: boolean, more: object = {}) =>
			parseConfig(JSON.stringify({ ...document, ...more }), [], canSleep);
		assert.deepEqual(parseOn(true), { ok: { ...DEFAULT_CONFIG, ...document } });
		for (const [verdict, reason] of [
			[parseOn(false), /no deep sleep/],
			[parseOn(true, { sampleIntervalMs: 4999 }), /at least 5000/],
			[parseOn(true, { liveUntilMs: 5 }), /liveUntilMs/],
		] as const) {
			assert.ok("refused" in verdict);
			assert.match(verdict.refused, reason);
			assert.match(verdict.refused, /^\S.*\.$/);
		}
	});

	it("refuses what is not JSON", () => {
		const verdict = parseConfig("{", AVAILABLE);
		assert.ok("refused" in verdict);
		assert.match(verdict.refused, /not JSON/);
	});

	it("takes all channels, as many as a block holds, but refuses to be given more", () => {
		const many = Array.from({ length: 17 }, (_, n) => `c${n}`);
		assert.deepEqual(parseConfig("{}", many), { ok: DEFAULT_CONFIG });
		const chosen = JSON.stringify({ channels: many.slice(1) });
		assert.ok("ok" in parseConfig(chosen, many));
		const verdict = parseConfig(JSON.stringify({ channels: many }), many);
		assert.ok("refused" in verdict);
		assert.match(verdict.refused, /17 channels/);
	});

	it("judges any text without throwing", () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
				const verdict = parseConfig(text, AVAILABLE);
				assert.ok("ok" in verdict || verdict.refused.length > 0);
			}),
		);
	});
});
