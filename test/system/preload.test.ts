/**
 * On a device, modules are run when the firmware is linked, and what they have made then is in flash: nothing can be
 * written there. So a module keeps no typed array, map or set that it makes at load, for writing.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { modulesOf } from "../../tools/size/modules.ts";

/** The foreign functions of the natives: their module is not preloaded. */
const NOT_PRELOADED = new Set(["firmware/boards/esp32/hardware.ts"]);

/** What is made at load by `new`, without what is empty for good. */
function madeAtLoad(source: string): readonly string[] {
	return [...source.matchAll(/^(?:export )?(?:const|let) .*= *new .*$/gm)]
		.map(([line]) => line)
		.filter((line) => !/new Uint8Array\(0\);$/.test(line));
}

describe("Modules that a device preloads", () => {
	it("keep nothing to be written that is made at load", async () => {
		const modules = await modulesOf(["firmware/boards/esp32/main.ts"]);
		assert.ok(modules.length > 50);
		const made = modules
			.filter((path) => !NOT_PRELOADED.has(path))
			.flatMap((path) =>
				madeAtLoad(readFileSync(path, "utf8")).map(
					(line) => `${path}: ${line}`,
				),
			);
		assert.deepEqual(made, []);
	});

	it("would be found out", () => {
		const source =
			"const a = new Map();\nexport let b: X = new Int32Array(4);\nconst c = new Uint8Array(0);\n\tconst d = new Map();\n";
		assert.deepEqual(madeAtLoad(source), [
			"const a = new Map();",
			"export let b: X = new Int32Array(4);",
		]);
	});
});
