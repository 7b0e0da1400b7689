/** C, Moddable's FFI and TypeScript each say what a native takes and gives: they must say the same. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

describe("the natives' signatures", () => {
	const { ffi } = JSON.parse(
		readFileSync(new URL("./manifest.json", import.meta.url), "utf8"),
	) as {
		ffi: {
			functions: Record<string, { arguments: string[]; returns: string }>;
		};
	};
	const c = ["./natives.c", "./xs-heap.c"]
		.map((file) => readFileSync(new URL(file, import.meta.url), "utf8"))
		.join("");
	const ts = readFileSync(new URL("./natives.ts", import.meta.url), "utf8");

	for (const [name, { arguments: parameters, returns }] of Object.entries(
		ffi.functions,
	)) {
		it(`of ${name} are alike in C, in the manifest and in TypeScript`, () => {
			const defined = new RegExp(`^(\\w+) ${name}\\((.*)\\)$`, "m").exec(c);
			assert.ok(defined, "in no C file");
			assert.equal(defined[1], returns);
			const types = (defined[2] ?? "")
				.split(",")
				.map((part) => part.trim().replace(/ ?(\*?)\w+$/, "$1"))
				.filter((type) => type !== "");
			assert.deepEqual(
				types,
				parameters.map((type) => type.replace(/\[\d+\]$/, "*")),
			);
			const declared = new RegExp(`\\t${name}\\((.*)\\): (\\w+);`).exec(ts);
			assert.ok(declared, "not in natives.ts");
			assert.equal(declared[2], returns === "void" ? "void" : "number");
			assert.deepEqual(
				[...(declared[1] ?? "").matchAll(/: (\w+)/g)].map(([, type]) => type),
				parameters.map((type) =>
					type === "char*"
						? "string"
						: /[*[]/.test(type)
							? "ArrayBuffer"
							: "number",
				),
			);
		});
	}

	it("leave none of C's functions out but the one that the manifest's startup calls", () => {
		const defined = [...c.matchAll(/^\w+ (thinghz_\w+)\(/gm)].map(
			([, name]) => name,
		);
		assert.deepEqual(
			defined.filter((name) => !Object.hasOwn(ffi.functions, `${name}`)),
			["thinghz_prepare"],
		);
	});
});
