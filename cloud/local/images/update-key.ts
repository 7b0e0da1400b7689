/** The public key that updates of this cloud's nodes are signed with, as `thinghz ota keygen` writes it: `DIR/ota-key.pub`. */
import { randomBytes } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { StoreError } from "../../core/ports.ts";
import type { UpdateKeys } from "../../core/releases/ports.ts";

export const UPDATE_KEY_FILE = "ota-key.pub";

export function fileUpdateKeys(dir: string): UpdateKeys {
	const path = join(dir, UPDATE_KEY_FILE);
	return {
		get: () => orStoreError(path, () => readKey(path)),
		putNew: (key) =>
			orStoreError(path, async () => {
				await writeNew(path, `${key}\n`);
				return (await readKey(path)) ?? key;
			}),
	};
}

async function readKey(path: string): Promise<string | null> {
	try {
		return (await readFile(path, "utf8")).trim();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
}

/** The whole file or none, and none where there is one. */
async function writeNew(path: string, text: string): Promise<void> {
	const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
	try {
		const file = await open(temporary, "wx", 0o644);
		try {
			await file.writeFile(text);
			await file.sync();
		} finally {
			await file.close();
		}
		await link(temporary, path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
	} finally {
		await rm(temporary, { force: true });
	}
}

async function orStoreError<T>(
	path: string,
	work: () => Promise<T>,
): Promise<T> {
	try {
		return await work();
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new StoreError(
			"unavailable",
			`${path} did not do what it was asked: ${reason}`,
			{ cause },
		);
	}
}
