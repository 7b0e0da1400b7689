/** Runs the load generator as a process of its own. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { LoadPlan, LoadReport } from "./plan.ts";
import { LoadError } from "./publisher.ts";

/** @throws LoadError when a connection is refused or lost, or the generator fails otherwise */
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
	if (output === "") {
		throw new LoadError(`The load generator ended with code ${code}.`);
	}
	const answer = JSON.parse(output) as LoadReport | { failure: string };
	if ("failure" in answer) throw new LoadError(answer.failure);
	return answer;
}
