/** Every module that the board imports by name is declared: by us, or by `@moddable/typings` where tsconfig.json takes it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const BOARD = fileURLToPath(new URL("..", import.meta.url));

function files(dir: string, end: string): string[] {
	return readdirSync(dir, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(end))
		.map((name) => join(dir, name));
}

const { include } = JSON.parse(
	readFileSync(join(BOARD, "tsconfig.json"), "utf8"),
) as { include: string[] };

const declarations = [
	...files(BOARD, ".d.ts"),
	...include
		.filter((name) => name.includes("@moddable/typings"))
		.map((name) => join(BOARD, name)),
];

const declared = new Set(
	declarations.flatMap((file) =>
		[
			...readFileSync(file, "utf8").matchAll(/^declare module ["'](.+)["']/gm),
		].map(([, name]) => `${name}`),
	),
);

const sources = files(BOARD, ".ts").filter(
	(file) =>
		!file.endsWith(".d.ts") &&
		!file.endsWith(".test.ts") &&
		dirname(file) !== join(BOARD, "testing"),
);

/** Specifiers that are no relative path. */
function imported(source: string): string[] {
	return [...source.matchAll(/\bfrom\s+["']([^."'][^"']*)["']/g)].map(
		([, specifier]) => `${specifier}`,
	);
}

describe("the modules that the ESP32's board imports", () => {
	it("are found, of the SDK's ones and of our own declarations", () => {
		const all = sources.flatMap((file) => imported(readFileSync(file, "utf8")));
		assert.ok(all.includes("embedded:storage/flash"));
		assert.ok(all.includes("mc/ffi"));
		assert.ok(declared.has("timer"));
	});

	for (const file of sources) {
		const specifiers = imported(readFileSync(file, "utf8"));
		if (specifiers.length === 0) continue;
		it(`of ${relative(BOARD, file)} are declared`, () => {
			for (const specifier of specifiers)
				assert.ok(declared.has(specifier), `${specifier} is declared nowhere.`);
		});
	}

	it("would be missed if nobody declared them", () => {
		const [specifier = ""] = imported('import X from "embedded:io/none";');
		assert.equal(declared.has(specifier), false);
	});

	it("are not declared twice", () => {
		const names = declarations.flatMap((file) =>
			[
				...readFileSync(file, "utf8").matchAll(
					/^declare module ["'](.+)["']/gm,
				),
			].map(([, name]) => name),
		);
		assert.equal(new Set(names).size, names.length);
	});
});
