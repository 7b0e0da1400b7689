/**
 * From `make start` to the first point on a chart, on an empty data folder: the command, its sign-in link opened in
 * headless Chromium (which runs before the clock starts, as a person's browser does), and the moment a chart of a
 * node's page has a point. Everything is built before; `make bench` sees to that.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../../test/browser/visit-dashboard.ts";
import type { BenchResult } from "./result.ts";

const RUNS = 5;

export async function benchStart(): Promise<BenchResult[]> {
	const browser = await launchBrowser();
	try {
		const installed: number[] = [];
		for (let run = 0; run < RUNS; run++) {
			installed.push(await firstPointS(browser, "."));
		}
		installed.sort((a, b) => a - b);
		const name = "from `make start` to the first point on a chart";
		return [
			{
				name,
				value: installed[Math.floor(RUNS / 2)] ?? Number.NaN,
				unit: "s",
				target: { op: "<=", value: 10 },
				note: `installed, empty data folder, 3 nodes provisioned on the way; median of ${RUNS}, worst ${installed.at(-1)?.toFixed(1)} s`,
			},
			{
				name: `${name}, in a fresh clone`,
				value: await fromFreshCloneS(browser),
				unit: "s",
				note: "with git clone, npm ci from npm's cache, the XS host compiled; system packages there; once",
			},
		];
	} finally {
		await browser.close();
	}
}

async function fromFreshCloneS(browser: Browser): Promise<number> {
	const parent = mkdtempSync(join(tmpdir(), "thinghz-bench-"));
	try {
		const startedMs = performance.now();
		const clone = join(parent, "thinghz");
		execFileSync("git", ["clone", "--quiet", ".", clone]);
		const cloneS = (performance.now() - startedMs) / 1000;
		return cloneS + (await firstPointS(browser, clone));
	} finally {
		rmSync(parent, { recursive: true, force: true });
	}
}

/** @param folder the checkout in which `make start` is run */
async function firstPointS(browser: Browser, folder: string): Promise<number> {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-bench-"));
	const context = await browser.newContext();
	const page = await context.newPage();
	const startedMs = performance.now();
	const up = spawn(
		"make",
		["start", `UP=--json --data ${dir} --mqtt-port 0 --http-port 0`],
		{ cwd: folder, stdio: ["ignore", "pipe", "ignore"], detached: true },
	);
	try {
		for await (const line of createInterface({ input: up.stdout })) {
			if (!line.startsWith("{")) continue;
			await page.goto((JSON.parse(line) as { signIn: string }).signIn);
			break;
		}
		await page.locator(".device", { hasText: "sim-1" }).first().click();
		await page
			.locator('[data-points]:not([data-points="0"])')
			.first()
			.waitFor();
		return (performance.now() - startedMs) / 1000;
	} finally {
		await context.close();
		if (up.pid !== undefined && up.exitCode === null) {
			const ended = once(up, "exit");
			process.kill(-up.pid, "SIGTERM");
			await ended;
		}
		rmSync(dir, { recursive: true, force: true });
	}
}
