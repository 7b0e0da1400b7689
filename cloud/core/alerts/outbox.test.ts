import assert from "node:assert/strict";
import fc from "fast-check";
import { someEvent } from "../contracts/alert-store.ts";
import {
	delayAfterMs,
	FIRST_DELAY_MS,
	MAX_ASKED_DELAY_MS,
	MAX_ATTEMPTS,
	MAX_DELAY_MS,
} from "./backoff.ts";
import {
	type Attempt,
	CLAIM_MS,
	claim,
	dueMs,
	enqueue,
	MAX_OUTBOX,
	type Outbox,
	settle,
} from "./outbox.ts";
import type {
	AlertEvent,
	DeliveryOutcome,
	NotificationTarget,
} from "./ports.ts";

const NOW = 1_700_000_000_000;
const MAIL: NotificationTarget = { type: "email", address: "a@example.org" };
const HOOK: NotificationTarget = { type: "webhook", url: "https://a.example" };
const DELIVERED: DeliveryOutcome = { result: "delivered" };
const BUSY: DeliveryOutcome = { result: "retry", error: "It was busy." };

function event(id: string, ...targets: NotificationTarget[]): AlertEvent {
	return someEvent({
		id,
		deliveries: targets.map((target) => ({
			target,
			status: "pending",
			attempts: 0,
			nextAttemptMs: NOW,
			error: null,
		})),
	});
}

function names(attempts: readonly Attempt[]): string[] {
	return attempts.map(({ event, target }) => `${event.id} ${target.type}`);
}

function ended(attempts: readonly Attempt[], outcome: DeliveryOutcome) {
	return attempts.map((attempt) => ({ ...attempt, outcome }));
}

describe("An outbox", () => {
	it("gives each attempt to one who claims it, until the claim is over", () => {
		const first = claim([event("1", MAIL, HOOK)], NOW);
		assert.deepEqual(names(first.attempts), ["1 email", "1 webhook"]);
		assert.deepEqual(names(claim(first.outbox, NOW).attempts), []);
		assert.equal(dueMs(first.outbox), NOW + CLAIM_MS);
		const again = claim(first.outbox, NOW + CLAIM_MS);
		assert.deepEqual(names(again.attempts), ["1 email", "1 webhook"]);
		assert.equal(again.outbox[0]?.deliveries[0]?.attempts, 2);
	});

	it("is empty when all has been delivered, and says what goes into the history", () => {
		const { outbox, attempts } = claim([event("1", MAIL)], NOW);
		const after = settle(outbox, ended(attempts, DELIVERED), NOW, () => 0);
		assert.deepEqual(after.outbox, []);
		assert.equal(dueMs(after.outbox), null);
		assert.deepEqual(after.changed[0]?.deliveries, [
			{
				target: MAIL,
				status: "delivered",
				attempts: 1,
				nextAttemptMs: null,
				error: null,
			},
		]);
	});

	it("tells a target of events in their order, and another without regard to it", () => {
		const outbox = [event("1", MAIL), event("2", MAIL, HOOK)];
		const first = claim(outbox, NOW);
		assert.deepEqual(names(first.attempts), ["1 email", "2 webhook"]);
		const failing = settle(
			first.outbox,
			first.attempts.map((attempt) => ({
				...attempt,
				outcome: attempt.target === MAIL ? BUSY : DELIVERED,
			})),
			NOW,
			() => 0,
		);
		assert.equal(dueMs(failing.outbox), NOW + FIRST_DELAY_MS);
		const retried = claim(failing.outbox, NOW + FIRST_DELAY_MS);
		assert.deepEqual(names(retried.attempts), ["1 email"]);
		const gone = settle(
			retried.outbox,
			ended(retried.attempts, { result: "failed", error: "No." }),
			NOW,
			() => 0,
		);
		assert.deepEqual(names(claim(gone.outbox, NOW).attempts), ["2 email"]);
	});

	it("tries again what was refused for now, no sooner than the other side has asked for", () => {
		const { outbox, attempts } = claim([event("1", MAIL)], NOW);
		const { outbox: after, changed } = settle(
			outbox,
			ended(attempts, { result: "retry", error: "Later.", waitMs: 99_000 }),
			NOW,
			() => 0,
		);
		assert.equal(dueMs(after), NOW + 99_000);
		assert.deepEqual(changed, after);
		assert.equal(after[0]?.deliveries[0]?.error, "Later.");
	});

	it("gives up for good what will not go through, and what has been tried often enough", () => {
		let outbox: Outbox = [event("1", MAIL)];
		let changed: Outbox = [];
		let attempts = 0;
		for (let nowMs = NOW; outbox.length > 0; nowMs = dueMs(outbox) ?? 0) {
			const claimed = claim(outbox, nowMs);
			attempts += claimed.attempts.length;
			({ outbox, changed } = settle(
				claimed.outbox,
				ended(claimed.attempts, BUSY),
				nowMs,
				() => 0.5,
			));
		}
		assert.equal(attempts, MAX_ATTEMPTS);
		const delivery = changed[0]?.deliveries[0];
		assert.equal(delivery?.status, "failed");
		assert.match(delivery?.error ?? "", /^It was busy\. Given up after 14/);
	});

	it("gives up what nobody ever says the end of", () => {
		let outbox: Outbox = [event("1", MAIL)];
		let nowMs = NOW;
		for (let i = 0; i < MAX_ATTEMPTS; i++) {
			outbox = claim(outbox, nowMs).outbox;
			nowMs += CLAIM_MS;
		}
		const last = claim(outbox, nowMs);
		assert.deepEqual(last.attempts, []);
		assert.equal(last.outbox[0]?.deliveries[0]?.status, "failed");
		assert.equal(dueMs(last.outbox), 0);
	});

	it("puts an event that nobody is to be told of into the history at once", () => {
		const outbox = [event("1")];
		assert.equal(dueMs(outbox), 0);
		const { outbox: left, changed } = settle(outbox, [], NOW, () => 0);
		assert.deepEqual([left, changed], [[], outbox]);
	});

	it("gives up the oldest events when too many wait, and not one that is under way", () => {
		const many = claim(
			Array.from({ length: MAX_OUTBOX }, (_, i) => event(`${i}`, MAIL)),
			NOW,
		).outbox;
		const { outbox, givenUp } = enqueue(many, [event("new", MAIL)]);
		assert.equal(outbox.length, MAX_OUTBOX);
		assert.equal(outbox.at(-1)?.id, "new");
		assert.deepEqual(
			givenUp.map(({ id, deliveries }) => [id, deliveries[0]?.status]),
			[["1", "failed"]],
		);
	});

	it("keeps what others have added while an attempt was under way", () => {
		const { outbox, attempts } = claim([event("1", MAIL)], NOW);
		const after = settle(
			[...outbox, event("2", MAIL)],
			ended(attempts, DELIVERED),
			NOW,
			() => 0,
		);
		assert.deepEqual(
			after.outbox.map(({ id }) => id),
			["2"],
		);
		assert.deepEqual(
			after.changed.map(({ id }) => id),
			["1"],
		);
	});

	it("as a law: every delivery ends once, in order for each target, however attempts end", () => {
		const outcomes = fc.array(
			fc.constantFrom<DeliveryOutcome | null>(
				DELIVERED,
				BUSY,
				{ result: "failed", error: "No." },
				// A crash: nobody says how it ended.
				null,
			),
			{ minLength: 1, maxLength: 60 },
		);
		fc.assert(
			fc.property(
				fc.array(fc.subarray([MAIL, HOOK]), { maxLength: 5 }),
				outcomes,
				(targets, script) => {
					let outbox: Outbox = targets.map((some, i) => event(`${i}`, ...some));
					const told: string[] = [];
					const over = new Map<string, AlertEvent>();
					let nowMs = NOW;
					for (let step = 0; outbox.length > 0; step++) {
						assert.ok(step < 1000, "it ends");
						const claimed = claim(outbox, nowMs);
						const outcome = script[step % script.length] ?? null;
						const some =
							outcome === null ? [] : ended(claimed.attempts, outcome);
						if (outcome?.result === "delivered") {
							told.push(...names(claimed.attempts));
						}
						const after = settle(claimed.outbox, some, nowMs, () => 1);
						for (const one of after.changed) over.set(one.id, one);
						outbox = after.outbox;
						nowMs = Math.max(nowMs + 1, dueMs(outbox) ?? 0);
					}
					assert.equal(over.size, targets.length);
					assert.equal(new Set(told).size, told.length, "none twice");
					for (const type of ["email", "webhook"]) {
						const own = told.filter((one) => one.endsWith(type));
						assert.deepEqual(own, [...own].sort());
					}
					for (const { deliveries } of over.values()) {
						assert.ok(deliveries.every(({ status }) => status !== "pending"));
					}
				},
			),
		);
	});
});

describe("The delay before another attempt", () => {
	it("grows, is bounded, and spreads by a quarter at most", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 1000 }),
				fc.double({ min: 0, max: 1, noNaN: true }),
				(attempt, random) => {
					const delayMs = delayAfterMs(attempt, random);
					assert.ok(delayMs >= FIRST_DELAY_MS);
					assert.ok(delayMs <= MAX_DELAY_MS * 1.25);
					assert.ok(delayMs >= delayAfterMs(attempt, 0));
					assert.ok(delayMs <= delayAfterMs(attempt, 0) * 1.25);
					assert.ok(delayAfterMs(attempt + 1, random) >= delayMs);
				},
			),
		);
		assert.equal(delayAfterMs(2, 0), 2 * delayAfterMs(1, 0));
	});

	it("is as long as the other side asks for, within reason", () => {
		assert.equal(delayAfterMs(1, 0, 60_000), 60_000);
		assert.equal(delayAfterMs(1, 0, 1), FIRST_DELAY_MS);
		assert.equal(delayAfterMs(1, 0, 9e15), MAX_ASKED_DELAY_MS);
	});
});
