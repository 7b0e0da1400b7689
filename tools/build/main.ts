/** `make build`: everything that is bundled, into dist/. */
import { buildCli } from "./cli.ts";
import { buildFirmware } from "./firmware.ts";
import { buildWeb } from "./web.ts";

const started = Date.now();
await Promise.all([buildCli("dist"), buildFirmware(), buildWeb("dist/web")]);
console.error(
	`Built the command, the firmware and the page in ${Date.now() - started} ms.`,
);
