/** The folder where a board's flash rests: one process's at a time, since two nodes would write over each other. */
import {
	chmodSync,
	linkSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Another board has this folder. */
export class FlashFolderError extends Error {
	override readonly name = "FlashFolderError";
	readonly code = "flash_in_use";
}

/** Whose a folder is. The start tells a process from a later one with the same id; "" where it cannot be known. */
interface Owner {
	readonly pid: number;
	readonly started: string;
}

const LOCK = "lock.json";
/** Each attempt after the first has found a lock whose owner is gone. */
const ATTEMPTS = 5;
/** Only the owner may enter it. */
const FOLDER_MODE = 0o700;

export class FlashFolder {
	readonly #lock: string;
	#held = true;

	/** Makes the folder and takes it. @throws FlashFolderError when a process that runs has it */
	constructor(path: string) {
		// Settings have keys among them that a node was given by the cloud.
		mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
		chmodSync(path, FOLDER_MODE);
		this.#lock = join(path, LOCK);
		for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
			if (createLock(this.#lock)) return;
			const text = readIfThere(this.#lock);
			const owner = text === undefined ? undefined : parseOwner(text);
			if (owner !== undefined && runs(owner)) {
				throw new FlashFolderError(
					`The nodes' flash in ${path} is in use by process ${owner.pid}: end that first.`,
				);
			}
			if (text !== undefined) removeStale(this.#lock, text);
		}
		throw new FlashFolderError(
			`The nodes' flash in ${path} cannot be taken: others take it again and again.`,
		);
	}

	/** Lets others have it. No effect the second time. */
	release(): void {
		if (!this.#held) return;
		this.#held = false;
		rmSync(this.#lock, { force: true });
	}
}

/** @returns false when there is one. The file appears with its content, or not at all. */
function createLock(lock: string): boolean {
	const own = ownName(lock);
	const owner: Owner = { pid: process.pid, started: startOf(process.pid) };
	writeFileSync(own, JSON.stringify(owner), { mode: 0o600 });
	try {
		linkSync(own, lock);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	} finally {
		rmSync(own);
	}
}

/** Removes the lock that was read; should another process have replaced it meanwhile, puts that one back. */
function removeStale(lock: string, text: string): void {
	const own = ownName(lock);
	try {
		renameSync(lock, own);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
		throw error;
	}
	if (readFileSync(own, "utf8") !== text) linkSync(own, lock);
	rmSync(own);
}

function ownName(lock: string): string {
	return `${lock}.${process.pid}`;
}

function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		// The latter of a process's file, when it ends just now.
		if (code === "ENOENT" || code === "ESRCH") return undefined;
		throw error;
	}
}

/** @returns undefined when the computer went down before the file's content was on its disk */
function parseOwner(text: string): Owner | undefined {
	let owner: Partial<Owner> | null;
	try {
		owner = JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
	const { pid, started } = owner ?? {};
	return typeof pid === "number" && pid > 0 && typeof started === "string"
		? { pid, started }
		: undefined;
}

function runs({ pid, started }: Owner): boolean {
	try {
		process.kill(pid, 0);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ESRCH") return false;
		// It runs, and is somebody else's.
		if (code !== "EPERM") throw error;
	}
	const now = startOf(pid);
	return now === "" || started === "" || now === started;
}

/** When a process started, in clock ticks since the computer did (proc(5), /proc/pid/stat, field 22). Linux only. */
function startOf(pid: number): string {
	const stat = readIfThere(`/proc/${pid}/stat`);
	// Field 2 is a name in parentheses, which may hold anything.
	return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
