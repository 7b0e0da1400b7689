import assert from "node:assert/strict";
import fc from "fast-check";
import { ShadowError } from "./errors.ts";
import {
	isShadowName,
	MAX_LEVELS,
	MAX_STATE_BYTES,
	parseJson,
	readToken,
	readUpdate,
} from "./request.ts";

function parse(text: string) {
	return parseJson(new TextEncoder().encode(text));
}

function nested(levels: number, open: string, close: string): string {
	return `${open.repeat(levels)}1${close.repeat(levels)}`;
}

function assertRejected(
	run: () => unknown,
	status: number,
	message: string | RegExp,
): void {
	assert.throws(run, (error: unknown) => {
		assert.ok(error instanceof ShadowError);
		assert.equal(error.status, status);
		if (typeof message === "string") assert.equal(error.message, message);
		else assert.match(error.message, message);
		return true;
	});
}

describe("a request to update a shadow", () => {
	for (const [what, text, message] of [
		["nothing", "", "Invalid JSON"],
		["half a document", '{"state":{', "Invalid JSON"],
		["no object", "[]", "Invalid JSON"],
		["no state", '{"version":1}', "Missing required node: state"],
		["a state that is null", '{"state":null}', "State node must be an object"],
		["a state that is a list", '{"state":[]}', "State node must be an object"],
		[
			"a state that is a text",
			'{"state":"on"}',
			"State node must be an object",
		],
		[
			"a desired number",
			'{"state":{"desired":1}}',
			"Desired node must be an object",
		],
		[
			"a desired list",
			'{"state":{"desired":[]}}',
			"Desired node must be an object",
		],
		[
			"a reported text",
			'{"state":{"reported":"x"}}',
			"Reported node must be an object",
		],
		[
			"another section",
			'{"state":{"delta":{}}}',
			"State contains an invalid node",
		],
		[
			"a null in a list",
			'{"state":{"desired":{"a":[1,null]}}}',
			"State contains an invalid node",
		],
		[
			"a null deep in a list",
			'{"state":{"desired":{"a":[[{"b":null}]]}}}',
			"State contains an invalid node",
		],
		[
			"a number that is none",
			'{"state":{"desired":{"a":1e999}}}',
			"State contains an invalid node",
		],
		[
			"a version that is a text",
			'{"state":{},"version":"1"}',
			"Invalid version",
		],
		["half a version", '{"state":{},"version":1.5}', "Invalid version"],
		["a version below 0", '{"state":{},"version":-1}', "Invalid version"],
	] as const) {
		it(`with ${what} is rejected: ${message}`, () => {
			assertRejected(() => readUpdate(parse(text)), 400, message);
		});
	}

	it("in another encoding is rejected", () => {
		assertRejected(
			() => parseJson(Uint8Array.of(0x22, 0xe9, 0x22)),
			415,
			"Unsupported documented encoding; supported encoding is UTF-8",
		);
	});

	for (const [what, open, close] of [
		["objects", '{"a":', "}"],
		["lists", "[", "]"],
	] as const) {
		it(`may have ${MAX_LEVELS} levels of ${what} in a section and no more`, () => {
			const text = (levels: number) =>
				`{"state":{"desired":{"x":${nested(levels - 1, open, close)}}}}`;
			readUpdate(parse(text(MAX_LEVELS)));
			for (const levels of [MAX_LEVELS + 1, 10_000]) {
				assertRejected(
					() => readUpdate(parse(text(levels))),
					400,
					/too many levels of nesting/,
				);
			}
		});
	}

	it("may have 8 KB of state, in bytes of UTF-8, and no more", () => {
		const filled = (bytes: number) => {
			const frame = '{"x":""}';
			return parse(
				`{"state":{"desired":{"x":"${"x".repeat(bytes - frame.length)}"}}}`,
			);
		};
		readUpdate(filled(MAX_STATE_BYTES));
		const tooLarge = "The payload exceeds the maximum size allowed";
		assertRejected(
			() => readUpdate(filled(MAX_STATE_BYTES + 1)),
			413,
			tooLarge,
		);
		const umlauts = parse(`{"state":{"reported":{"x":"${"ä".repeat(4200)}"}}}`);
		assertRejected(() => readUpdate(umlauts), 413, tooLarge);
		const both = parse(
			`{"state":{"desired":{"x":"${"x".repeat(4200)}"},"reported":{"x":"${"x".repeat(4200)}"}}}`,
		);
		assertRejected(() => readUpdate(both), 413, tooLarge);
	});

	it("may have members of any name, no state to change, and members that mean nothing", () => {
		const update = readUpdate(
			parse(
				'{"state":{"desired":{"__proto__":{"a":1}},"reported":null},"more":1}',
			),
		);
		assert.ok(Object.hasOwn(update.state.desired ?? {}, "__proto__"));
		assert.equal(update.state.reported, null);
		assert.deepEqual(readUpdate(parse('{"state":{},"version":0}')), {
			state: {},
			version: 0,
		});
	});

	it("is read or rejected, whatever it is", () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.json(),
					fc.json().map((text) => `{"state":{"desired":${text}}}`),
				),
				(text) => {
					try {
						readUpdate(parse(text));
					} catch (error) {
						assert.ok(error instanceof ShadowError);
					}
				},
			),
		);
	});
});

describe("a client token", () => {
	it("may have 64 bytes and no more", () => {
		const token = "t".repeat(64);
		assert.deepEqual(readToken({ clientToken: token }), { clientToken: token });
		for (const clientToken of [`${token}t`, "ä".repeat(33), 7, {}, [], true]) {
			assertRejected(
				() => readToken({ clientToken }),
				400,
				"Invalid clientToken",
			);
		}
	});

	it("may be left out of a document, which is an object in any case", () => {
		assert.deepEqual(readToken({}), {});
		assert.deepEqual(readToken({ clientToken: null }), {});
		for (const document of [null, 1, "x", []]) {
			assertRejected(() => readToken(document), 400, "Invalid JSON");
		}
	});
});

describe("a shadow's name", () => {
	it("is 1 to 64 of the characters that AWS allows", () => {
		for (const name of ["a", "config", "A:b_c-9", "x".repeat(64)]) {
			assert.ok(isShadowName(name), name);
		}
		for (const name of [
			"",
			"x".repeat(65),
			"a b",
			"a/b",
			"ä",
			"a.b",
			"a\n",
			"$x",
		]) {
			assert.ok(!isShadowName(name), name);
		}
	});
});
