/**
 * How long a node lives on a battery: what it draws awake, connecting and asleep, times how long it does each. The bytes are
 * measured (`exchange.json`), the currents published (`chips.ts`), the times assumed (`ASSUMED`); docs/battery.md tells it all.
 */
import type { ChipCurrents } from "./chips.ts";
import exchange from "./exchange.json" with { type: "json" };

/** What is neither measured here nor published: times of a node on a plain Wi-Fi network. */
export const ASSUMED = Object.freeze({
	/** From the timer to sleep on a wake without radio: start of the chip and of the program, sample, flash. */
	wakeS: 0.6,
	/** Association and keys 0.8 s, DHCP 0.7 s, name and TCP 0.1 s, TLS with an RSA 2048 signature 1.4 s, MQTT 0.3 s. */
	connectS: 3.3,
	/** DHCP, ARP, DNS, SNTP, and the packets that open and close a TCP connection. */
	networkBytes: 1900,
	/** IPv4 and TCP headers of a packet. */
	packetHeaderBytes: 40,
	packetBytes: 1460,
	/** The slowest rate of the 2.4 GHz band. */
	bitsPerS: 1_000_000,
	keepAliveS: 60,
	/** A PINGREQ or a PINGRESP in a TLS record. */
	pingBytes: 31,
	/** What a block may have at most: a longer span is cut into more of them. */
	maxBlockBytes: 5000,
});

export interface BatteryUse {
	readonly chip: ChipCurrents;
	readonly intervalS: number;
	readonly spanS: number;
	/** Encoded samples of a span. */
	readonly blockBytes: number;
	readonly capacityMah: number;
	/** Connected all the time, instead of deep sleep between samples. */
	readonly alwaysOn: boolean;
	/** From the start of the radio to the PUBACK. */
	readonly connectS: number;
}

export interface BatteryLife {
	readonly radioOnSPerHour: number;
	/** In both directions, IP headers included. */
	readonly bytesPerHour: number;
	readonly mahPerDay: number;
	readonly days: number;
}

const HOUR_S = 3600;

export function reckonBattery(use: BatteryUse): BatteryLife {
	const { chip, capacityMah, alwaysOn } = use;
	const hourly = alwaysOn ? connected(use) : sleeping(use);
	const sendingMas =
		((hourly.sentBytes * 8) / ASSUMED.bitsPerS) *
		(chip.transmitMa - chip.receiveMa);
	const mahPerDay = (24 * (hourly.mas + sendingMas)) / HOUR_S;
	return {
		radioOnSPerHour: hourly.radioOnS,
		bytesPerHour: hourly.sentBytes + hourly.receivedBytes,
		mahPerDay,
		days: capacityMah / mahPerDay,
	};
}

/** What an hour takes. */
interface Hour {
	readonly radioOnS: number;
	readonly sentBytes: number;
	readonly receivedBytes: number;
	/** mA·s, but for what sending draws more than listening. */
	readonly mas: number;
}

function sleeping(use: BatteryUse): Hour {
	const { chip, connectS, intervalS, spanS } = use;
	const contacts = HOUR_S / spanS;
	const radioOnS = Math.min(HOUR_S, contacts * connectS);
	const wakingS = Math.min(
		HOUR_S - radioOnS,
		(HOUR_S / intervalS) * ASSUMED.wakeS,
	);
	const asleepS = HOUR_S - radioOnS - wakingS;
	const { handshake, connect, disconnect } = exchange;
	const blocks = blocksOf(use);
	const stages = [handshake, connect, blocks, disconnect];
	const network = ASSUMED.networkBytes / 2;
	return {
		radioOnS,
		sentBytes: contacts * (network + onWire(stages.map(({ sent }) => sent))),
		receivedBytes:
			contacts * (network + onWire(stages.map(({ received }) => received))),
		mas:
			radioOnS * chip.receiveMa +
			wakingS * chip.processorMa +
			asleepS * chip.sleepMa,
	};
}

function connected(use: BatteryUse): Hour {
	const { chip, spanS } = use;
	const { sent, received } = blocksOf(use);
	const blocks = HOUR_S / spanS;
	const pings = spanS > ASSUMED.keepAliveS ? HOUR_S / ASSUMED.keepAliveS : 0;
	const pingBytes = pings * onWire([ASSUMED.pingBytes]);
	return {
		radioOnS: HOUR_S,
		sentBytes: blocks * onWire([sent]) + pingBytes,
		receivedBytes: blocks * onWire([received]) + pingBytes,
		mas: HOUR_S * chip.connectedMa,
	};
}

/** The messages that a span's samples take. */
function blocksOf({ blockBytes }: BatteryUse): {
	readonly sent: number;
	readonly received: number;
} {
	const blocks = Math.ceil(blockBytes / ASSUMED.maxBlockBytes);
	const { sent, received } = exchange.publish;
	return { sent: blockBytes + blocks * sent, received: blocks * received };
}

/** With the headers of the packets that it takes. */
function onWire(parts: readonly number[]): number {
	const { packetBytes, packetHeaderBytes } = ASSUMED;
	return parts.reduce(
		(sum, bytes) =>
			sum + bytes + packetHeaderBytes * Math.ceil(bytes / packetBytes),
		0,
	);
}
