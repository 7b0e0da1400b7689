/**
 * The outbox of a state: events that are still to be delivered, oldest first. A target is told of them in their order:
 * of one only when those before it have been delivered to it, or have failed for good. Pure.
 */
import { delayAfterMs, MAX_ATTEMPTS } from "./backoff.ts";
import type {
	AlertEvent,
	Delivery,
	DeliveryOutcome,
	NotificationTarget,
} from "./ports.ts";

export type Outbox = readonly AlertEvent[];

/** More than anybody wants to be told of late. */
export const MAX_OUTBOX = 16;

/**
 * For how long a delivery that has been begun belongs to who began it, ms: longer than any notifier takes. When nothing
 * has been heard of it by then, whoever began it is gone, and it is tried again.
 */
export const CLAIM_MS = 120_000;

/** One delivery that is to be tried now. */
export interface Attempt {
	readonly event: AlertEvent;
	/** Its place among the event's deliveries. */
	readonly index: number;
	readonly target: NotificationTarget;
}

/** When there is something to do: null for an empty outbox. */
export function dueMs(outbox: Outbox): number | null {
	if (outbox.length === 0) return null;
	// What is over is to be put into the history at once.
	if (outbox.some(isSettled)) return 0;
	return Math.min(
		...[...heads(outbox)].map(({ delivery }) => delivery.nextAttemptMs ?? 0),
	);
}

/**
 * Adds events. Where there are too many, the oldest are given up of which nobody has tried to tell anybody: one that has
 * been begun may be under way.
 * @returns also those that were given up, which are no longer in the outbox
 */
export function enqueue(
	outbox: Outbox,
	events: Outbox,
): { readonly outbox: Outbox; readonly givenUp: Outbox } {
	const all = [...outbox, ...events];
	const excess = Math.max(0, all.length - MAX_OUTBOX);
	const dispensable = [
		...all.filter((event) => !isBegun(event)),
		...all.filter(isBegun),
	];
	const dropped = new Set(dispensable.slice(0, excess));
	return {
		outbox: all.filter((event) => !dropped.has(event)),
		givenUp: [...dropped].map((event) =>
			withDeliveries(event, (delivery) =>
				delivery.status === "pending"
					? fail(
							delivery,
							`Given up, since ${MAX_OUTBOX} other messages wait for delivery.`,
						)
					: delivery,
			),
		),
	};
}

/** All that waits is due now, whoever has begun it. */
export function hasten(outbox: Outbox, nowMs: number): Outbox {
	return outbox.map((event) =>
		withDeliveries(event, (delivery) =>
			delivery.status === "pending"
				? { ...delivery, nextAttemptMs: nowMs }
				: delivery,
		),
	);
}

/** Takes what is due: until `CLAIM_MS` from now nobody else will. */
export function claim(
	outbox: Outbox,
	nowMs: number,
): { readonly outbox: Outbox; readonly attempts: readonly Attempt[] } {
	const attempts: Attempt[] = [];
	const claimed = new Map<Delivery, Delivery>();
	for (const { event, delivery, index } of heads(outbox)) {
		if ((delivery.nextAttemptMs ?? 0) > nowMs) continue;
		if (delivery.attempts >= MAX_ATTEMPTS) {
			// Whoever made the last attempt ended in the middle of it.
			claimed.set(
				delivery,
				fail(
					delivery,
					`Given up after ${delivery.attempts} attempts, of the last of which nothing was heard.`,
				),
			);
			continue;
		}
		attempts.push({ event, index, target: delivery.target });
		claimed.set(delivery, {
			...delivery,
			attempts: delivery.attempts + 1,
			nextAttemptMs: nowMs + CLAIM_MS,
		});
	}
	return {
		outbox: outbox.map((event) =>
			withDeliveries(event, (delivery) => claimed.get(delivery) ?? delivery),
		),
		attempts,
	};
}

/**
 * Notes how attempts ended.
 * @param outbox as it is now: others may have added to it
 * @returns the outbox without what is over, and the events that are over or of which something is new
 */
export function settle(
	outbox: Outbox,
	ended: readonly (Attempt & { readonly outcome: DeliveryOutcome })[],
	nowMs: number,
	random: () => number,
): { readonly outbox: Outbox; readonly changed: Outbox } {
	const changed: AlertEvent[] = [];
	const left: AlertEvent[] = [];
	for (const event of outbox) {
		const own = ended.filter((one) => one.event.id === event.id);
		const after = withDeliveries(event, (delivery, index) => {
			const attempt = own.find((one) => one.index === index);
			return attempt === undefined || delivery.status !== "pending"
				? delivery
				: afterAttempt(delivery, attempt.outcome, nowMs, random());
		});
		if (own.length > 0 || isSettled(after)) changed.push(after);
		if (!isSettled(after)) left.push(after);
	}
	return { outbox: left, changed };
}

function afterAttempt(
	delivery: Delivery,
	outcome: DeliveryOutcome,
	nowMs: number,
	random: number,
): Delivery {
	if (outcome.result === "delivered") {
		return {
			...delivery,
			status: "delivered",
			nextAttemptMs: null,
			error: null,
		};
	}
	if (outcome.result === "failed") return fail(delivery, outcome.error);
	const { attempts } = delivery;
	if (attempts >= MAX_ATTEMPTS) {
		return fail(
			delivery,
			`${outcome.error} Given up after ${attempts} attempts.`,
		);
	}
	return {
		...delivery,
		nextAttemptMs: nowMs + delayAfterMs(attempts, random, outcome.waitMs),
		error: outcome.error,
	};
}

function fail(delivery: Delivery, error: string): Delivery {
	return { ...delivery, status: "failed", nextAttemptMs: null, error };
}

function withDeliveries(
	event: AlertEvent,
	change: (delivery: Delivery, index: number) => Delivery,
): AlertEvent {
	return { ...event, deliveries: event.deliveries.map(change) };
}

function isBegun({ deliveries }: AlertEvent): boolean {
	return deliveries.some(({ attempts }) => attempts > 0);
}

function isSettled({ deliveries }: AlertEvent): boolean {
	return deliveries.every(({ status }) => status !== "pending");
}

/** The pending deliveries before which none waits for the same target. */
function* heads(outbox: Outbox): Generator<{
	readonly event: AlertEvent;
	readonly delivery: Delivery;
	readonly index: number;
}> {
	const waiting = new Set<string>();
	for (const event of outbox) {
		for (const [index, delivery] of event.deliveries.entries()) {
			if (delivery.status !== "pending") continue;
			const target = JSON.stringify(delivery.target);
			if (waiting.has(target)) continue;
			waiting.add(target);
			yield { event, delivery, index };
		}
	}
}
