/**
 * A firmware image on trial is kept once the cloud has acknowledged something that it sent: then it measures, connects and
 * can be replaced again.
 */
import type { AppSlots, System } from "./ports.ts";

export class Trial {
	readonly #slots: AppSlots | undefined;
	readonly #system: Pick<System, "log">;
	#isOn: boolean;

	/** @param slots undefined on a board without */
	constructor(slots: AppSlots | undefined, system: Pick<System, "log">) {
		this.#slots = slots;
		this.#system = system;
		this.#isOn = slots?.onTrial ?? false;
	}

	/** A board on trial must not sleep: a wake would boot the image before. */
	get isOn(): boolean {
		return this.#isOn;
	}

	/** The broker has acknowledged a message. Where the image cannot be confirmed now, the next one tries again. */
	acknowledged(): void {
		if (!this.#isOn) return;
		try {
			this.#slots?.confirm();
			this.#isOn = false;
			this.#system.log("info", "The firmware is confirmed.");
		} catch (error) {
			this.#system.log("error", `The firmware is not confirmed: ${error}`);
		}
	}
}
