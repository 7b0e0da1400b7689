/**
 * Held while the files of a thing are made: two who provision it at once would each make a certificate, and leave the key of one beside that
 * of the other. It is an empty SQLite database in an exclusive transaction, as `up.lock` is: the operating system lets go of it when its
 * process ends, however it ends, so that no lock is ever left behind.
 */
import { join } from "node:path";
import { IdentityError } from "../../cloud/local/identity/errors.ts";
import { SECRET_MODE, touch } from "../../cloud/local/identity/files.ts";
import { Connection } from "../../cloud/local/sqlite/connection.ts";

const FILE = ".lock";
const LOOK_AGAIN_MS = 50;
/** On AWS, provisioning a thing takes some seconds, and longer where it is throttled. */
const WAIT_MS = 120_000;

/** @throws IdentityError busy, file_access; whatever `work` throws */
export async function withFolderLock<T>(
	directory: string,
	work: () => Promise<T>,
	waitMs = WAIT_MS,
): Promise<T> {
	const path = join(directory, FILE);
	await touch(path, SECRET_MODE);
	const db = new Connection(path);
	try {
		// Waiting there would keep whoever holds it in this process from ending.
		db.exec("PRAGMA busy_timeout = 0");
		for (let waitedMs = 0; !begin(db, directory); waitedMs += LOOK_AGAIN_MS) {
			if (waitedMs >= waitMs)
				throw new IdentityError(
					"busy",
					`Somebody else is provisioning into ${directory}. Wait for that to end, and try again.`,
				);
			await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
		}
		return await work();
	} finally {
		db.close();
	}
}

/** @returns false while another has it */
function begin(db: Connection, directory: string): boolean {
	try {
		// Nothing is ever written, so there is no journal to leave behind.
		db.exec("PRAGMA journal_mode = MEMORY");
		db.exec("BEGIN EXCLUSIVE");
		return true;
	} catch (cause) {
		const code = String((cause as { readonly code?: unknown }).code);
		if (code.startsWith("SQLITE_BUSY")) return false;
		throw new IdentityError(
			"file_access",
			`${join(directory, FILE)} cannot be locked: ${(cause as Error).message}. Check that the folder belongs to you.`,
			{ cause },
		);
	}
}
