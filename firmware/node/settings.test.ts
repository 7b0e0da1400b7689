import assert from "node:assert/strict";
import { SETTINGS_CODES } from "../../protocol/health-states.ts";
import type { Settings } from "./ports.ts";
import { NodeSettings } from "./settings.ts";

const { ok, corrupt, not_readable, not_writable, config_refused } =
	SETTINGS_CODES;

/** Settings that can be made to hold anything, and to fail. */
class OddSettings implements Settings {
	readonly values = new Map<string, unknown>();
	getFails: Error | null = null;
	setFails: Error | null = null;

	get(key: string): string | undefined {
		if (this.getFails !== null) throw this.getFails;
		return this.values.get(key) as string | undefined;
	}

	set(key: string, value: string): void {
		if (this.setFails !== null) throw this.setFails;
		this.values.set(key, value);
	}

	delete(key: string): void {
		if (this.setFails !== null) throw this.setFails;
		this.values.delete(key);
	}
}

function make(entries: Record<string, unknown> = {}) {
	const odd = new OddSettings();
	for (const [key, value] of Object.entries(entries))
		odd.values.set(key, value);
	const logs: string[] = [];
	const settings = new NodeSettings(odd, {
		log: (level, message) => logs.push(`${level}: ${message}`),
	});
	return { odd, settings, logs };
}

describe("The settings of a node", () => {
	const good: readonly (readonly [string, string])[] = [
		["boot", "1"],
		["boot", "4000000"],
		["time", "1577836800000"],
		["time", "1790000000000"],
		["time", "4102444799999"],
		["live", "1790000000000 1790000060000 network"],
		["live", "0 1790000060000 stored"],
		["session", "cert-1"],
		["config", "{}"],
		["config", "x".repeat(3999)],
		["another", ""],
	];
	for (const [key, value] of good)
		it(`are taken as they are: ${key} ${JSON.stringify(value.slice(0, 40))}`, () => {
			const { settings, odd, logs } = make({ [key]: value });
			assert.equal(settings.get(key), value);
			assert.equal(odd.values.get(key), value);
			assert.equal(settings.takeState(), ok);
			assert.deepEqual(logs, []);
		});

	const bad: readonly (readonly [string, unknown])[] = [
		["boot", ""],
		["boot", "0"],
		["boot", "-1"],
		["boot", "1e3"],
		["boot", " 7"],
		["boot", "0x10"],
		["boot", "99999999999"],
		["boot", 7],
		["time", ""],
		["time", "NaN"],
		["time", "179000000000"],
		["time", "9790000000000"],
		["live", "1 2"],
		["live", "1 2 moon"],
		["config", "x".repeat(4000)],
		["config", new Uint8Array(3)],
		["config", {}],
		["session", true],
	];
	for (const [key, value] of bad)
		it(`count as absent, are removed and told once: ${key} ${JSON.stringify(value).slice(0, 40)}`, () => {
			const { settings, odd, logs } = make({ [key]: value });
			assert.equal(settings.get(key), undefined);
			assert.equal(odd.values.has(key), false);
			assert.deepEqual(
				[settings.takeState(), settings.takeState()],
				[corrupt, ok],
			);
			assert.equal(logs.length, 1);
			assert.match(logs[0] ?? "", new RegExp(`^error: .*"${key}"`));
			assert.equal(settings.get(key), undefined);
			assert.equal(settings.takeState(), ok);
		});

	it("are left alone when they cannot be read, and told for as long as that is so", () => {
		const { settings, odd } = make({ config: "{}" });
		odd.getFails = new Error("ESP_ERR_NVS_INVALID_STATE");
		for (let n = 0; n < 2; n++) {
			assert.equal(settings.get("config"), undefined);
			assert.equal(settings.takeState(), not_readable);
		}
		odd.getFails = null;
		assert.equal(settings.get("config"), "{}");
		assert.deepEqual(
			[settings.takeState(), settings.takeState()],
			[not_readable, ok],
		);
	});

	it("say why they cannot be written, until they can", () => {
		const { settings, odd } = make();
		odd.setFails = new Error("ESP_ERR_NVS_NOT_ENOUGH_SPACE");
		assert.equal(settings.set("boot", "2"), "ESP_ERR_NVS_NOT_ENOUGH_SPACE");
		assert.equal(settings.delete("boot"), "ESP_ERR_NVS_NOT_ENOUGH_SPACE");
		for (let n = 0; n < 3; n++)
			assert.equal(settings.takeState(), not_writable);
		odd.setFails = null;
		assert.equal(settings.set("boot", "2"), null);
		assert.deepEqual(
			[settings.takeState(), settings.takeState()],
			[not_writable, ok],
		);
	});

	it("are not called unwritable for a value that is too long", () => {
		const { settings, odd } = make();
		assert.match(settings.set("config", "x".repeat(4000)) ?? "", /4000/);
		odd.setFails = new RangeError("A setting takes 4000 bytes at most.");
		assert.match(settings.set("config", "x") ?? "", /4000/);
		assert.equal(settings.takeState(), ok);
	});

	it("cannot be repaired where they cannot be written: that is told", () => {
		const { settings, odd } = make({ boot: "?" });
		odd.setFails = new Error("no");
		assert.equal(settings.get("boot"), undefined);
		assert.equal(settings.takeState(), not_writable);
		assert.equal(odd.values.get("boot"), "?");
	});

	it("tell that the configuration is refused for as long as it is", () => {
		const { settings } = make({ boot: "?" });
		settings.configRefused = true;
		assert.equal(settings.takeState(), config_refused);
		settings.get("boot");
		settings.takeState();
		assert.equal(settings.takeState(), config_refused);
		settings.configRefused = false;
		settings.takeState();
		assert.equal(settings.takeState(), ok);
	});
});
