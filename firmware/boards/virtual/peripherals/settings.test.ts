import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSettings, MemorySettings, SettingsError } from "./settings.ts";

describe("Settings", () => {
	let directory: string;
	let file: string;
	beforeEach(() => {
		directory = mkdtempSync(join(tmpdir(), "thinghz-settings-"));
		file = join(directory, "settings.json");
	});
	afterEach(() => rmSync(directory, { recursive: true }));

	it("are there again when the file is opened again", () => {
		const settings = new FileSettings(file);
		settings.set("boot", "7");
		settings.set("name", "Küche \u0000 😀");
		settings.set("gone", "x");
		settings.delete("gone");
		const again = new FileSettings(file);
		assert.equal(again.get("boot"), "7");
		assert.equal(again.get("name"), "Küche \u0000 😀");
		assert.equal(again.get("gone"), undefined);
	});

	it("leave nothing beside their file", () => {
		const settings = new FileSettings(file);
		for (let i = 0; i < 5; i++) settings.set("boot", String(i));
		assert.deepEqual(readdirSync(directory), ["settings.json"]);
	});

	it("survive what a crash left of a write", () => {
		const settings = new FileSettings(file);
		settings.set("boot", "7");
		writeFileSync(`${file}.new`, '{"boot": "8');
		assert.equal(new FileSettings(file).get("boot"), "7");
	});

	it("refuse keys that NVS would not take", () => {
		const settings = new MemorySettings();
		assert.throws(() => settings.set("", "x"), RangeError);
		assert.throws(() => settings.get("sixteen-letters!"), RangeError);
	});

	for (const [what, text] of [
		["no JSON", "{"],
		["no object", "[1]"],
		["not all strings", '{"boot": 7}'],
	] as const) {
		it(`refuse a file that holds ${what}`, () => {
			writeFileSync(file, text);
			assert.throws(() => new FileSettings(file), SettingsError);
		});
	}
});
