import assert from "node:assert/strict";
import { DEFAULT_CONFIG } from "../../firmware/node/config.ts";
import { type ConfigDocument, compare } from "./config-settings.ts";
import { type ConfigShadow, reasonOf, statusOf } from "./config-status.ts";

const NOW = 1_700_000_000_000;
const IN_FORCE: ConfigDocument = { ...DEFAULT_CONFIG };

function shadow(
	desired: ConfigDocument | null,
	reported: ConfigDocument | null,
	times: { readonly desired?: number; readonly refused?: number } = {},
): ConfigShadow {
	const { desired: desiredAt = 5, refused: refusedAt = 7 } = times;
	return {
		state: {
			...(desired === null ? {} : { desired }),
			...(reported === null ? {} : { reported }),
		},
		metadata: {
			desired: { sampleIntervalMs: { timestamp: desiredAt } },
			reported: { refused: { reason: { timestamp: refusedAt } } },
		},
		version: 1,
	};
}

function status(of: ConfigShadow | null) {
	const { desired = null, reported = null } = of?.state ?? {};
	return statusOf(of, compare(desired, reported, NOW), reasonOf(reported));
}

describe("what becomes of a configuration", () => {
	const refused = { ...IN_FORCE, refused: { reason: "No deep sleep." } };

	for (const [expected, what, of] of [
		["unset", "without a shadow", null],
		["unset", "where the node alone has written", shadow(null, IN_FORCE)],
		["waiting", "of a node that has said nothing", shadow({}, null)],
		[
			"waiting",
			"that is another than the one in force",
			shadow({ sampleIntervalMs: 5000 }, IN_FORCE),
		],
		[
			"waiting",
			"whose setting was taken back to its default",
			shadow({}, { ...IN_FORCE, blockSpanMs: 5000 }),
		],
		["taken", "that is in force", shadow({ sampleIntervalMs: 1000 }, IN_FORCE)],
		[
			"taken",
			"that is in force after another was refused",
			shadow({}, refused),
		],
		["refused", "that was refused", shadow({ sleep: true }, refused)],
		[
			"refused",
			"that was refused in the same second",
			shadow({ sleep: true }, refused, { desired: 7 }),
		],
		[
			"waiting",
			"that is newer than what was refused",
			shadow({ sleep: true }, refused, { desired: 8 }),
		],
	] as const) {
		it(`${what}: ${expected}`, () => {
			assert.equal(status(of), expected);
		});
	}

	it("is said with the reason", () => {
		assert.equal(reasonOf(refused), "No deep sleep.");
		assert.equal(reasonOf({ refused: { reason: 7 } }), "no reason given");
		assert.equal(reasonOf({ refused: "x" }), null);
		assert.equal(reasonOf(IN_FORCE), null);
		assert.equal(reasonOf(null), null);
	});
});
