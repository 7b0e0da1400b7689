/** With which key the simulated nodes of a target believe updates. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isKey } from "../../protocol/update-manifest.ts";

/** As `thinghz ota keygen` writes it; whoever publishes to the target puts it there. */
const FILE = "ota-key.pub";

/** It is there and is no key. */
export class UpdateKeyError extends Error {
	override readonly name = "UpdateKeyError";
	readonly code = "bad_update_key";
}

/**
 * @param dir the target's folder
 * @returns 130 hex digits; undefined where there is none, and nodes are not updated
 * @throws UpdateKeyError
 */
export function readUpdateKey(dir: string): string | undefined {
	const path = join(dir, FILE);
	let text: string;
	try {
		text = readFileSync(path, "utf8").trim();
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw new UpdateKeyError(
			`${path} cannot be read: ${(cause as Error).message}`,
			{ cause },
		);
	}
	if (isKey(text)) return text;
	throw new UpdateKeyError(
		`${path} holds no public key of P-256, as \`thinghz ota keygen\` writes it. Put the right one there, or remove the file: then the nodes take no updates.`,
	);
}
