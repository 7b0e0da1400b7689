/** What the board gives for updates over the air. Images come by MQTT streams: another TLS session would not fit beside the node's. */
import type { BoardUpdate } from "../../node/update-ports.ts";
import { readDescription } from "./native/description.ts";
import type { Natives } from "./native/natives.ts";
import type { OtaUpdateSlots } from "./native/update-slots.ts";
import { updateCrypto } from "./update-crypto.ts";

export interface BoardUpdateParts {
	readonly natives: Natives;
	readonly slots: OtaUpdateSlots;
	/** The board's name. */
	readonly board: string;
	/** See `updateKeyOf`. */
	readonly key: string;
}

export function boardUpdate(parts: BoardUpdateParts): BoardUpdate {
	return {
		slots: parts.slots,
		crypto: updateCrypto,
		/** Read when it is asked for: a node without an update keeps nothing of it. */
		get running() {
			const { natives, board, key } = parts;
			return { ...readDescription(natives), board, key };
		},
		prefersStreams: true,
	};
}
