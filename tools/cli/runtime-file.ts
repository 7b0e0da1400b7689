/**
 * `DIR/up.json`: where the cloud that runs on a data folder can be reached, for commands in other shells. Written when
 * it serves, removed when it ends; what a killed one left behind is told by its lock, which the system let go of.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isUpLocked } from "./up-lock.ts";

export interface RunningCloud {
	readonly pid: number;
	/** Base address of the API and the page, from this machine. */
	readonly http: string;
	/** `mqtts://HOST:PORT`, from this machine. */
	readonly mqtt: string;
	/** `mqtts://HOST:PORT`, from where devices are: on this machine alone when it binds to loopback. */
	readonly endpoint: string;
}

const FILE = "up.json";

export function writeRunning(dir: string, running: RunningCloud): void {
	const path = join(dir, FILE);
	writeFileSync(`${path}.new`, JSON.stringify(running), { mode: 0o600 });
	renameSync(`${path}.new`, path);
}

export function removeRunning(dir: string): void {
	rmSync(join(dir, FILE), { force: true });
}

/** The cloud that serves this folder now, or null. */
export function findRunning(dir: string): RunningCloud | null {
	let text: string;
	try {
		text = readFileSync(join(dir, FILE), "utf8");
	} catch (error) {
		if (isMissing(error)) return null;
		throw error;
	}
	const running = parse(text);
	return running !== null && isUpLocked(dir) ? running : null;
}

function isMissing(error: unknown): boolean {
	return (error as NodeJS.ErrnoException).code === "ENOENT";
}

/** Null for what a crash, a full disk or an editor left of it: as good as absent. */
function parse(text: string): RunningCloud | null {
	let value: Partial<RunningCloud> | null;
	try {
		value = JSON.parse(text) as Partial<RunningCloud> | null;
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
	const { pid, http, mqtt, endpoint } = value ?? {};
	return typeof pid === "number" &&
		[http, mqtt, endpoint].every((url) => URL.canParse(url ?? ""))
		? ({ pid, http, mqtt, endpoint } as RunningCloud)
		: null;
}
