/** What the running image says of itself: esp_app_desc_t (ESP-IDF, esp_app_format/include/esp_app_desc.h). */
import type { RunningFirmware } from "../../../node/update-ports.ts";
import type { Natives } from "./natives.ts";

const DESCRIPTION_BYTES = 256;
const SECURE_VERSION_AT = 4;
const VERSION_AT = 16;
const PROJECT_AT = 48;
const TEXT_BYTES = 32;

export function readDescription(
	natives: Natives,
): Pick<RunningFirmware, "project" | "version" | "securityVersion"> {
	const bytes = new Uint8Array(DESCRIPTION_BYTES);
	natives.thinghz_app_description(bytes.buffer, bytes.length);
	return {
		project: textAt(bytes, PROJECT_AT),
		version: textAt(bytes, VERSION_AT),
		securityVersion: new DataView(bytes.buffer).getUint32(
			SECURE_VERSION_AT,
			true,
		),
	};
}

/** ASCII, up to a zero. */
function textAt(bytes: Uint8Array, offset: number): string {
	let text = "";
	for (const byte of bytes.subarray(offset, offset + TEXT_BYTES)) {
		if (byte === 0) break;
		text += String.fromCharCode(byte);
	}
	return text;
}
