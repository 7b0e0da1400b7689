/** `make build`: everything that is bundled, into dist/. Needs the 64-bit host, which compiles the firmware. */
import { buildCli } from "./cli.ts";
import { buildProgram } from "./firmware.ts";
import { buildLambda } from "./lambda.ts";
import { buildWeb } from "./web.ts";

const started = Date.now();
await Promise.all([
	buildCli("dist"),
	buildProgram(),
	buildWeb("dist/web"),
	buildLambda("dist/lambda"),
]);
console.error(
	`Built the command, the firmware, the page and the functions in ${Date.now() - started} ms.`,
);
