/**
 * The stack synthesized once for each of a few contexts that together have everything in them, for all tests that look at
 * what came out. The bundles are empty files: what is in them changes nothing of the template but hashes.
 */
import {
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { App } from "aws-cdk-lib";
import { createApp } from "../app.ts";
import { type ContextInput, parseContext } from "../context.ts";

export const VARIANTS = {
	/** What there is when nothing is chosen. */
	lean: {},
	timestream: {
		region: "eu-west-1",
		timeseries: "timestream",
		grafana: true,
		grafanaSignIn: "sso",
		alarmEmail: "ops@example.com",
		budgetUsd: 50,
		domainName: "things.example.com",
		certificateArn:
			"arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c-0000-4000-8000-000000000000",
		webAclArn:
			"arn:aws:wafv2:us-east-1:111122223333:global/webacl/thinghz/0f1e2d3c",
		signInPrefix: "things-of-ours",
		pushApnsArn: "arn:aws:sns:eu-west-1:111122223333:app/APNS/thinghz",
		pushFcmArn: "arn:aws:sns:eu-west-1:111122223333:app/GCM/thinghz",
		xray: "all",
		protect: false,
	},
	influxdb: {
		timeseries: "influxdb",
		grafana: true,
		grafanaSignIn: "saml",
		mfa: "required",
		xray: "none",
		audit: false,
	},
	/** Grafana without a database of rows: it asks the API. */
	grafana: { grafana: true, grafanaSignIn: "sso" },
} as const satisfies Readonly<Record<string, ContextInput>>;

export type Variant = keyof typeof VARIANTS;

export interface TemplateResource {
	readonly Type: string;
	readonly Properties?: Readonly<Record<string, unknown>>;
	readonly DeletionPolicy?: string;
	readonly UpdateReplacePolicy?: string;
}

export interface StackTemplate {
	readonly Resources: Readonly<Record<string, TemplateResource>>;
	readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface Synthesized {
	readonly app: App;
	readonly template: StackTemplate;
	readonly templateBytes: number;
}

export interface Checked extends Synthesized {
	/** What the checks found that is not acknowledged, warnings included: `RULE at PATH`. */
	readonly violations: readonly string[];
}

interface ValidationReport {
	readonly pluginReports?: readonly {
		readonly violations: readonly {
			readonly ruleName: string;
			readonly violatingResources?: readonly {
				readonly constructPath?: string;
			}[];
			readonly violatingConstructs?: readonly {
				readonly constructPath?: string;
			}[];
		}[];
	}[];
}

const FUNCTIONS = [
	"api",
	"ingest",
	"notify",
	"presence",
	"provisioning-hook",
	"rows",
	"schedule",
];

const unchecked = new Map<Variant, Synthesized>();
const checked = new Map<Variant, Checked>();

/** What the stack is, for tests that do not ask whether it may be deployed: see `SynthesisOptions.checked`. */
export function synthesized(variant: Variant): Synthesized {
	return once(unchecked, variant, () =>
		synthesize(variant, false, (one) => one),
	);
}

/** What is deployed. @throws when cdk-nag or CloudFormation's validation finds what is not acknowledged */
export function checkedSynthesis(variant: Variant): Checked {
	return once(checked, variant, () =>
		synthesize(variant, true, (one, directory) => ({
			...one,
			violations: violations(join(directory, "validation-report.json")),
		})),
	);
}

function once<T>(made: Map<Variant, T>, variant: Variant, make: () => T): T {
	const one = made.get(variant) ?? make();
	made.set(variant, one);
	return one;
}

/** @param read what else is wanted of the assembly, in this folder */
function synthesize<T>(
	variant: Variant,
	isChecked: boolean,
	read: (one: Synthesized, directory: string) => T,
): T {
	const folder = mkdtempSync(join(tmpdir(), "thinghz-synth-"));
	try {
		const bundleDir = join(folder, "lambda");
		for (const name of FUNCTIONS) {
			mkdirSync(join(bundleDir, name), { recursive: true });
			writeFileSync(join(bundleDir, name, "index.mjs"), "");
		}
		const webDir = join(folder, "web");
		mkdirSync(webDir);
		writeFileSync(join(webDir, "index.html"), "");
		const { app, stack } = createApp({
			context: parseContext(VARIANTS[variant]),
			bundleDir,
			webDir,
			outDir: join(folder, "cdk.out"),
			checked: isChecked,
		});
		const assembly = app.synth();
		const text = readFileSync(
			assembly.getStackArtifact(stack.artifactId).templateFullPath,
			"utf8",
		);
		return read(
			{
				app,
				template: JSON.parse(text) as StackTemplate,
				templateBytes: text.length,
			},
			assembly.directory,
		);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

function violations(reportPath: string): readonly string[] {
	const report = JSON.parse(
		readFileSync(reportPath, "utf8"),
	) as ValidationReport;
	return (report.pluginReports ?? []).flatMap(({ violations }) =>
		violations.flatMap(
			({ ruleName, violatingResources, violatingConstructs }) =>
				[...(violatingResources ?? []), ...(violatingConstructs ?? [])].map(
					({ constructPath }) => `${ruleName} at ${constructPath}`,
				),
		),
	);
}
