/** How much an uplink sends at a time, and how long it waits for what. */
import type { OutboxLimits } from "./outbox.ts";

export interface UplinkLimits extends OutboxLimits {
	readonly publishesPerSecond: number;
	/**
	 * From the start of a connection to its CONNACK: name, TCP, TLS with RSA on a slow processor, and the broker. More than the
	 * 30 s that Moddable's client gives TCP and TLS (mqttclient.js, `connecting`), so that its reason is the one reported;
	 * the client does not tell when CONNECT is sent.
	 */
	readonly connectMs: number;
	readonly keepAliveMs: number;
}

export const DEFAULT_UPLINK_LIMITS: UplinkLimits = Object.freeze({
	window: 4,
	publishesPerSecond: 20,
	resendMs: 10_000,
	giveUpMs: 60_000,
	connectMs: 35_000,
	keepAliveMs: 60_000,
});
