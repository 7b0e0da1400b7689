/**
 * `DIR/up.json`: where the cloud that runs on a data folder can be reached, for commands in other shells. Written when
 * it serves, removed when it ends; what a killed one left behind is told by its process id.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface RunningCloud {
	readonly pid: number;
	/** Base address of the API and the page. */
	readonly http: string;
	/** `mqtts://HOST:PORT` */
	readonly mqtt: string;
}

const FILE = "up.json";

export function writeRunning(dir: string, running: RunningCloud): void {
	const path = join(dir, FILE);
	writeFileSync(`${path}.new`, JSON.stringify(running));
	renameSync(`${path}.new`, path);
}

export function removeRunning(dir: string): void {
	rmSync(join(dir, FILE), { force: true });
}

/** The cloud that runs on this folder now, or null. */
export function findRunning(dir: string): RunningCloud | null {
	let text: string;
	try {
		text = readFileSync(join(dir, FILE), "utf8");
	} catch (error) {
		if (isMissing(error)) return null;
		throw error;
	}
	const running = JSON.parse(text) as RunningCloud;
	return isAlive(running.pid) ? running : null;
}

function isMissing(error: unknown): boolean {
	return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}
