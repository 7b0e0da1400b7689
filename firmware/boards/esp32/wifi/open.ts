/** The station on the chip's own radio. */
import WiFi from "embedded:network/interface/wifi";
import type { Station, Timers } from "../../../node/ports.ts";
import { check, type Natives, resetReason } from "../native/natives.ts";
import { WifiLink } from "./link.ts";
import { wifiReason } from "./reason.ts";

/**
 * After a brown-out the supply is left to recover. The radio draws the most at its start: were it started at once, an exhausted
 * battery would be reset again and again until it is empty.
 */
const REST_AFTER_BROWN_OUT_MS = 60_000;

/**
 * The radio stays off until the link is first wanted.
 * @throws PlatformError when the events of the radio cannot be listened to
 */
export function openWifi(options: {
	readonly natives: Natives;
	readonly station: () => Station | undefined;
	readonly timers: Timers;
	readonly log: (level: "info" | "warn", message: string) => void;
}): WifiLink {
	const { natives, ...rest } = options;
	check("Listening to Wi-Fi", natives.thinghz_wifi_watch());
	return new WifiLink({
		...rest,
		io: WiFi,
		reason: () => wifiReason(natives.thinghz_wifi_reason()),
		notBeforeMs:
			resetReason(natives) === "brown_out" ? REST_AFTER_BROWN_OUT_MS : 0,
	});
}
