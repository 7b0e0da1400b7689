import assert from "node:assert/strict";
import type { Notification } from "../core/alerts/ports.ts";
import { memoryStores } from "../core/fakes/memory-stores.ts";
import { memoryLog } from "./fakes/memory-log.ts";
import { openNotifier } from "./open-notifier.ts";

const SECRET =
	"arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhooks";
const TOLD: Notification = {
	event: {
		id: "e1",
		ruleId: "00000000000000a1",
		ruleName: "Too warm",
		device: "boiler",
		status: "firing",
		atMs: 1_790_000_000_000,
		value: 7,
		unit: "°C",
		text: "boiler is too warm.",
		deliveries: [],
	},
	subject: "boiler is too warm",
	text: "boiler is too warm.",
	link: null,
};
/** Of this very machine: nobody is called there. */
const HOOK = { type: "webhook", url: "https://127.0.0.1:9/hook" } as const;

function notifierWith(
	webhookSecretArn: string | null,
	readSecret: () => Promise<string>,
) {
	process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
	const log = memoryLog();
	const notifier = openNotifier({
		environment: {
			emailTopicPrefix: null,
			platformApplications: {},
			webhookSecretArn,
		},
		store: memoryStores().alerts,
		clock: { nowMs: () => TOLD.event.atMs },
		log,
		readSecret,
	});
	return { log, notifier };
}

describe("What a function tells people by", () => {
	it("calls no webhooks where nothing is there to sign them with", async () => {
		const { notifier } = notifierWith(null, () => assert.fail("It was read."));
		assert.deepEqual(notifier.kinds, []);
		assert.equal((await notifier.deliver(HOOK, TOLD)).result, "failed");
	});

	it("reads the secret when the first webhook is called, and once", async () => {
		let reads = 0;
		const { notifier } = notifierWith(SECRET, async () => {
			reads++;
			return "a secret that is long enough to sign with";
		});
		assert.deepEqual(notifier.kinds, ["webhook"]);
		assert.equal(reads, 0);
		// Addresses of a function's own neighbours are refused: that it was refused shows that it was tried.
		const outcome = await notifier.deliver(HOOK, TOLD);
		assert.notEqual(outcome.result, "delivered");
		await notifier.deliver(HOOK, TOLD);
		assert.equal(reads, 1);
	});

	it("tries again later when the secret cannot be read, and reads it anew", async () => {
		let reads = 0;
		const { log, notifier } = notifierWith(SECRET, async () => {
			reads++;
			throw new Error("AccessDeniedException");
		});
		for (let i = 0; i < 2; i++) {
			assert.deepEqual(await notifier.deliver(HOOK, TOLD), {
				result: "retry",
				error: "The secret that webhooks are signed with cannot be read.",
			});
		}
		assert.equal(reads, 2);
		assert.equal(log.of("secret_not_read").length, 2);
	});
});
