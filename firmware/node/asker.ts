/**
 * An agent that asks one of AWS IoT's services, one question at a time. What becomes of a question: an answer that bears its token,
 * silence, or the end of the connection. After silence and after an answer that says "later", it is asked again with back-off.
 */
import { Alarm } from "./alarm.ts";
import { backoffMs } from "./backoff.ts";
import type { Agent, CloudLink, Message } from "./cloud-link.ts";
import { asciiJson, type JsonObject, readJson } from "./json-message.ts";
import type { System, Timers } from "./ports.ts";

/** Services answer within a second or so; longer than a request waits for its PUBACK. */
export const ANSWER_MS = 40_000;
const AGAIN = { baseMs: 30_000, capMs: 3_600_000, jitter: 0.5 } as const;
const NEVER = Number.POSITIVE_INFINITY;

/** What askers share. */
export interface AskerParts {
	readonly thing: string;
	readonly link: CloudLink;
	readonly timers: Timers;
	readonly system: Pick<System, "log">;
	/** Tells the tokens of this boot from those of another. */
	readonly boot: number;
	/** A random number, 0 … 1. */
	chance(): number;
}

export abstract class Asker implements Agent {
	protected readonly asking: AskerParts;
	readonly #alarm: Alarm;
	#count = 0;
	#isOpen = false;
	#failures = 0;
	#againAtMs = 0;

	constructor(parts: AskerParts) {
		this.asking = parts;
		this.#alarm = new Alarm(parts.timers, () => this.expire());
		parts.link.attach(this);
	}

	/** Begins each of its topics, up to a slash. */
	protected abstract get topic(): string;
	/** Behind `topic`. */
	protected abstract readonly filterEnds: readonly string[];
	/** It may be asked again, or has not been answered. */
	protected abstract onDue(): void;
	/** @param what behind `topic` */
	protected abstract receive(what: string, message: JsonObject): void;
	protected abstract tooLong(what: string, lengthBytes: number): void;
	abstract onOnline(): void;

	filters(): readonly string[] {
		return this.filterEnds.map((end) => this.topic + end);
	}

	owns(topic: string): boolean {
		return topic.startsWith(this.topic);
	}

	/** An answer is waited for. */
	get isAwaiting(): boolean {
		return this.#isOpen;
	}

	onOffline(): void {
		this.#isOpen = false;
		this.#alarm.setAt(NEVER);
	}

	onMessage(topic: string, message: Message): void {
		const document = this.read(message);
		if (document !== null)
			this.receive(topic.slice(this.topic.length), document);
		else this.log("warn", `A message on ${topic} is no JSON object.`);
	}

	onTooLong(topic: string, lengthBytes: number): void {
		this.tooLong(topic.slice(this.topic.length), lengthBytes);
	}

	protected read(message: Message): JsonObject | null {
		return readJson(message);
	}

	protected log(level: "warn" | "error" | "info", message: string): void {
		this.asking.system.log(level, message);
	}

	/** A question may be asked now. */
	protected get mayAsk(): boolean {
		const { link, timers } = this.asking;
		return (
			link.isOnline && !this.#isOpen && timers.uptimeMs() >= this.#againAtMs
		);
	}

	/** @param document gets a `clientToken` */
	protected ask(what: string, document: object): void {
		const clientToken = `${this.asking.boot}-${++this.#count}`;
		this.askWithoutToken(what, { ...document, clientToken });
	}

	/** For services that know no tokens: whatever answer comes is taken for the one to this question. */
	protected askWithoutToken(what: string, document: object): void {
		const { link, timers } = this.asking;
		this.#isOpen = true;
		this.#alarm.setAt(timers.uptimeMs() + ANSWER_MS);
		link.publish(this.topic + what, asciiJson(document));
	}

	/** @returns whether it is the answer to the question that is open, which is closed then */
	protected takes(clientToken: unknown): boolean {
		const { boot } = this.asking;
		if (!this.#isOpen || clientToken !== `${boot}-${this.#count}`) return false;
		this.startOver();
		return true;
	}

	/** It has been answered for good. */
	protected succeeded(): void {
		this.#failures = 0;
		this.#againAtMs = 0;
	}

	/** What was said came to nothing, and is to be asked again, though not at once. */
	protected failed(): void {
		const { timers, chance } = this.asking;
		const waitMs = backoffMs(++this.#failures, AGAIN, chance());
		this.#againAtMs = timers.uptimeMs() + waitMs;
		this.#alarm.setAt(this.#againAtMs);
	}

	/** Calls `onDue` after that time, if nothing is asked before. */
	protected rest(forMs: number): void {
		this.#alarm.setAt(this.asking.timers.uptimeMs() + forMs);
	}

	/** Waits for no answer. */
	protected startOver(): void {
		this.#isOpen = false;
		this.#alarm.setAt(NEVER);
	}

	/** An answer has not come, or the time to wait is over. */
	private expire(): void {
		if (this.#isOpen) {
			this.#isOpen = false;
			this.failed();
			this.asking.link.settle();
			return;
		}
		this.#againAtMs = 0;
		this.onDue();
	}
}
