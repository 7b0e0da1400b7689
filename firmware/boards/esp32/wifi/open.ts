/** The station on the chip's own radio. */
import WiFi from "embedded:network/interface/wifi";
import type { Timers } from "../../../node/ports.ts";
import { check, type Natives } from "../native/natives.ts";
import { type Station, WifiLink } from "./link.ts";
import { wifiReason } from "./reason.ts";

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
	});
}
