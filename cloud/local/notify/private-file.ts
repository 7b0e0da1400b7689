/** Secrets that a data folder keeps for good: made when they are first needed, whole, and for their owner's eyes only. */
import { randomBytes } from "node:crypto";
import {
	chmodSync,
	existsSync,
	linkSync,
	mkdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

const MODE = 0o600;

/** What a file holds, made by `make` where there is none. Of two processes that make it at once, one decides for both. */
export function keepPrivateFile(path: string, make: () => string): string {
	mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
	if (!existsSync(path)) {
		// A link appears with all that is in the file, or not at all.
		const draft = `${path}.${randomBytes(6).toString("hex")}`;
		writeFileSync(draft, make(), { mode: MODE, flag: "wx" });
		try {
			linkSync(draft, path);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		} finally {
			rmSync(draft);
		}
	}
	chmodSync(path, MODE);
	return readFileSync(path, "utf8");
}
