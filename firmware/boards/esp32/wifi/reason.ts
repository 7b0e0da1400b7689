/** ESP-IDF's reasons of a Wi-Fi disconnect, told apart by who can mend them. */
import type { OfflineReason } from "../../../node/ports.ts";

export type WifiReason = Extract<
	OfflineReason,
	"wifi" | "wifi_password" | "wifi_not_found"
>;

/**
 * `wifi_err_reason_t` of ESP-IDF 6.0's esp_wifi_types_generic.h; ESP-IDF Programming Guide, "Wi-Fi Driver", sections "Wi-Fi Reason
 * Code" and "Wi-Fi Reason code related to wrong password".
 */
const Reason = Object.freeze({
	/** The access point went silent in the 4-way handshake: so does one that finds the message integrity code wrong. */
	FOUR_WAY_HANDSHAKE_TIMEOUT: 15,
	NO_AP_FOUND: 201,
	/** WPA3 refuses a wrong password in the authentication itself. */
	AUTH_FAIL: 202,
	/** What the station makes of 15 when it finds it out itself. */
	HANDSHAKE_TIMEOUT: 204,
	/** A password for an open access point, none for one that has one, or one that does not do for WEP; and kinds of security. */
	NO_AP_FOUND_W_COMPATIBLE_SECURITY: 210,
	NO_AP_FOUND_IN_AUTHMODE_THRESHOLD: 211,
	NO_AP_FOUND_IN_RSSI_THRESHOLD: 212,
} as const);

/** @param code `wifi_err_reason_t`; 0 when there was no disconnect */
export function wifiReason(code: number): WifiReason {
	switch (code) {
		case Reason.FOUR_WAY_HANDSHAKE_TIMEOUT:
		case Reason.AUTH_FAIL:
		case Reason.HANDSHAKE_TIMEOUT:
		case Reason.NO_AP_FOUND_W_COMPATIBLE_SECURITY:
		case Reason.NO_AP_FOUND_IN_AUTHMODE_THRESHOLD:
			return "wifi_password";
		case Reason.NO_AP_FOUND:
		case Reason.NO_AP_FOUND_IN_RSSI_THRESHOLD:
			return "wifi_not_found";
		default:
			return "wifi";
	}
}
