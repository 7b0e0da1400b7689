/** How long `make synth` takes once everything is bundled, and how large the stack is that comes out. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { BenchResult } from "./result.ts";

const RUNS = 3;

export async function benchSynth(): Promise<BenchResult[]> {
	const tookS: number[] = [];
	for (let run = 0; run < RUNS; run++) {
		const startedMs = performance.now();
		execFileSync("node_modules/.bin/tsx", ["cloud/aws/stack/main.ts"], {
			stdio: ["ignore", "ignore", "inherit"],
		});
		tookS.push((performance.now() - startedMs) / 1000);
	}
	tookS.sort((a, b) => a - b);
	const text = readFileSync("dist/cdk.out/thinghz.template.json", "utf8");
	const { Resources } = JSON.parse(text) as { Resources: object };
	return [
		{
			name: "synthesis of the stack for AWS",
			value: tookS[Math.floor(RUNS / 2)] ?? Number.NaN,
			unit: "s",
			target: { op: "<=", value: 20 },
			note: `bundles built before; cdk-nag and CloudFormation's validation included; median of ${RUNS}, worst ${tookS.at(-1)?.toFixed(1)} s`,
		},
		{
			name: "stack for AWS: resources",
			value: Object.keys(Resources).length,
			unit: "resources",
			note: "without rows and Grafana; CloudFormation takes 500",
		},
		{
			name: "stack for AWS: template",
			value: text.length / 1000,
			unit: "kB",
			note: "CloudFormation takes 1,000",
		},
	];
}
