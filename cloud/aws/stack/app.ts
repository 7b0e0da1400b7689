/** Synthesizes the stack in process: no CDK command, no Docker, no account. */
import { App, Validations } from "aws-cdk-lib";
import FEATURE_FLAGS from "aws-cdk-lib/recommended-feature-flags.json" with {
	type: "json",
};
import { AwsSolutionsChecks } from "cdk-nag";
import type { Context } from "./context.ts";
import { ThinghzStack } from "./stack.ts";

export interface SynthesisOptions {
	readonly context: Context;
	readonly bundleDir: string;
	readonly webDir: string;
	/** Where the cloud assembly is written; without it, to a folder of its own below the system's. */
	readonly outDir?: string;
	/**
	 * False for who looks at what the stack does, and not at whether it may be deployed: what checks it, CDK's own validation of
	 * templates included, takes ten seconds to load.
	 */
	readonly checked?: boolean;
}

/** The app with its stack, not synthesized yet. */
export function createApp(options: SynthesisOptions): {
	readonly app: App;
	readonly stack: ThinghzStack;
} {
	const isChecked = options.checked !== false;
	const app = new App({
		context: FEATURE_FLAGS,
		analyticsReporting: false,
		builtinCloudFormationValidation: isChecked,
		...(options.outDir === undefined ? {} : { outdir: options.outDir }),
	});
	const stack = new ThinghzStack(app, options);
	if (isChecked) {
		Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
	}
	return { app, stack };
}
