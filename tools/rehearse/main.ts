/**
 * `make rehearse`: takes what `make synth` has written, puts the stack up on this machine and plays what AWS would do with
 * it, from a node's block to a reading of the API; then what databases of rows add, on stacks that have one. `--json` prints one JSON document instead of the transcript, `--only TEXT`
 * plays the scenes alone whose titles have it; an argument names another folder than dist/cdk.out. Exits 1 when something is not as it should be, 2 for a wrong use.
 */
import { parseArgs } from "node:util";
import { RuleSqlError } from "../../cloud/aws/rule-sql/errors.ts";
import { Assembly } from "./assembly.ts";
import { RehearsalError } from "./errors.ts";
import { rehearse } from "./rehearse.ts";
import { beginRowStacks, ROW_STORES } from "./row-stacks.ts";
import { Transcript } from "./transcript.ts";

// Its warning would stand between the lines of the transcript.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const DEFAULT_DIR = "dist/cdk.out";

const { values, positionals } = readArguments();
const { json } = values;

const transcript = new Transcript((line) => {
	if (!json) console.log(line);
});
const startMs = performance.now();
let error: string | null = null;
const { only } = values;
const rowStacks = beginRowStacks(ROW_STORES);
try {
	const assembly = new Assembly(positionals[0] ?? DEFAULT_DIR);
	await rehearse(assembly, transcript, { only });
	for (const assembly of await rowStacks.assemblies()) {
		await rehearse(assembly, transcript, { only, rowsOnly: true });
	}
} catch (cause) {
	if (!(cause instanceof RehearsalError || cause instanceof RuleSqlError)) {
		throw cause;
	}
	error = cause.message;
} finally {
	await rowStacks.discard();
}
const { passes, failures, scenes } = transcript;
const ms = Math.round(performance.now() - startMs);
if (json) {
	console.log(JSON.stringify({ passes, failures, error, ms, scenes }));
} else {
	if (error !== null) console.error(`\n${error}`);
	console.log(
		`\n${passes} checks passed, ${failures} failed, in ${(ms / 1000).toFixed(1)} s`,
	);
}
process.exitCode = failures > 0 || error !== null ? 1 : 0;

function readArguments() {
	try {
		const read = parseArgs({
			allowPositionals: true,
			options: {
				json: { type: "boolean", default: false },
				only: { type: "string", default: "" },
			},
		});
		if (read.positionals.length <= 1) return read;
		console.error("One folder at most.");
	} catch (error) {
		if (!(error instanceof TypeError)) throw error;
		console.error(error.message);
	}
	process.exit(2);
}
