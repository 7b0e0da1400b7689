/**
 * A standard SQS queue: at least once, invisible while being worked on, and to the dead-letter queue after too many
 * attempts. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html and
 * …/sqs-dead-letter-queues.html
 */
import { randomUUID } from "node:crypto";
import { RehearsalError } from "./errors.ts";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_MESSAGE_BYTES = 1024 * 1024;

export interface QueueMessage {
	readonly id: string;
	readonly body: string;
	readonly sentMs: number;
	/** Of this receipt. */
	readonly receiptHandle: string;
	/** This receipt counted. */
	readonly receiveCount: number;
	readonly firstReceivedMs: number;
}

interface Kept {
	readonly id: string;
	readonly body: string;
	readonly sentMs: number;
	receiptHandle: string | null;
	receiveCount: number;
	firstReceivedMs: number;
	visibleMs: number;
}

export interface Redrive {
	readonly deadLetters: Queue;
	readonly maxReceiveCount: number;
}

export class Queue {
	readonly name: string;
	readonly arn: string;
	readonly url: string;
	readonly visibilityMs: number;
	readonly delayMs: number;
	/** Set once all queues are there. */
	redrive: Redrive | null = null;
	/** Messages ever sent to it. */
	sent = 0;
	readonly #nowMs: () => number;
	#messages: Kept[] = [];

	constructor(options: {
		readonly name: string;
		readonly arn: string;
		readonly url: string;
		readonly visibilityMs: number;
		readonly delayMs: number;
		readonly nowMs: () => number;
	}) {
		this.name = options.name;
		this.arn = options.arn;
		this.url = options.url;
		this.visibilityMs = options.visibilityMs;
		this.delayMs = options.delayMs;
		this.#nowMs = options.nowMs;
	}

	/** Messages that are there, being worked on or not. */
	get length(): number {
		return this.#messages.length;
	}

	/** Bodies of all that are there. */
	get bodies(): readonly string[] {
		return this.#messages.map(({ body }) => body);
	}

	/** @returns the message's id */
	send(body: string): string {
		const sizeBytes = Buffer.byteLength(body);
		if (sizeBytes === 0 || sizeBytes > MAX_MESSAGE_BYTES) {
			throw new RehearsalError(
				"failed",
				`A message of ${sizeBytes} B was sent to ${this.name}: SQS takes 1 B to ${MAX_MESSAGE_BYTES} B.`,
			);
		}
		const id = randomUUID();
		this.sent++;
		this.#messages.push({
			id,
			body,
			sentMs: this.#nowMs(),
			receiptHandle: null,
			receiveCount: 0,
			firstReceivedMs: 0,
			visibleMs: this.#nowMs() + this.delayMs,
		});
		return id;
	}

	/** Up to `max` messages that are visible; they are invisible from now on. */
	receive(max: number): readonly QueueMessage[] {
		const nowMs = this.#nowMs();
		const received: QueueMessage[] = [];
		for (const message of [...this.#messages]) {
			if (received.length === max) break;
			if (message.visibleMs > nowMs) continue;
			if (
				this.redrive !== null &&
				message.receiveCount >= this.redrive.maxReceiveCount
			) {
				this.#messages = this.#messages.filter((one) => one !== message);
				this.redrive.deadLetters.send(message.body);
				continue;
			}
			message.receiveCount++;
			if (message.receiveCount === 1) message.firstReceivedMs = nowMs;
			message.visibleMs = nowMs + this.visibilityMs;
			const receiptHandle = randomUUID();
			message.receiptHandle = receiptHandle;
			const { id, body, sentMs, receiveCount, firstReceivedMs } = message;
			received.push({
				id,
				body,
				sentMs,
				receiptHandle,
				receiveCount,
				firstReceivedMs,
			});
		}
		return received;
	}

	delete(receiptHandle: string): void {
		this.#messages = this.#messages.filter(
			(message) => message.receiptHandle !== receiptHandle,
		);
	}

	/** How long until one of its messages is visible (0: one is), ms; null when it is empty. */
	waitMs(): number | null {
		if (this.#messages.length === 0) return null;
		const next = Math.min(...this.#messages.map(({ visibleMs }) => visibleMs));
		return Math.max(0, next - this.#nowMs());
	}

	/** Takes all messages away, as a redrive does. */
	drain(): readonly string[] {
		const { bodies } = this;
		this.#messages = [];
		return bodies;
	}
}
