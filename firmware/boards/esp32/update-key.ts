/** The key that updates of a board are signed with, as the manifest that the firmware was built with has it. */
import { isKey } from "../../../protocol/update-manifest.ts";

/**
 * @param config the manifest's `config.thinghz`
 * @returns 130 hex digits; undefined where there is none, or what is there is none, which is logged: such a board is not updated
 */
export function updateKeyOf(
	config: unknown,
	log: (level: "error", message: string) => void,
): string | undefined {
	const { updateKey } = (config ?? {}) as { readonly updateKey?: unknown };
	if (updateKey === undefined || updateKey === "") return undefined;
	if (isKey(updateKey)) return updateKey;
	log(
		"error",
		"The manifest's config.thinghz.updateKey is no public key of P-256, as `thinghz ota keygen` writes it: the board cannot be updated.",
	);
	return undefined;
}
