/** The application slots and the cryptography of an update, on the other side of the channel. */
import type { Flash } from "../../../node/ports.ts";
import type {
	Hasher,
	RunningFirmware,
	UpdateCrypto,
	UpdateSlots,
} from "../../../node/update-ports.ts";
import {
	ExitCode,
	Partition,
	type RunningDocument,
	type SlotsDocument,
} from "../wire.ts";
import { call, host, utf8 } from "./host.ts";
import { ChannelFlash } from "./storage.ts";

export class ChannelSlots implements UpdateSlots {
	readonly runningSlot: number;
	onTrial: boolean;
	readonly #sizeBytes: number;

	constructor({ running, onTrial, sizeBytes }: SlotsDocument) {
		this.runningSlot = running;
		this.onTrial = onTrial;
		this.#sizeBytes = sizeBytes;
	}

	get idleSlot(): number {
		return 1 - this.runningSlot;
	}

	/** Made anew each time: a node holds it while it has something to do with it. */
	get idle(): Flash {
		return new ChannelFlash(Partition.SLOT_0 + this.idleSlot, this.#sizeBytes);
	}

	/** As `idle`. */
	get running(): Flash {
		return new ChannelFlash(
			Partition.SLOT_0 + this.runningSlot,
			this.#sizeBytes,
		);
	}

	activate(): void {
		call({ op: "slot_activate" });
	}

	confirm(): void {
		call({ op: "slot_confirm" });
		this.onTrial = false;
	}

	rollBack(): never {
		call({ op: "slot_roll_back" });
		return host.exit(ExitCode.RESTART);
	}
}

/** Hashes have numbers: so many can be under way, and the one begun longest ago is forgotten for another. */
const MOST_HASHES = 4;

export class ChannelCrypto implements UpdateCrypto {
	#begun = 0;

	sha256(): Hasher {
		const hash = this.#begun++ % MOST_HASHES;
		call({ op: "hash_begin", hash });
		return {
			update: (bytes) => void call({ op: "hash_update", hash, bytes }),
			digest: () => call({ op: "hash_digest", hash }),
		};
	}

	verifyP256(
		point: Uint8Array,
		hash: Uint8Array,
		signature: Uint8Array,
	): boolean {
		const bytes = new Uint8Array(point.length + hash.length + signature.length);
		bytes.set(point);
		bytes.set(hash, point.length);
		bytes.set(signature, point.length + hash.length);
		return call({ op: "verify_p256", bytes })[0] === 1;
	}
}

/** What the image that runs says of itself, and the key that the board knows. */
export function runningFirmware(board: string): RunningFirmware {
	const running: RunningDocument = JSON.parse(
		utf8.decode(call({ op: "running" })),
	);
	return { ...running, board };
}
