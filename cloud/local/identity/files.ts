/** Small files that are whole or absent, with the modes that keys need. */
import { randomUUID } from "node:crypto";
import {
	chmod,
	mkdir,
	open,
	readdir,
	readFile,
	rename,
	rm,
	stat,
	writeFile,
} from "node:fs/promises";
import { IdentityError } from "./errors.ts";

/** Only the owner may read it: private keys. */
export const SECRET_MODE = 0o600;
export const PUBLIC_MODE = 0o644;
/** Only the owner may enter it. */
export const FOLDER_MODE = 0o700;

function accessError(
	action: string,
	path: string,
	cause: unknown,
): IdentityError {
	const code =
		cause instanceof Error && "code" in cause ? String(cause.code) : "error";
	return new IdentityError(
		"file_access",
		`Cannot ${action} ${path} (${code}). Check that the data folder belongs to you and that the disk has room.`,
		{ cause },
	);
}

/** @returns null when there is no such file. @throws IdentityError file_access */
export async function readIfThere(path: string): Promise<string | null> {
	try {
		return await readFile(path, "utf8");
	} catch (cause) {
		if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") {
			return null;
		}
		throw accessError("read", path, cause);
	}
}

/** Replaces the file at once: a reader sees the old text or the new. @throws IdentityError file_access */
export async function writeWhole(
	path: string,
	text: string,
	mode: number,
): Promise<void> {
	const temporary = `${path}.${randomUUID()}.tmp`;
	try {
		await writeFile(temporary, text, { mode, flag: "wx", flush: true });
		await rename(temporary, path);
	} catch (cause) {
		await rm(temporary, { force: true });
		throw accessError("write", path, cause);
	}
}

/** @returns whether there was none. @throws IdentityError file_access */
export async function makeFolder(path: string): Promise<boolean> {
	try {
		const made = await mkdir(path, { recursive: true, mode: FOLDER_MODE });
		return made !== undefined;
	} catch (cause) {
		throw accessError("make", path, cause);
	}
}

/** Names of what is in the folder, which from now on only its owner may enter. @throws IdentityError file_access */
export async function enterFolder(path: string): Promise<readonly string[]> {
	try {
		await chmod(path, FOLDER_MODE);
		return await readdir(path);
	} catch (cause) {
		throw accessError("enter", path, cause);
	}
}

/** Makes an empty file where there is none. @throws IdentityError file_access */
export async function touch(path: string, mode: number): Promise<void> {
	try {
		await (await open(path, "a", mode)).close();
	} catch (cause) {
		throw accessError("make", path, cause);
	}
}

/** No effect where there is none. @throws IdentityError file_access */
export async function removeFile(path: string): Promise<void> {
	try {
		await rm(path, { force: true });
	} catch (cause) {
		throw accessError("remove", path, cause);
	}
}

/** Takes the place of what is there. @throws IdentityError file_access */
export async function moveFile(from: string, to: string): Promise<void> {
	try {
		await rename(from, to);
	} catch (cause) {
		throw accessError("move", from, cause);
	}
}

/** When it was written, ms since the epoch. @throws IdentityError file_access */
export async function writtenMs(path: string): Promise<number> {
	try {
		return (await stat(path)).mtimeMs;
	} catch (cause) {
		throw accessError("look at", path, cause);
	}
}
