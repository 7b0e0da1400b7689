/**
 * `DIR/up.lock`: held for as long as a cloud runs on a data folder. It is an empty SQLite database in an exclusive
 * transaction, which is the one file lock at hand without a further package: the operating system lets go of it when
 * the process ends, however it ends, and no process id has to be believed.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
	makePrivateFile,
	openDataFolder,
} from "../../cloud/local/data-folder.ts";
import { Connection } from "../../cloud/local/sqlite/connection.ts";
import { CommandError } from "./errors.ts";

const FILE = "up.lock";
/** Whoever looks whether it is held has it for a moment; that is not long. */
const WAIT_MS = 500;

export interface UpLock {
	/** Lets another cloud run on the folder. */
	release(): void;
}

/**
 * Makes the folder when it is missing.
 * @throws CommandError when another process has the lock; StoreError when the folder cannot be used
 */
export async function takeUpLock(dir: string): Promise<UpLock> {
	await openDataFolder(dir);
	const path = join(dir, FILE);
	await makePrivateFile(path);
	const db = new Connection(path);
	try {
		db.exec(`PRAGMA busy_timeout = ${WAIT_MS}`);
		// Nothing is ever written, so there is no journal to leave behind.
		db.exec("PRAGMA journal_mode = MEMORY");
		db.exec("BEGIN EXCLUSIVE");
	} catch (cause) {
		db.close();
		if (!isBusy(cause)) {
			throw new CommandError(
				`${path} cannot be locked: ${(cause as Error).message}. Delete it if no cloud runs on the folder.`,
				{ cause },
			);
		}
		throw new CommandError(
			`A cloud already runs on ${dir}, or is starting or ending there. End it first, or name another folder by --data DIR.`,
			{ cause },
		);
	}
	return { release: () => db.close() };
}

/** Whether a cloud runs on the folder now, in whatever process. */
export function isUpLocked(dir: string): boolean {
	const path = join(dir, FILE);
	if (!existsSync(path)) return false;
	const db = new Connection(path);
	try {
		db.exec("PRAGMA busy_timeout = 0");
		// A shared lock, so that many may look at once.
		db.value("SELECT count(*) FROM sqlite_master");
		return false;
	} catch (error) {
		if (isBusy(error)) return true;
		throw error;
	} finally {
		db.close();
	}
}

function isBusy(error: unknown): boolean {
	return (
		error instanceof Error &&
		"code" in error &&
		String(error.code).startsWith("SQLITE_BUSY")
	);
}
