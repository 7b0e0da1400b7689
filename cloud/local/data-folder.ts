/**
 * The data folder holds keys, the secret that signs access, and all readings: only its owner may enter it. Everything
 * that opens the folder makes it through here.
 */
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StoreError } from "../core/ports.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** What tells a data folder from any other. */
const DATABASE = "thinghz.db";
/** Set on folders that all users share, such as /tmp. */
const STICKY = 0o1000;

/**
 * Makes the folder where it is missing. One that is open to others is closed to them when it is empty or holds our data;
 * any other is refused, since it serves somebody else as it is. A folder of another owner (a mounted volume) stays as it
 * is: what it means to keep to itself has modes of its own.
 * @throws StoreError "unavailable" when it cannot be made or entered, or is not to be closed
 */
export async function openDataFolder(dir: string): Promise<void> {
	let refusal: string | null;
	try {
		await mkdir(dir, { recursive: true, mode: FOLDER_MODE });
		refusal = await closeToOthers(dir);
	} catch (error) {
		throw new StoreError(
			"unavailable",
			`The data folder ${dir} cannot be made or entered.`,
			{ cause: error },
		);
	}
	if (refusal === null) return;
	throw new StoreError(
		"unavailable",
		`${dir} ${refusal}. Name a folder of its own, such as ${join(dir, "thinghz")}.`,
	);
}

/** @returns why not, or null */
async function closeToOthers(dir: string): Promise<string | null> {
	const { mode, uid } = await stat(dir);
	if ((mode & 0o077) === 0) return null;
	if ((mode & STICKY) !== 0) return "is shared by all users of this machine";
	if (uid !== process.getuid?.()) return null;
	const files = await readdir(dir);
	if (files.length > 0 && !files.includes(DATABASE)) {
		return "holds other files and is open to other users";
	}
	await chmod(dir, FOLDER_MODE);
	return null;
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
