import assert from "node:assert/strict";
import fc from "fast-check";
import type {
	AlertEvent,
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
} from "../alerts/ports.ts";

/** What the other side does with the attempts that come next. */
export type PeerConduct =
	| "accepts"
	/** It says that it never will. */
	| "refuses"
	/** It says that it cannot now. */
	| "is_busy"
	/** It takes the connection and says nothing. */
	| "hangs";

/** One message as the other side got it, decoded. */
export interface ReceivedMessage {
	readonly subject: string;
	readonly text: string;
	/** Names of its headers or members, in lower case: what text from outside must not add to. */
	readonly fields: readonly string[];
	/** By which a message that comes again is known; null where the channel has nothing like it. */
	readonly id: string | null;
}

/** A notifier, and the other side of it under the test's control. */
export interface NotifierPeer {
	readonly notifier: Notifier;
	/** Somebody to whom it can deliver. */
	readonly target: NotificationTarget;
	behave(conduct: PeerConduct): void;
	/** In the order of arrival. */
	received(): Promise<readonly ReceivedMessage[]>;
	/** From now on nobody is there: connections are refused. */
	leave(): Promise<void>;
	close(): Promise<void>;
}

const EVERY_KIND: readonly NotificationTarget[] = [
	{ type: "email", address: "somebody@example.org" },
	{ type: "webhook", url: "https://example.org/" },
	{ type: "push", subject: "somebody" },
];

/** An event, and what is said of it. */
export function notificationOf(
	changes: Partial<Notification> = {},
	event: Partial<AlertEvent> = {},
): Notification {
	return {
		subject: "Freezer too warm: cellar",
		text: "temperature is -9.5 °C, above -12 °C for 10 min.",
		link: "https://thinghz.example.org/#/devices/cellar",
		event: {
			id: "e0a1",
			ruleId: "00000000000000a1",
			ruleName: "Freezer too warm",
			device: "cellar",
			status: "firing",
			atMs: Date.UTC(2026, 2, 1, 12),
			value: -9.5,
			unit: "°C",
			text: "temperature is -9.5 °C, above -12 °C for 10 min.",
			deliveries: [],
			...event,
		},
		...changes,
	};
}

/** For who answers, and for who does not. */
const PATIENT_MS = 15_000;
const IMPATIENT_MS = 250;

/** What every notifier promises. @param open makes one whose other side accepts, and which waits that long at most */
export function notifierContract(
	name: string,
	open: (timeoutMs: number) => Promise<NotifierPeer>,
): void {
	describe(`${name} as a notifier`, () => {
		let peer: NotifierPeer;

		beforeEach(async () => {
			peer = await open(PATIENT_MS);
		});
		afterEach(() => peer.close());

		function deliver(
			notification = notificationOf(),
		): Promise<DeliveryOutcome> {
			return peer.notifier.deliver(peer.target, notification);
		}

		it("names the kind of its target", () => {
			assert.ok(peer.notifier.kinds.includes(peer.target.type));
		});

		it("delivers subject, text and link", async () => {
			const notification = notificationOf();
			assert.deepEqual(await deliver(notification), { result: "delivered" });
			const [message, ...more] = await peer.received();
			assert.deepEqual(more, []);
			assert.equal(message?.subject, notification.subject);
			assert.ok(message.text.includes(notification.text), message.text);
			assert.ok(message.text.includes(notification.link ?? "?"), message.text);
		});

		it("delivers without a link where nobody knows the page's address", async () => {
			assert.equal(
				(await deliver(notificationOf({ link: null }))).result,
				"delivered",
			);
			const [message] = await peer.received();
			assert.doesNotMatch(message?.text ?? "null", /https?:|undefined/);
		});

		it("lets a message that comes twice be known as one", async () => {
			await deliver();
			await deliver();
			await deliver(notificationOf({}, { id: "e0a2" }));
			const [first, again, other] = await peer.received();
			assert.ok(first && again && other);
			assert.equal(first.id, again.id);
			if (first.id !== null) assert.notEqual(first.id, other.id);
		});

		it("takes a refusal for ever as final, and says what was refused", async () => {
			peer.behave("refuses");
			const outcome = await deliver();
			assert.equal(outcome.result, "failed");
			assertSentence(outcome);
			assert.deepEqual(await peer.received(), []);
		});

		it("tries again what was refused for now, and what came of it", async () => {
			peer.behave("is_busy");
			const outcome = await deliver();
			assert.equal(outcome.result, "retry");
			assertSentence(outcome);
			peer.behave("accepts");
			assert.equal((await deliver()).result, "delivered");
		});

		it("tries again when nobody is there", async () => {
			await peer.leave();
			const outcome = await deliver();
			assert.equal(outcome.result, "retry");
			assertSentence(outcome);
		});

		it("does not wait for ever for who says nothing", async () => {
			await peer.close();
			peer = await open(IMPATIENT_MS);
			peer.behave("hangs");
			const outcome = await deliver();
			assert.equal(outcome.result, "retry");
			assertSentence(outcome);
		});

		it("says that it does not deliver to other kinds", async () => {
			for (const target of EVERY_KIND) {
				if (peer.notifier.kinds.includes(target.type)) continue;
				const outcome = await peer.notifier.deliver(target, notificationOf());
				assert.equal(outcome.result, "failed");
				assertSentence(outcome);
			}
			assert.deepEqual(await peer.received(), []);
		});

		it("delivers texts that would end a header as text", async () => {
			await deliver();
			const evil =
				"Warm\r\nBcc: all@example.org\n\nX: 1\u0000\u0085\u2028\ud800 \u202egnp";
			assert.equal(
				(await deliver(notificationOf({ subject: evil, text: evil }))).result,
				"delivered",
			);
			const [plain, message] = await peer.received();
			assert.deepEqual(message?.fields, plain?.fields);
			assert.doesNotMatch(message?.subject ?? "\n", /\p{Cc}/u);
			assert.match(message?.subject ?? "", /^Warm Bcc: all@example\.org/);
		});

		it("throws for no text at all", async () => {
			// Halves of surrogate pairs among them.
			const text = fc
				.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 400 })
				.map((units) => String.fromCharCode(...units));
			await fc.assert(
				fc.asyncProperty(text, text, text, async (subject, body, unit) => {
					const outcome = await deliver(
						notificationOf(
							{ subject, text: body },
							{ unit, ruleName: subject },
						),
					);
					assert.equal(outcome.result, "delivered");
				}),
				{ numRuns: 10 },
			);
		});
	});
}

/** For people: it begins with a capital and ends with a full stop. */
function assertSentence(outcome: DeliveryOutcome): void {
	assert.ok(outcome.result !== "delivered");
	assert.match(outcome.error, /^\S.*\.$/s);
	assert.doesNotMatch(outcome.error, /undefined|\[object/);
}
