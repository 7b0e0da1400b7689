import assert from "node:assert/strict";
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CutMoment, FlashSupply, PowerCut } from "./flash.ts";
import {
	FileSettings,
	MemorySettings,
	PoweredSettings,
	SettingsError,
} from "./settings.ts";

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

	it("refuse values that NVS would not take, in UTF-8 with a final zero", () => {
		const settings = new MemorySettings();
		settings.set("long", "x".repeat(3999));
		settings.set("wide", "ü".repeat(1999));
		assert.throws(() => settings.set("long", "x".repeat(4000)), RangeError);
		assert.throws(() => settings.set("wide", "ü".repeat(2000)), RangeError);
		assert.equal(settings.get("long")?.length, 3999);
	});

	it("are what they were when they cannot be written", () => {
		const settings = new FileSettings(file);
		settings.set("boot", "7");
		rmSync(directory, { recursive: true });
		assert.throws(() => settings.set("boot", "8"), /ENOENT/);
		assert.throws(() => settings.delete("boot"), /ENOENT/);
		assert.equal(settings.get("boot"), "7");
		mkdirSync(directory);
		settings.set("boot", "8");
		assert.equal(new FileSettings(file).get("boot"), "8");
	});

	describe("with a supply that is cut", () => {
		const cut = (moment: CutMoment, seed: number) => {
			const supply = new FlashSupply();
			const kept = new MemorySettings();
			const settings = new PoweredSettings(kept, supply);
			settings.set("boot", "7");
			supply.cutAt(2, moment, seed);
			assert.throws(() => settings.set("boot", "8"), PowerCut);
			assert.throws(() => settings.set("boot", "9"), PowerCut);
			assert.throws(() => settings.get("boot"), PowerCut);
			supply.restore();
			assert.equal(settings.get("boot"), kept.get("boot"));
			return settings.get("boot");
		};

		it("hold the old value or the new one, and nothing between", () => {
			assert.equal(cut("before", 1), "7");
			assert.equal(cut("after", 1), "8");
			for (const moment of ["torn", "scattered"] as const) {
				const seen = new Set(
					Array.from({ length: 20 }, (_, seed) => cut(moment, seed)),
				);
				assert.deepEqual([...seen].sort(), ["7", "8"]);
			}
		});

		it("count what changes them as operations, and nothing else", () => {
			const supply = new FlashSupply();
			const settings = new PoweredSettings(new MemorySettings(), supply);
			settings.set("boot", "7");
			settings.set("boot", "7");
			settings.get("boot");
			settings.delete("boot");
			settings.delete("boot");
			assert.equal(supply.operations, 2);
		});
	});

	it("fail as they are told, and are then what they were", () => {
		const settings = new PoweredSettings(
			new MemorySettings(),
			new FlashSupply(),
		);
		settings.set("boot", "7");
		settings.fault = "unwritable";
		assert.throws(() => settings.set("boot", "8"), /ESP_ERR_NVS/);
		assert.throws(() => settings.delete("boot"), /ESP_ERR_NVS/);
		assert.equal(settings.get("boot"), "7");
		settings.fault = "unreadable";
		assert.throws(() => settings.get("boot"), /ESP_ERR_NVS/);
		settings.set("boot", "8");
		settings.fault = "none";
		assert.equal(settings.get("boot"), "8");
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
