// biome-ignore-all lint/style/noDefaultExport: the modules that are described here have default exports.
/** What mcconfig makes of the `ffi` in native/manifest.json. */
declare module "mc/ffi" {
	import type { Natives } from "firmware/boards/esp32/native/natives";

	const FFI: new () => Natives;

	export { FFI as default };
}

/** XS calls it before it aborts, where the manifest defines `xs.abortHook`. */
declare var abort: ((cause: string, thrown?: unknown) => void) | undefined;
