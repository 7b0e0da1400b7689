/** The application slots, by the rules of ESP-IDF's bootloader with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE. */
import type { AppSlots } from "../../../node/ports.ts";
import { check, ESP_OK, type Natives, PlatformError } from "./natives.ts";

export class OtaSlots implements AppSlots {
	readonly #natives: Natives;
	#onTrial: boolean;

	/** An image whose state cannot be read is taken for confirmed, and that is logged: it cannot be confirmed either. */
	constructor(
		natives: Natives,
		log: (level: "error", message: string) => void,
	) {
		this.#natives = natives;
		const onTrial = new Uint32Array(1);
		const code = natives.thinghz_app_on_trial(onTrial.buffer);
		if (code !== ESP_OK)
			log(
				"error",
				new PlatformError("Reading the state of the running image", code)
					.message,
			);
		this.#onTrial = code === ESP_OK && onTrial[0] === 1;
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
