/** ESP-IDF's reasons of a Wi-Fi disconnect, told apart by who can mend them. */
import type { OfflineReason } from "../../../node/ports.ts";

export type WifiReason = Extract<
	OfflineReason,
	"wifi" | "wifi_password" | "wifi_not_found"
>;

/** `wifi_err_reason_t` (ESP-IDF Programming Guide, "Wi-Fi Driver", section "Wi-Fi Reason Code"). */
const Reason = Object.freeze({
	/** The access point went silent in the 4-way handshake: so does one that finds the message integrity code wrong. */
	FOUR_WAY_HANDSHAKE_TIMEOUT: 15,
	NO_AP_FOUND: 201,
	/** WPA3 refuses a wrong password in the authentication itself. */
	AUTH_FAIL: 202,
	HANDSHAKE_TIMEOUT: 204,
	NO_AP_FOUND_IN_RSSI_THRESHOLD: 212,
} as const);

/** @param code `wifi_err_reason_t`; 0 when there was no disconnect */
export function wifiReason(code: number): WifiReason {
	switch (code) {
		case Reason.FOUR_WAY_HANDSHAKE_TIMEOUT:
		case Reason.AUTH_FAIL:
		case Reason.HANDSHAKE_TIMEOUT:
			return "wifi_password";
		case Reason.NO_AP_FOUND:
		case Reason.NO_AP_FOUND_IN_RSSI_THRESHOLD:
			return "wifi_not_found";
		default:
			return "wifi";
	}
}
