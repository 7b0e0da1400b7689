/** What the policies in the template do not let anybody do, tried over MQTT. */
import { CLAIM_POLICY } from "../../../cloud/aws/names.ts";
import { blockTopic, eventTopic, liveTopic } from "../../../protocol/topics.ts";
import {
	type Attempt,
	attempt,
	publishing,
	subscribing,
} from "../mqtt-client.ts";
import type { Stage } from "../stage.ts";

export async function strangers(stage: Stage): Promise<void> {
	const { transcript, front } = stage;
	const { port } = front;
	const mallory = await stage.makeThing("mallory");
	const claim = await stage.makeClaim(CLAIM_POLICY);
	const sentBefore = stage.world.queue("ingest").sent;
	const own = "$aws/things/mallory";
	const other = "$aws/things/porch";

	const tried: readonly (readonly [string, Attempt, () => Promise<Attempt>])[] =
		[
			[
				"mallory connects as itself",
				"allowed",
				() => attempt(port, "mallory", mallory),
			],
			[
				"mallory connects as porch",
				"refused",
				() => attempt(port, "porch", mallory),
			],
			...[
				[liveTopic("mallory"), "allowed"],
				[`${own}/shadow/name/config/update`, "allowed"],
				[`${own}/shadow/name/config/update/accepted`, "refused"],
				[`${own}/jobs/start-next`, "allowed"],
				[`${own}/jobs/notify-next`, "refused"],
				[blockTopic("porch"), "refused"],
				[eventTopic("porch"), "refused"],
				[liveTopic("porch"), "refused"],
				[`${other}/shadow/name/config/update`, "refused"],
				["$aws/rules/thinghz_presence/porch", "refused"],
				["$aws/events/presence/connected/porch", "refused"],
				["$aws/events/jobExecution/update-1/succeeded", "refused"],
				["$aws/certificates/create/json", "allowed"],
				["$aws/certificates/create/cbor", "refused"],
			].map(
				([topic = "", expected]) =>
					[
						`mallory publishes to ${topic}`,
						expected as Attempt,
						() => attempt(port, "mallory", mallory, publishing(topic, "{}")),
					] as const,
			),
			...[
				[`${own}/shadow/name/config/update/delta`, "allowed"],
				[`${own}/jobs/notify-next`, "allowed"],
				["thinghz/porch/live", "refused"],
				[`${other}/shadow/name/config/update/delta`, "refused"],
				["thinghz/+/live", "refused"],
				["#", "refused"],
				["$aws/things/+/shadow/#", "refused"],
			].map(
				([filter = "", expected]) =>
					[
						`mallory subscribes to ${filter}`,
						expected as Attempt,
						() => attempt(port, "mallory", mallory, subscribing(filter)),
					] as const,
			),
			[
				"a claim certificate connects as mallory",
				"refused",
				() => attempt(port, "mallory", claim),
			],
			[
				"a claim certificate asks for a certificate",
				"allowed",
				() =>
					attempt(
						port,
						"thinghz-claim:1",
						claim,
						publishing("$aws/certificates/create-from-csr/json", "{}"),
					),
			],
			[
				"a claim certificate publishes a block",
				"refused",
				() =>
					attempt(
						port,
						"thinghz-claim:1",
						claim,
						publishing(blockTopic("porch"), "x"),
					),
			],
		];
	for (const [what, expected, deed] of tried) {
		transcript.equal(await deed(), expected, `${what}: ${expected}`);
	}
	transcript.equal(
		stage.world.queue("ingest").sent,
		sentBefore,
		"nothing of it came into the ingest queue",
	);
	stage.refused.length = 0;
	await stage.world.settle();
}
