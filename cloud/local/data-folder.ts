/**
 * The data folder holds keys, the secret that signs access, and all readings: only its owner may enter it. Everything
 * that opens the folder makes it through here.
 */
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StoreError } from "../core/ports.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Set on folders that all users share, such as /tmp. */
const STICKY = 0o1000;

/**
 * Makes the folder where it is missing and closes it to others where it is open to them. A folder of another owner (a
 * mounted volume) stays as it is: what it means to keep to itself has modes of its own.
 * @throws StoreError "unavailable" when it cannot be made or entered, or is one that all users share
 */
export async function openDataFolder(dir: string): Promise<void> {
	try {
		await mkdir(dir, { recursive: true, mode: FOLDER_MODE });
		const { mode, uid } = await stat(dir);
		if ((mode & 0o077) === 0 || uid !== process.getuid?.()) return;
		if ((mode & STICKY) === 0) return await chmod(dir, FOLDER_MODE);
	} catch (error) {
		throw new StoreError(
			"unavailable",
			`The data folder ${dir} cannot be made or entered.`,
			{ cause: error },
		);
	}
	throw new StoreError(
		"unavailable",
		`${dir} is shared by all users of this machine. Name a folder of its own, such as ${join(dir, "thinghz")}.`,
	);
}

/**
 * Makes a file that only its owner may read, empty, where it is missing. SQLite gives the files that it keeps beside a
 * database the database's mode. One that is there is never opened: closing it would let go of the locks that SQLite
 * holds on it in this process (POSIX fcntl).
 * @throws StoreError "unavailable"
 */
export async function makePrivateFile(path: string): Promise<void> {
	try {
		const { mode, uid } = await stat(path);
		if ((mode & 0o077) !== 0 && uid === process.getuid?.()) {
			await chmod(path, FILE_MODE);
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
			throw cannotWrite(path, error);
		}
		await writeNew(path);
	}
}

async function writeNew(path: string): Promise<void> {
	try {
		await writeFile(path, "", { mode: FILE_MODE, flag: "wx" });
	} catch (error) {
		// Another process was faster, and made it the same way.
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
		throw cannotWrite(path, error);
	}
}

function cannotWrite(path: string, cause: unknown): StoreError {
	return new StoreError("unavailable", `${path} cannot be written.`, { cause });
}
