/** `make build`: everything that is bundled, into dist/. */
import { buildCli } from "./cli.ts";
import { buildFirmware } from "./firmware.ts";
import { buildLambda } from "./lambda.ts";
import { buildWeb } from "./web.ts";

const started = Date.now();
await Promise.all([
	buildCli("dist"),
	buildFirmware(),
	buildWeb("dist/web"),
	buildLambda("dist/lambda"),
]);
console.error(
	`Built the command, the firmware, the page and the functions in ${Date.now() - started} ms.`,
);
