/** The application slots, by the rules of ESP-IDF's bootloader with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE. */
import type { AppSlots } from "../../../node/ports.ts";
import { check, type Natives, PlatformError } from "./natives.ts";

export class OtaSlots implements AppSlots {
	readonly #natives: Natives;
	#onTrial: boolean;

	/** @throws PlatformError when otadata cannot be read */
	constructor(natives: Natives) {
		this.#natives = natives;
		const onTrial = new Uint32Array(1);
		check(
			"Reading the state of the running image",
			natives.thinghz_app_on_trial(onTrial.buffer),
		);
		this.#onTrial = onTrial[0] === 1;
	}

	get onTrial(): boolean {
		return this.#onTrial;
	}

	confirm(): void {
		check("Confirming the image", this.#natives.thinghz_app_confirm());
		this.#onTrial = false;
	}

	rollBack(): never {
		const code = this.#natives.thinghz_app_roll_back();
		throw new PlatformError("Going back to the image before", code);
	}
}
