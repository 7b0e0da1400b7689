import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
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

describe("The root manifest", () => {
	it("has the version of package.json", () => {
		const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
		assert.equal(
			read("manifest.json").config.firmwareVersion,
			read("package.json").version,
		);
	});
});
