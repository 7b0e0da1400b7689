/** The application slots as an update needs them: their flash, and the switch. */
import type { Flash } from "../../../node/ports.ts";
import type { UpdateSlots } from "../../../node/update-ports.ts";
import { check, type Natives } from "./natives.ts";
import { OtaSlots } from "./slots.ts";

const SLOT_COUNT = 2;

export class OtaUpdateSlots extends OtaSlots implements UpdateSlots {
	readonly runningSlot: number;
	readonly #natives: Natives;
	readonly #open: (path: string) => Flash;
	#idle: Flash | undefined;
	#running: Flash | undefined;

	/** @param open `embedded:storage/flash` by its path, when it is first needed */
	constructor(
		natives: Natives,
		open: (path: string) => Flash,
		log: (level: "error", message: string) => void,
	) {
		super(natives, log);
		this.#natives = natives;
		this.#open = open;
		this.runningSlot = natives.thinghz_app_slot();
	}

	get idleSlot(): number {
		return (this.runningSlot + 1) % SLOT_COUNT;
	}

	/** What ESP-IDF would update next: with two slots, the one that does not run. */
	get idle(): Flash {
		this.#idle ??= this.#open("nextota");
		return this.#idle;
	}

	get running(): Flash {
		this.#running ??= this.#open("running");
		return this.#running;
	}

	activate(): void {
		check("Starting the other slot", this.#natives.thinghz_app_activate());
	}
}
