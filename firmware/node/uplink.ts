/**
 * The only thing that talks MQTT: keeps a connection, empties the journal over it, and lets go of a block when the
 * broker has acknowledged it.
 *
 * `outbox.ts` says what goes next: at most `publishesPerSecond` messages, and a few at a time. A live message goes between two
 * of them; of those that wait for that, only the latest does.
 */
import type { EventDocument } from "../../protocol/documents.ts";
import { blockTopic, eventTopic, liveTopic } from "../../protocol/topics.ts";
import { Alarm } from "./alarm.ts";
import { Asking } from "./asking.ts";
import type { CloudLink } from "./cloud-link.ts";
import type { InFlight } from "./in-flight.ts";
import type { Journal, RecordRef } from "./journal.ts";
import type { KeyRing } from "./key-ring.ts";
import { LiveSlot } from "./live-slot.ts";
import { MessageWriter } from "./message-writer.ts";
import { Outbox } from "./outbox.ts";
import {
	type Identity,
	type MqttConnection,
	type MqttControl,
	MqttOperation,
	type Network,
	type OfflineReason,
	type Settings,
	type System,
	type Timers,
} from "./ports.ts";
import type { RetainedUplink } from "./retained-state.ts";
import { Retries } from "./retries.ts";
import { DEFAULT_UPLINK_LIMITS, type UplinkLimits } from "./uplink-limits.ts";

/** Settings key: the certificate with which the broker has a session of ours. */
export const SESSION_KEY = "session";

export interface UplinkParts {
	readonly boot: number;
	readonly system: System;
	readonly timers: Timers;
	readonly settings: Settings;
	readonly network: Network;
	readonly identity: Identity;
	readonly journal: Journal;
	/** A random number, 0 … 1. */
	chance(): number;
	readonly watch?: ConnectionWatch;
	/** Used between turns by others: at least 512 bytes. One of its own, where there is none. */
	readonly scratch?: Uint8Array;
}

/** Whoever goes by how connections fare. */
export interface ConnectionWatch {
	/** The broker has acknowledged a message. */
	acknowledged(): void;
	/** An attempt to connect has failed. */
	attemptFailed(): void;
}

/** A connection that holds this long was a success, also when nothing was acknowledged. */
const PROVEN_MS = 60_000;
const NEVER = Number.POSITIVE_INFINITY;

type State = "stopped" | "waiting" | "connecting" | "online";

/**
 * Its methods are private to TypeScript alone: XS keeps each method of the language's own privacy in a slot of every object that has it, and
 * this one lives as long as the node.
 */
export class Uplink {
	readonly #parts: UplinkParts;
	readonly #limits: UplinkLimits;
	readonly #outbox: Outbox;
	readonly #asking: Asking;
	readonly #writer: MessageWriter;
	readonly #live: LiveSlot;
	readonly #topics: { readonly block: string; readonly event: string };
	readonly #alarm: Alarm;
	#state: State = "stopped";
	#connection: MqttConnection | null = null;
	/** Tells the callbacks of a connection that was given up from those of the present one. */
	#attempt = 0;
	readonly #retries: Retries;
	/** Uptime at which the state was entered. */
	#sinceMs = 0;
	#nextPublishAtMs = 0;
	/** A live message has been begun since one with QoS 1 was begun. */
	#liveHasGone = false;
	/** The broker has acknowledged a message of this connection. */
	#isProven = false;
	#pumping = false;
	/** Set while the last is being sent. */
	#finish: {
		untilMs: number;
		readonly callbacks: (() => void)[];
	} | null = null;

	constructor(
		parts: UplinkParts,
		limits: UplinkLimits = DEFAULT_UPLINK_LIMITS,
	) {
		const { thing } = parts.identity;
		this.#parts = parts;
		this.#limits = limits;
		this.#outbox = new Outbox(parts.journal, parts.system, limits);
		// In a turn of its own: whoever asks is deep in the stack.
		this.#asking = new Asking(this.#outbox, parts.system, parts.timers, () =>
			this.#alarm.setAt(this.now()),
		);
		this.#writer = new MessageWriter(parts.journal, parts.scratch);
		this.#topics = {
			block: blockTopic(thing),
			event: eventTopic(thing),
		};
		this.#live = new LiveSlot(liveTopic(thing), this.spacingMs());
		this.#retries = new Retries(parts.chance);
		this.#alarm = new Alarm(parts.timers, () => this.run());
	}

	/** For what is asked of the cloud, beside the blocks. */
	get link(): CloudLink {
		return this.#asking;
	}

	/** The connection is of use for a question or an answer. */
	get isAsking(): boolean {
		return this.#state === "online" && this.#asking.isBusy;
	}

	/** Times a connection came up after the first. */
	get reconnects(): number {
		return this.#retries.reconnects;
	}

	/** Live messages that were not sent, for want of a connection or of room in it, or since a later one came. */
	get liveDropped(): number {
		return this.#live.dropped;
	}

	/** The value of `health.link` since it was last asked for. */
	takeLinkState(): number {
		return this.#retries.takeLinkState();
	}

	/** Told which connections came up and which did not, where they are made with another certificate than the provisioned one. */
	keys: KeyRing | null = null;

	/** Connects only when told to, without a session that would outlive the connection, and waits longer after failures. */
	savesBattery = false;

	/** Whether events wait for a PUBACK. */
	get hasEvents(): boolean {
		return this.#outbox.hasEvents;
	}

	/** Uptime before which, after failures, no connection should be tried. */
	get retryAtMs(): number {
		return this.#retries.retryAtMs;
	}

	/** What a sleep is gone on from with. */
	get retained(): RetainedUplink {
		return { ...this.#retries.retained, askAtMs: this.#asking.askAtMs };
	}

	/** Before `start`. */
	resume(retained: RetainedUplink): void {
		this.#retries.resume(retained);
		this.#asking.askAtMs = retained.askAtMs;
	}

	/** Connects and stays so: where `finish` has been called and is not over, that is taken back, and calls nobody back. */
	start(): void {
		this.#finish = null;
		if (this.#state === "stopped") this.connect();
	}

	/** The time has been learned or has jumped: certificates that were refused for it are tried again at once. */
	timeChanged(): void {
		if (this.#state !== "waiting" || this.#retries.lostBy !== "tls") return;
		this.#retries.retryNow(this.now());
		this.run();
	}

	/** Disconnects; what is not acknowledged stays in the journal. */
	stop(): void {
		if (this.#state === "stopped") return;
		const wasOnline = this.#state === "online";
		this.#connection?.close(wasOnline);
		this.#asking.stopped();
		this.detach();
		this.enter("stopped");
		this.#alarm.setAt(NEVER);
		if (!this.savesBattery) this.#retries.stopped();
		const { system, boot } = this.#parts;
		if (wasOnline)
			system.report({
				event: "offline",
				boot,
				reason: "stopped",
				retryInMs: 0,
			});
	}

	/** Connects anew and at once, as on another network, and asks whatever is to be asked. */
	reconnect(): void {
		this.stop();
		this.#asking.askAtMs = 0;
		this.#retries.retryNow(this.now());
		this.start();
	}

	/** Why the last connection ended, or did not come up; null where none has. */
	get lostBy(): OfflineReason | null {
		return this.#retries.lostBy;
	}

	/**
	 * Sends what waits, while there is a connection and for at most `patienceMs`, then disconnects and calls back. What
	 * is not acknowledged by then stays in the journal. Called again meanwhile, it calls that one back too, and no later.
	 */
	finish(patienceMs: number, done: () => void): void {
		const untilMs = this.now() + patienceMs;
		this.#finish ??= { untilMs, callbacks: [] };
		this.#finish.untilMs = Math.min(this.#finish.untilMs, untilMs);
		this.#finish.callbacks.push(done);
		this.run();
	}

	/** A block has just become durable: it goes ahead of the backlog, in a turn of its own, for much of the stack is in use in this one. */
	offer(ref: RecordRef): void {
		if (this.#state === "online") this.#outbox.addFresh(ref);
		this.#alarm.setAt(this.now());
	}

	/**
	 * Sends an event with QoS 1 as soon as may be; of many that wait, the oldest is given up.
	 * @param onDone is told once whether the broker has acknowledged it
	 */
	publishEvent(
		document: EventDocument,
		onDone?: (isAcknowledged: boolean) => void,
	): void {
		this.#outbox.addEvent(document, onDone);
		this.run();
	}

	/** Publishes a live message with QoS 0 as soon as the connection takes it and no later one has come, or not at all. */
	publishLive(bytes: Uint8Array): void {
		this.#live.put(bytes);
		if (this.#state === "online") this.run();
		else this.#live.drop();
	}

	// The connection

	private connect(): void {
		const { network, identity, settings } = this.#parts;
		const attempt = ++this.#attempt;
		const present = (): boolean => attempt === this.#attempt;
		this.enter("connecting");
		this.#isProven = false;
		try {
			this.#connection = network.connect({
				host: identity.host,
				port: identity.port,
				id: identity.thing,
				clean:
					this.savesBattery || settings.get(SESSION_KEY) !== this.certificateId,
				keepAliveMs: this.#limits.keepAliveMs,
				onReadable: (count, info) => {
					if (!present() || this.#connection === null) return;
					this.#asking.inbox.receive(this.#connection, count, info);
					this.run();
				},
				onWritable: (count) => {
					if (!present()) return;
					this.#writer.setWritable(count);
					this.run();
				},
				onControl: (control) => {
					if (present()) this.onControl(control);
				},
				onError: (reason) => {
					if (present()) this.onLost(reason);
				},
			});
		} catch (error) {
			// As on a board that is short of sockets: it may have some later.
			this.#parts.system.log("error", `No connection can be begun: ${error}`);
			this.onLost("tcp");
			return;
		}
		this.#writer.attach(this.#connection);
		this.run();
	}

	private get certificateId(): string {
		return this.keys?.certificateId ?? this.#parts.identity.certificateId;
	}

	private onControl(control: MqttControl): void {
		if (control.operation === MqttOperation.CONNACK) this.onConnected();
		else if (control.operation === MqttOperation.PUBACK)
			this.onAcknowledged(control.id ?? 0);
		else if (control.operation === MqttOperation.SUBACK)
			this.#asking.inbox.answered(control.id ?? 0, control.payload ?? []);
		this.run();
	}

	private onConnected(): void {
		if (this.#state !== "connecting") return;
		const { settings, system, boot } = this.#parts;
		const certificateId = this.certificateId;
		if (!this.savesBattery && settings.get(SESSION_KEY) !== certificateId)
			settings.set(SESSION_KEY, certificateId);
		this.keys?.connected();
		this.enter("online");
		this.#retries.connected();
		this.#asking.connected(this.now(), this.savesBattery);
		system.report({ event: "online", boot });
	}

	private onAcknowledged(id: number): void {
		const { current } = this.#writer;
		const place = this.#outbox.acknowledge(id);
		const event = place?.bytes ?? null;
		if (place !== null) {
			if (current === place) place.acknowledged = true;
			else place.free();
		} else if (current?.id === id || !this.#outbox.acknowledgeRequest(id))
			// Of a request that is sent in part, nobody can have acknowledged the whole.
			return;
		this.#retries.proven();
		this.#isProven = true;
		this.#parts.watch?.acknowledged();
		if (event !== null) this.#outbox.eventDone(event, true);
	}

	/** Ends the connection from this side. */
	private giveUp(reason: OfflineReason): void {
		this.#connection?.close();
		this.onLost(reason);
	}

	private onLost(reason: OfflineReason): void {
		const wasConnecting = this.#state === "connecting";
		if (this.#state === "online") {
			const nowMs = this.now();
			if (nowMs - this.#sinceMs >= PROVEN_MS) this.#retries.proven();
			this.#asking.lost(nowMs);
		} else this.#parts.watch?.attemptFailed();
		this.detach();
		this.enter("waiting");
		const { system, boot } = this.#parts;
		const retryInMs = this.#retries.lost(
			reason,
			this.#sinceMs,
			this.savesBattery,
		);
		system.report({ event: "offline", boot, reason, retryInMs });
		if (wasConnecting) this.keys?.failed(reason);
		this.run();
	}

	private detach(): void {
		this.#attempt++;
		this.#connection = null;
		this.#live.startOver(this.#writer);
		this.#writer.attach(null);
		this.#outbox.startOver();
	}

	private enter(state: State): void {
		this.#state = state;
		this.#sinceMs = this.now();
	}

	// What is to be done

	/** Does all that is due, and sets the timer for what will be. Called after whatever happens. */
	private run(): void {
		if (this.#pumping) return;
		this.#pumping = true;
		try {
			this.doWhatIsDue();
		} finally {
			this.#pumping = false;
		}
		if (this.isFinished()) {
			const finish = this.#finish;
			this.#finish = null;
			// One that took the time there was and acknowledged nothing has failed.
			if (
				this.savesBattery &&
				this.isUp &&
				!this.#isProven &&
				!this.#outbox.isEmpty
			)
				this.giveUp("timeout");
			this.stop();
			for (const done of finish?.callbacks ?? []) done();
			return;
		}
		this.#alarm.setAt(this.nextDeadlineMs());
	}

	private doWhatIsDue(): void {
		const nowMs = this.now();
		if (this.#state === "waiting" && nowMs >= this.retryAtMs) this.connect();
		else if (this.#state === "connecting") {
			if (nowMs >= this.#sinceMs + this.#limits.connectMs)
				this.giveUp("timeout");
		} else if (this.#state === "online") {
			if (nowMs >= this.giveUpAtMs()) this.giveUp("timeout");
			else {
				if (this.#writer.current?.topic == null) this.#outbox.expire(nowMs);
				this.send();
			}
		}
	}

	/** Connected, or about to be. */
	private get isUp(): boolean {
		return this.#state === "online" || this.#state === "connecting";
	}

	private isFinished(): boolean {
		if (this.#finish === null) return false;
		if (!this.isUp || this.now() >= this.#finish.untilMs) return true;
		return this.#outbox.isEmpty && !(this.savesBattery && this.isAsking);
	}

	private nextDeadlineMs(): number {
		return Math.min(this.nextStateDeadlineMs(), this.#finish?.untilMs ?? NEVER);
	}

	private nextStateDeadlineMs(): number {
		switch (this.#state) {
			case "stopped":
				return NEVER;
			case "waiting":
				return this.retryAtMs;
			case "connecting":
				return this.#sinceMs + this.#limits.connectMs;
			case "online":
				return Math.min(
					this.giveUpAtMs(),
					this.nextSendAtMs(),
					this.#asking.deadlineMs(),
					this.#outbox.requestEndsAtMs(),
				);
		}
	}

	/** When a message will have been without PUBACK, or a live one unfinished, for too long. */
	private giveUpAtMs(): number {
		const sinceMs = this.#writer.current?.firstSentAtMs ?? -1;
		return Math.min(
			this.#outbox.giveUpAtMs(),
			sinceMs < 0 ? NEVER : sinceMs + this.#limits.giveUpMs,
		);
	}

	/** When time alone lets something be sent; what waits for the connection to take it is called from there. */
	private nextSendAtMs(): number {
		const nowMs = this.now();
		let atMs = this.#outbox.nextRepetitionAtMs(nowMs);
		for (const dueMs of [this.#nextPublishAtMs, this.#live.dueAtMs()])
			if (dueMs > nowMs) atMs = Math.min(atMs, dueMs);
		return atMs;
	}

	// Sending

	private send(): void {
		for (;;) {
			const written = this.#writer.current;
			if (!this.#writer.proceed()) {
				this.#parts.system.log(
					"warn",
					"A block was dropped while it was being sent.",
				);
				this.giveUp("stopped");
				return;
			}
			if (this.#writer.current !== null) return;
			if (written?.acknowledged) written.free();
			this.#asking.proceed(this.#writer, this.now());
			const mayPublish = this.now() >= this.#nextPublishAtMs;
			// In turns, so that live messages which fill a slow line do not keep back blocks.
			let next = mayPublish && this.#liveHasGone ? this.pick() : null;
			if (next === null && this.now() >= this.#live.dueAtMs()) {
				if (!this.#live.begin(this.#writer, this.now())) return;
				this.#liveHasGone = true;
				continue;
			}
			if (!mayPublish) return;
			next ??= this.pick();
			if (next === null || !this.begin(next)) return;
		}
	}

	private pick(): InFlight | null {
		return this.#outbox.pick(
			this.now(),
			this.#writer.drained,
			this.#asking.mayAsk,
		);
	}

	private begin(place: InFlight): boolean {
		const topic =
			place.topic ??
			(place.ref === null ? this.#topics.event : this.#topics.block);
		if (!this.#writer.begin(place, topic)) return false;
		this.#outbox.begun(place);
		const nowMs = this.now();
		this.#liveHasGone = false;
		place.sends++;
		place.sentAtMs = nowMs;
		if (place.firstSentAtMs < 0) place.firstSentAtMs = nowMs;
		this.#nextPublishAtMs = nowMs + this.spacingMs();
		return true;
	}

	private spacingMs(): number {
		return 1000 / this.#limits.publishesPerSecond;
	}

	private now(): number {
		return this.#parts.timers.uptimeMs();
	}
}
