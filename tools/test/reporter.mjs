// Mocha's spec reporter, which at the end also writes what it has counted to the file that THINGHZ_TEST_COUNTS names: for each
// tier how many tests passed, failed and are pending, and for each file how long its tests took.
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import Mocha from "mocha";

const { EVENT_RUN_END, EVENT_TEST_END, EVENT_TEST_FAIL, EVENT_TEST_PASS } =
	Mocha.Runner.constants;
const { EVENT_TEST_PENDING } = Mocha.Runner.constants;

/** The tier of a file: whole-system tests lie in a folder of their own, a unit's beside the unit. */
const tierOf = (file) => /^test\/(\w+)\//.exec(file)?.[1] ?? "unit";

export default class CountingReporter extends Mocha.reporters.Spec {
	constructor(runner, options) {
		super(runner, options);
		const path = process.env.THINGHZ_TEST_COUNTS;
		if (path === undefined) return;
		const tiers = {};
		const fileMs = {};
		const fileOf = (runnable) => relative(process.cwd(), runnable.file ?? "");
		const count = (what) => (runnable) => {
			const tier = tierOf(fileOf(runnable));
			tiers[tier] ??= { passes: 0, failures: 0, pending: 0 };
			tiers[tier][what]++;
		};
		runner.on(EVENT_TEST_PASS, count("passes"));
		runner.on(EVENT_TEST_FAIL, count("failures"));
		runner.on(EVENT_TEST_PENDING, count("pending"));
		runner.on(EVENT_TEST_END, (test) => {
			const file = fileOf(test);
			fileMs[file] = (fileMs[file] ?? 0) + (test.duration ?? 0);
		});
		runner.once(EVENT_RUN_END, () =>
			writeFileSync(path, JSON.stringify({ tiers, fileMs })),
		);
	}
}
