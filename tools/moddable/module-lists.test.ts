import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MODULE_LISTS, moduleList } from "./module-lists.ts";

describe("The lists of modules for the Moddable SDK", () => {
	for (const { path, entries } of MODULE_LISTS)
		it(`${path} has what the firmware imports, and nothing else`, async () => {
			assert.equal(
				readFileSync(path, "utf8"),
				await moduleList(path, entries),
				"Write it anew: node_modules/.bin/tsx tools/moddable/module-lists.ts",
			);
		});

	it("name no test and nothing that is for a test", () => {
		for (const { path } of MODULE_LISTS)
			assert.doesNotMatch(
				readFileSync(path, "utf8"),
				/\.test|\/fakes\/|\/testing\//,
			);
	});
});

describe("What runs on the Moddable SDK", () => {
	it("has no regular expression, which would lose memory at each match", () => {
		for (const { path } of MODULE_LISTS) {
			const { modules } = JSON.parse(readFileSync(path, "utf8"));
			for (const file of Object.values<string>(modules)) {
				const source = readFileSync(
					join(dirname(path), `${file}.ts`),
					"utf8",
				).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
				assert.doesNotMatch(
					source,
					/(?:[=(,:!&|?[]|=>|return)\s*\/[^/*\s]|\bnew RegExp\b/,
					file,
				);
			}
		}
	});
});

describe("The root manifest", () => {
	it("has the version of package.json", () => {
		const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
		assert.equal(
			read("manifest.json").config.firmwareVersion,
			read("package.json").version,
		);
	});
});
