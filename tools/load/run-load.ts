/** Runs the load generator as a process of its own. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { LoadPlan, LoadReport } from "./plan.ts";
import { LoadError } from "./publisher.ts";

/** @throws LoadError when the generator fails; what it said goes to standard error */
export async function runLoad(plan: LoadPlan): Promise<LoadReport> {
	const main = fileURLToPath(new URL("./main.ts", import.meta.url));
	const child = spawn(process.execPath, ["--import=tsx", main], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const exited = new Promise<number | null>((resolve, reject) => {
		child.once("error", reject);
		child.once("exit", resolve);
	});
	child.stdin.end(JSON.stringify(plan));
	const output = await text(child.stdout);
	const code = await exited;
	if (code !== 0) throw new LoadError(`The load generator ended with ${code}.`);
	return JSON.parse(output) as LoadReport;
}
