/**
 * The node's side of its dialogue with the cloud, beside the blocks: on which connections it subscribes and asks, and who is told.
 *
 * Blocks come first. A broker that ends the connection for what it is asked (AWS IoT does for what a policy does not permit) would
 * keep the blocks back for ever: after `MAX_DEATHS` connections in a row that ended soon while a question was open, nothing is asked for
 * `SHY_MS`; then once more, on the connection that there is. A node on a battery asks once its blocks are gone, and once in `BATTERY_ASK_MS`: each time costs messages and the radio.
 */
import type { Agent, CloudLink } from "./cloud-link.ts";
import { Inbox } from "./inbox.ts";
import type { MessageWriter } from "./message-writer.ts";
import type { Outbox } from "./outbox.ts";
import type { System, Timers } from "./ports.ts";

const MAX_DEATHS = 3;
export const SHY_MS = 900_000;
/** A connection that holds for so long was not ended for what had been asked first. */
const SOON_MS = 60_000;
export const BATTERY_ASK_MS = 3_600_000;
const NEVER = Number.POSITIVE_INFINITY;

export class Asking implements CloudLink {
	readonly inbox: Inbox;
	readonly #outbox: Outbox;
	readonly #system: Pick<System, "log">;
	readonly #poke: () => void;
	readonly #agents: Agent[] = [];
	/** So many of them, from the first, know that this connection is up. */
	#told = 0;
	/** This connection is asked on, since `#sinceMs`. */
	#asks = false;
	#sinceMs = 0;
	/** It will be, from `#shyUntilMs` on. */
	#isShy = false;
	#onBattery = false;
	#isOnline = false;
	#deaths = 0;
	#shyUntilMs = 0;
	/** On a battery: uptime before which nothing is asked. */
	askAtMs = 0;

	/** @param poke has the uplink do what is due */
	constructor(
		outbox: Outbox,
		system: Pick<System, "log">,
		timers: Timers,
		poke: () => void,
	) {
		this.inbox = new Inbox(system, timers, this.#agents);
		this.#outbox = outbox;
		this.#system = system;
		this.#poke = poke;
	}

	get isOnline(): boolean {
		return this.#isOnline;
	}

	/** The connection is of use for something yet, though the outbox be empty. */
	get isBusy(): boolean {
		return this.#asks && (!this.#isOnline || this.isAwaited);
	}

	private get isAwaited(): boolean {
		for (const agent of this.#agents) if (agent.isAwaiting) return true;
		return false;
	}

	/** Requests may be sent: their answers would come. */
	get mayAsk(): boolean {
		return this.#isOnline && this.inbox.isSettled;
	}

	attach(agent: Agent): void {
		this.#agents.push(agent);
		this.inbox.isUnsettled = true;
		if (this.#isOnline) this.#poke();
	}

	detach(agent: Agent): void {
		const at = this.#agents.indexOf(agent);
		if (at < 0) return;
		let before = 0;
		for (const other of this.#agents.slice(0, at))
			before += other.filters().length;
		this.#agents.splice(at, 1);
		this.inbox.removed(before, agent.filters().length);
		if (at < this.#told) this.#told--;
	}

	publish(
		topic: string,
		bytes: Uint8Array,
		onDone?: (isAcknowledged: boolean) => void,
	): void {
		if (!this.#isOnline) {
			onDone?.(false);
			return;
		}
		this.#outbox.addRequest(topic, bytes, onDone);
		this.#poke();
	}

	settle(): void {
		this.#poke();
	}

	/** A connection is up. */
	connected(nowMs: number, onBattery: boolean): void {
		this.inbox.startOver();
		this.#onBattery = onBattery;
		const mayAsk =
			this.#agents.length > 0 && !(onBattery && nowMs < this.askAtMs);
		this.#isShy = mayAsk && nowMs < this.#shyUntilMs;
		this.#asks = mayAsk && !this.#isShy;
		this.#sinceMs = nowMs;
	}

	/** The connection has ended. */
	lost(nowMs: number): void {
		if (this.#asks && nowMs - this.#sinceMs >= SOON_MS) this.#deaths = 0;
		else if (this.inbox.isAsking || this.#outbox.hasRequestUnderWay) {
			this.#deaths++;
			if (this.#deaths >= MAX_DEATHS) this.beShy(nowMs);
		}
		this.close();
	}

	/** The node has ended the connection. */
	stopped(): void {
		this.close();
	}

	private close(): void {
		const told = this.#agents.slice(0, this.#told);
		this.#asks = false;
		this.#isShy = false;
		this.#isOnline = false;
		this.#told = 0;
		this.inbox.startOver();
		for (const agent of told) agent.onOffline();
	}

	/** It is tried once when that is over, and if the connection ends for it, not for as long again. */
	private beShy(nowMs: number): void {
		this.#deaths = MAX_DEATHS - 1;
		this.#shyUntilMs = nowMs + SHY_MS;
		this.#system.log(
			"error",
			"The broker ends connections on which it is asked: blocks alone are sent for a while.",
		);
	}

	/** Does what is due while the connection is up, and nothing is being written. */
	proceed(writer: MessageWriter, nowMs: number): void {
		if (this.#isShy && nowMs >= this.#shyUntilMs) {
			this.#isShy = false;
			this.#asks = true;
			this.#sinceMs = nowMs;
		}
		if (!this.#asks) return;
		if (this.#onBattery && !this.#isOnline && !this.#outbox.isEmpty) return;
		this.inbox.expire(nowMs);
		this.inbox.subscribe(writer, nowMs);
		if (!this.inbox.isSettled) return;
		if (!this.#isOnline) {
			this.askAtMs = nowMs + BATTERY_ASK_MS;
			if (!this.inbox.isOfUse) {
				this.#asks = false;
				return;
			}
			this.#isOnline = true;
		}
		// Whoever is told may bring another, leave, or end the connection.
		while (this.#isOnline && this.#told < this.#agents.length)
			this.#agents[this.#told++]?.onOnline();
	}

	deadlineMs(): number {
		if (this.#isShy) return this.#shyUntilMs;
		return this.#asks ? this.inbox.deadlineMs() : NEVER;
	}
}
