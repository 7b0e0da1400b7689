import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateSigningKey } from "../ota/keys.ts";
import { readUpdateKey, UpdateKeyError } from "./update-key.ts";

describe("the key of updates for simulated nodes", () => {
	let dir: string;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-key-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));
	const file = () => join(dir, "ota-key.pub");

	it("is the one in the target's folder, where there is one", () => {
		assert.equal(readUpdateKey(dir), undefined);
		const { publicKey } = generateSigningKey("correct horse battery");
		writeFileSync(file(), `${publicKey}\n`);
		assert.equal(readUpdateKey(dir), publicKey);
	});

	it("is not something else, nor what cannot be read", () => {
		writeFileSync(file(), "04abc\n");
		assert.throws(() => readUpdateKey(dir), UpdateKeyError);
		rmSync(file());
		mkdirSync(file());
		assert.throws(() => readUpdateKey(dir), UpdateKeyError);
	});
});
