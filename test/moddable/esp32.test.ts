/** All JavaScript of the firmware, compiled and linked for the ESP32s. C is compiled where ESP-IDF is: by `make esp32`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { measureLink } from "../../tools/size/xsb.ts";
import { linkForEsp32, refusalFor } from "./sdk.ts";

/**
 * Bytes of byte code in what the linker made, which is what lies in flash: what only ran when modules were preloaded, and what
 * nobody refers to, is not among it. Code is arrays by module, and strings by function.
 */
function linkedBytes(source: string): number {
	let bytes = 0;
	for (const [, size] of source.matchAll(/gxCode\d+\[(\d+)\] = \{/g))
		bytes += Number(size);
	for (const [, text] of source.matchAll(
		/\(txByte\*\)((?:\s*"(?:\\.|[^"\\])*")+)/g,
	))
		bytes += text?.match(/\\x[0-9a-fA-F]{2}|\\.|[^"\\\s]/g)?.length ?? 0;
	return bytes;
}

describe("All JavaScript for an ESP32", () => {
	for (const platform of ["esp32", "esp32/esp32c3", "esp32/esp32s3"])
		it(`compiles and links for ${platform}`, async function () {
			this.timeout(300_000);
			const { modules, linked } = linkForEsp32(platform);
			const sizes = measureLink(modules);
			const sum = (fits: (path: string) => boolean) =>
				sizes
					.filter(({ path }) => fits(path))
					.reduce((total, { codeBytes }) => total + codeBytes, 0);
			const isOurs = (path: string) => /^(firmware|protocol)\//.test(path);
			const total = linkedBytes(readFileSync(linked, "utf8"));
			assert.ok(total > 50_000, "There is hardly any byte code.");
			console.log(
				`      ${platform}: byte code in flash ${total} B; as compiled, by module: ours ${sum(isOurs)} B, the SDK's ${sum((path) => !isOurs(path))} B`,
			);
		});

	for (const platform of ["pico", "mac", "wasm", "esp32/m5stack"])
		it(`is refused for ${platform} with a sentence`, () => {
			assert.match(refusalFor(platform), /ThingHz runs on esp32/);
		});
});
