/**
 * `make test`: runs every tier and closes with one line, `N passed, N failed, N skipped`. Arguments name the tiers to
 * run; without any, all of them run. In CI (CI=true) a skipped test counts as a failed one.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const TIER_TIMEOUT_MS =
	process.env.THINGHZ_EXHAUSTIVE === "1" ? 3_600_000 : 720_000;

/**
 * How many files of tests run at once: one more than there are processors, since tests also wait, up to as many as do not
 * only wait for each other, each with its own nodes and browsers.
 */
const JOBS = Math.min(availableParallelism() + 1, 5);

interface Counts {
	readonly passes: number;
	readonly failures: number;
	readonly pending: number;
}

/** A tier that is one command: it passes or it fails. */
function runCommand(command: string, ...args: string[]): Counts {
	const { status } = spawnSync(command, args, { stdio: "inherit" });
	const passed = status === 0;
	return { passes: passed ? 1 : 0, failures: passed ? 0 : 1, pending: 0 };
}

/** A tier of mocha tests. A run that ends without having counted (a crash) is one failure. */
function runMocha(...specs: string[]): Counts {
	const folder = mkdtempSync(join(tmpdir(), "thinghz-test-"));
	const counts = join(folder, "counts.json");
	try {
		const { status } = spawnSync(
			"node_modules/.bin/mocha",
			[
				...["--parallel", "--jobs", String(JOBS)],
				...["--reporter", "tools/test/reporter.mjs"],
				...specs,
			],
			{
				stdio: "inherit",
				// A tier that hangs is a failure, not a run without an end.
				timeout: TIER_TIMEOUT_MS,
				killSignal: "SIGKILL",
				env: { ...process.env, THINGHZ_TEST_COUNTS: counts },
			},
		);
		if (!existsSync(counts)) return { passes: 0, failures: 1, pending: 0 };
		const result = JSON.parse(readFileSync(counts, "utf8")) as Counts;
		return status !== 0 && result.failures === 0
			? { ...result, failures: 1 }
			: result;
	} finally {
		rmSync(folder, { recursive: true });
	}
}

const TIERS: Readonly<Record<string, () => Counts>> = {
	lint: () =>
		runCommand("node_modules/.bin/biome", "check", "--error-on-warnings", "."),
	types: () => runCommand("npm", "run", "--silent", "typecheck"),
	unit: () => runMocha("{protocol,firmware,cloud,tools}/**/*.test.ts"),
	system: () => runMocha("test/system/**/*.test.ts"),
	qemu: () => runMocha("test/qemu/**/*.test.ts"),
	browser: () => runMocha("test/browser/**/*.test.ts"),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => TIERS[name] === undefined);
if (unknown.length > 0) {
	console.error(
		`No tier is called ${unknown.join(", ")}. There are: ${Object.keys(TIERS).join(", ")}.`,
	);
	process.exit(2);
}

let passed = 0;
let failed = 0;
let skipped = 0;
for (const [name, run] of Object.entries(TIERS)) {
	if (asked.length > 0 && !asked.includes(name)) continue;
	const started = Date.now();
	console.log(`\n── ${name} ──`);
	const counts = run();
	passed += counts.passes;
	failed += counts.failures;
	skipped += counts.pending;
	console.log(
		`${name}: ${counts.passes} passed, ${counts.failures} failed, ${counts.pending} skipped in ${((Date.now() - started) / 1000).toFixed(0)} s`,
	);
}

if (process.env.CI === "true" && skipped > 0) {
	console.log(`In CI every test runs: the ${skipped} skipped count as failed.`);
	failed += skipped;
	skipped = 0;
}
const closing = `${passed} passed, ${failed} failed`;
console.log(`\n${closing}${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
