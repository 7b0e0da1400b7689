import assert from "node:assert/strict";
import fc from "fast-check";
import {
	firmwarePlaceholder,
	replaceFirmwarePlaceholders,
} from "./firmware-placeholders.ts";
import { JOB_OPERATIONS, judgeJobDocument } from "./job-documents.ts";

const UPDATE = {
	operation: "update",
	version: 1,
	manifest: "e30=",
	signature: "AAEC",
	url: firmwarePlaceholder("1.2.0/esp32-c3/app.bin"),
};
const { url: _, ...NOWHERE } = UPDATE;
const STREAMED = { ...NOWHERE, stream: "thinghz-1" };
const WIFI = {
	operation: "wifi",
	version: 1,
	ssid: "Gewächshaus",
	password: "tomatoes",
};

/** What only looks like one of our placeholders. */
const OTHER = `\${thinghz:x} \${}`;

describe("A job's document", () => {
	for (const document of [
		UPDATE,
		{ ...UPDATE, url: "https://example.org/app.bin", stream: "fw-1_2" },
		STREAMED,
		{ ...UPDATE, deltaUrl: firmwarePlaceholder("1.2.0/esp32/delta.bin") },
		WIFI,
		{ ...WIFI, password: "" },
		{ operation: "rotate", version: 1 },
		{ operation: "reboot", version: 1 },
		{ operation: "logs", version: 1 },
		{ operation: "reset", version: 1 },
	]) {
		it(`is good: ${JSON.stringify(document)}`, () => {
			assert.deepEqual(judgeJobDocument(document), { ok: document });
		});
	}

	for (const [reason, document] of [
		["bad_document", null],
		["bad_document", []],
		["bad_document", "reboot"],
		["bad_document", {}],
		["bad_document", { operation: 7, version: 1 }],
		["unknown_operation", { operation: "updaet", version: 1 }],
		["unknown_operation", { operation: "toString", version: 1 }],
		["unknown_version", { operation: "reboot" }],
		["unknown_version", { operation: "reboot", version: 2 }],
		["unknown_version", { operation: "reboot", version: "1" }],
		["bad_member", { operation: "reboot", version: 1, delay: 5 }],
		["bad_member", { operation: "reboot", version: 1, constructor: 5 }],
		["bad_member", NOWHERE],
		["bad_member", { ...STREAMED, stream: "" }],
		["bad_member", { ...UPDATE, manifest: undefined }],
		["bad_member", { ...UPDATE, manifest: "e30" }],
		["bad_member", { ...UPDATE, signature: "" }],
		["bad_member", { ...UPDATE, signature: 7 }],
		["bad_member", { ...UPDATE, url: "ftp://example.org/x" }],
		["bad_member", { ...UPDATE, url: "https://example.org/a b" }],
		["bad_member", { ...UPDATE, stream: "a/b" }],
		["bad_member", { ...WIFI, ssid: "" }],
		["bad_member", { ...WIFI, ssid: "ä".repeat(17) }],
		["bad_member", { ...WIFI, password: "short" }],
		["bad_member", { ...WIFI, password: "x".repeat(64) }],
	] as const) {
		it(`is refused as ${reason}: ${JSON.stringify(document)}`, () => {
			const verdict = judgeJobDocument(document);
			assert.ok("refused" in verdict);
			assert.equal(verdict.refused, reason);
			assert.match(verdict.detail, /^.+\.$/);
		});
	}

	it("is judged, whatever it is, and what is good names an operation", () => {
		fc.assert(
			fc.property(fc.anything(), (document) => {
				const verdict = judgeJobDocument(document);
				if ("ok" in verdict) {
					assert.ok(JOB_OPERATIONS.includes(verdict.ok.operation));
				}
			}),
		);
	});
});

describe("Placeholders for the addresses of images", () => {
	it("are replaced wherever they stand, and nothing else is", () => {
		const text = JSON.stringify({ ...UPDATE, other: OTHER });
		const replaced = replaceFirmwarePlaceholders(
			text,
			(path) => `https://example.org/${path}`,
		);
		assert.deepEqual(JSON.parse(replaced), {
			...UPDATE,
			url: "https://example.org/1.2.0/esp32-c3/app.bin",
			other: OTHER,
		});
	});
});
