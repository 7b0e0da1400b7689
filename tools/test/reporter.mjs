// Mocha's spec reporter, which at the end also writes the counts to the file that THINGHZ_TEST_COUNTS names.
import { writeFileSync } from "node:fs";
import Mocha from "mocha";

export default class CountingReporter extends Mocha.reporters.Spec {
	constructor(runner, options) {
		super(runner, options);
		runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
			const path = process.env.THINGHZ_TEST_COUNTS;
			if (path === undefined) return;
			const { passes, failures, pending } = this.stats;
			writeFileSync(path, JSON.stringify({ passes, failures, pending }));
		});
	}
}
