import assert from "node:assert/strict";
import { notificationOf } from "../contracts/notifier.ts";
import { DELIVERED } from "./outcomes.ts";
import type { NotificationTarget, Notifier } from "./ports.ts";
import { RoutedNotifier } from "./routed-notifier.ts";

const EMAIL = { type: "email", address: "a@example.org" } as const;
const PUSH = { type: "push", subject: "tester" } as const;

describe("RoutedNotifier", () => {
	const taken: NotificationTarget[] = [];

	function notifier(
		kinds: Notifier["kinds"],
		deliver: Notifier["deliver"] = async (target) => {
			taken.push(target);
			return DELIVERED;
		},
	): Notifier {
		return { kinds, deliver };
	}

	it("gives each target to who can deliver to it", async () => {
		const errors: unknown[] = [];
		const routed = new RoutedNotifier(
			[notifier(["email"]), notifier(["webhook", "push"])],
			{ onError: (error) => errors.push(error) },
		);
		assert.deepEqual(routed.kinds, ["email", "webhook", "push"]);
		for (const target of [PUSH, EMAIL]) {
			assert.deepEqual(
				await routed.deliver(target, notificationOf()),
				DELIVERED,
			);
		}
		assert.deepEqual([taken, errors], [[PUSH, EMAIL], []]);
	});

	it("says of a kind that nobody can deliver to that it is not set up", async () => {
		const routed = new RoutedNotifier([], { onError: () => assert.fail() });
		assert.deepEqual(await routed.deliver(EMAIL, notificationOf()), {
			result: "failed",
			error: "This cloud is not set up for e-mail.",
		});
	});

	it("reports what a notifier throws, and tries again", async () => {
		const errors: unknown[] = [];
		const broken = new Error("unforeseen");
		const routed = new RoutedNotifier(
			[notifier(["email"], () => Promise.reject(broken))],
			{ onError: (error) => errors.push(error) },
		);
		const outcome = await routed.deliver(EMAIL, notificationOf());
		assert.equal(outcome.result, "retry");
		assert.deepEqual(errors, [broken]);
	});
});
