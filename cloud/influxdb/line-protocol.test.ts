import assert from "node:assert/strict";
import fc from "fast-check";
import { ROWS_FROM, someRows } from "../core/contracts/row-store.ts";
import { toLines, toTagValue } from "./line-protocol.ts";

/** Reads a line as the reference has it: the first unescaped space ends the tags, a backslash escapes comma, equals, space. */
function parse(line: string): {
	readonly measurement: string;
	readonly tags: Readonly<Record<string, string>>;
	readonly fields: string;
	readonly time: string;
} {
	const parts: string[] = [""];
	let at = 0;
	for (; at < line.length && line[at] !== " "; at++) {
		if (line[at] === "\\" && /[,= ]/.test(line[at + 1] ?? "")) {
			parts.push(`${parts.pop()}${line[++at]}`);
		} else if (line[at] === "," || line[at] === "=") parts.push("");
		else parts.push(`${parts.pop()}${line[at]}`);
	}
	const [measurement = "", ...pairs] = parts;
	const tags: Record<string, string> = {};
	for (let i = 0; i < pairs.length; i += 2) {
		tags[pairs[i] ?? ""] = pairs[i + 1] ?? "";
	}
	const [fields = "", time = "", ...rest] = line.slice(at + 1).split(" ");
	assert.deepEqual(rest, []);
	return { measurement, tags, fields, time };
}

describe("line protocol", () => {
	it("has a line a row, tags by name, times in ms", () => {
		assert.deepEqual(
			toLines(
				someRows({
					rows: [
						{ channel: "t", unit: "°C", timeMs: ROWS_FROM, value: -0.25 },
						{ channel: "n", unit: "", timeMs: ROWS_FROM, value: 1e-9 },
					],
				}),
			),
			[
				`readings,boot=1,channel=t,device=boiler,journal=00000000000000a1,unit=°C value=-0.25 ${ROWS_FROM}`,
				`readings,boot=1,channel=n,device=boiler,journal=00000000000000a1 value=1e-9 ${ROWS_FROM}`,
			],
		);
	});

	it("says the same back for every unit and value", () => {
		fc.assert(
			fc.property(
				fc.string({ unit: "binary", maxLength: 16 }),
				fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff }),
				fc.integer({ min: -9, max: 9 }),
				(unit, raw, exponent) => {
					const value = raw * 10 ** exponent;
					const row = { channel: "t", unit, timeMs: ROWS_FROM, value };
					const [line = ""] = toLines(someRows({ rows: [row] }));
					assert.doesNotMatch(line, /[\n\r]/);
					const { measurement, tags, fields, time } = parse(line);
					assert.equal(measurement, "readings");
					assert.equal(tags.unit ?? "", toTagValue(unit));
					assert.equal(tags.device, "boiler");
					assert.equal(Number(fields.replace("value=", "")), value);
					assert.equal(Number(time), ROWS_FROM);
				},
			),
		);
	});

	it("changes no unit that has neither a backslash nor a control character", () => {
		fc.assert(
			fc.property(fc.string({ unit: "grapheme", maxLength: 16 }), (unit) => {
				fc.pre(!/[\\\p{Cc}\u2028\u2029]/u.test(unit));
				assert.equal(toTagValue(unit), unit);
			}),
		);
	});
});
