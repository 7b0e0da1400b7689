/**
 * `make test`: runs every tier and closes with one line, `N passed, N failed, N skipped`. Arguments name the tiers to
 * run; without any, all of them run. In CI (CI=true) a skipped test counts as a failed one.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

/** Tests that hang are a failure, not a run without an end. */
const TESTS_TIMEOUT_MS =
	process.env.THINGHZ_EXHAUSTIVE === "1" ? 7_200_000 : 1_800_000;

/** So many of the files that took longest are named at the end. */
const SLOWEST = 12;

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

/** What reporter.mjs writes. */
interface Counted {
	readonly tiers: Readonly<Record<string, Counts>>;
	readonly fileMs: Readonly<Record<string, number>>;
}

const CRASHED: Counts = { passes: 0, failures: 1, pending: 0 };

/** A tier that is one command: it passes or it fails. */
function runCommand(command: string, ...args: string[]): Counts {
	const { status } = spawnSync(command, args, { stdio: "inherit" });
	const passed = status === 0;
	return { passes: passed ? 1 : 0, failures: passed ? 0 : 1, pending: 0 };
}

/**
 * All tiers of mocha tests that are asked for, in one run, so that no processor waits for the last file of a tier. A run that
 * ends without having counted (a crash) is one failure of each.
 */
function runMocha(
	specs: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, Counts>> {
	const folder = mkdtempSync(join(tmpdir(), "thinghz-test-"));
	const counts = join(folder, "counts.json");
	try {
		const { status } = spawnSync(
			"node_modules/.bin/mocha",
			[
				...["--parallel", "--jobs", String(JOBS)],
				...["--reporter", "tools/test/reporter.mjs"],
				...Object.values(specs).flat(),
			],
			{
				stdio: "inherit",
				timeout: TESTS_TIMEOUT_MS,
				killSignal: "SIGKILL",
				env: { ...process.env, THINGHZ_TEST_COUNTS: counts },
			},
		);
		const { tiers, fileMs } = existsSync(counts)
			? (JSON.parse(readFileSync(counts, "utf8")) as Counted)
			: { tiers: {}, fileMs: {} };
		const results = Object.fromEntries(
			Object.keys(specs).map((name) => [name, tiers[name] ?? CRASHED]),
		);
		// It did not end well, and no test says why.
		const isUnexplained =
			status !== 0 && Object.values(results).every((r) => r.failures === 0);
		showSlowest(fileMs);
		return isUnexplained ? { ...results, run: CRASHED } : results;
	} finally {
		rmSync(folder, { recursive: true });
	}
}

function showSlowest(fileMs: Readonly<Record<string, number>>): void {
	const slowest = Object.entries(fileMs)
		.sort(([, a], [, b]) => b - a)
		.slice(0, SLOWEST);
	console.log("\nThe files whose tests took longest, in seconds:");
	for (const [file, ms] of slowest)
		console.log(`${(ms / 1000).toFixed(0).padStart(5)}  ${file}`);
}

const COMMANDS: Readonly<Record<string, () => Counts>> = {
	lint: () =>
		runCommand("node_modules/.bin/biome", "check", "--error-on-warnings", "."),
	types: () => runCommand("npm", "run", "--silent", "typecheck"),
};

/**
 * The files that take longest first: of small ones, those that are last end at about the same time. The cloud's come last:
 * what they load makes a process large, and then each process that it starts takes longer to start, of which the firmware's
 * tests start hundreds.
 */
const TESTS: Readonly<Record<string, readonly string[]>> = {
	system: ["test/system/**/*.test.ts"],
	browser: ["test/browser/**/*.test.ts"],
	qemu: ["test/qemu/**/*.test.ts"],
	unit: ["firmware", "protocol", "tools", "cloud"].map(
		(folder) => `${folder}/**/*.test.ts`,
	),
};

const asked = process.argv.slice(2);
const names = [...Object.keys(COMMANDS), ...Object.keys(TESTS)];
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
	console.error(
		`No tier is called ${unknown.join(", ")}. There are: ${names.join(", ")}.`,
	);
	process.exit(2);
}
const isAsked = (name: string) => asked.length === 0 || asked.includes(name);

let passed = 0;
let failed = 0;
let skipped = 0;

function book(name: string, counts: Counts, seconds = ""): void {
	passed += counts.passes;
	failed += counts.failures;
	skipped += counts.pending;
	console.log(
		`${name}: ${counts.passes} passed, ${counts.failures} failed, ${counts.pending} skipped${seconds}`,
	);
}

function inSeconds(startedMs: number): string {
	return ` in ${((Date.now() - startedMs) / 1000).toFixed(0)} s`;
}

for (const [name, run] of Object.entries(COMMANDS).filter(([n]) =>
	isAsked(n),
)) {
	const startedMs = Date.now();
	console.log(`\n── ${name} ──`);
	book(name, run(), inSeconds(startedMs));
}
const tests = Object.entries(TESTS).filter(([name]) => isAsked(name));
if (tests.length > 0) {
	const startedMs = Date.now();
	console.log(`\n── ${tests.map(([name]) => name).join(", ")} ──`);
	const results = Object.entries(runMocha(Object.fromEntries(tests)));
	console.log(`\nThe tests ran${inSeconds(startedMs)}.`);
	for (const [name, counts] of results) book(name, counts);
}

if (process.env.CI === "true" && skipped > 0) {
	console.log(`In CI every test runs: the ${skipped} skipped count as failed.`);
	failed += skipped;
	skipped = 0;
}
const closing = `${passed} passed, ${failed} failed`;
console.log(`\n${closing}${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
