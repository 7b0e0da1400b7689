/** A node with a claim certificate becomes a thing, if its hook knows it; and people see it come and go. */
import {
	PROVISIONING_PARAMETER,
	THING_POLICIES,
} from "../../../cloud/aws/names.ts";
import { isObject } from "../json.ts";
import { connectAs } from "../mqtt-client.ts";
import { provisionBy } from "../provisioning.ts";
import type { Stage } from "../stage.ts";

export async function provisioning(stage: Stage): Promise<void> {
	const { world, transcript, template } = stage;
	const admin = await stage.token({ subject: "ada", groups: ["admin"] });
	const allowed = await stage.send("POST", "/v1/claims", admin, {
		names: ["lamp"],
	});
	transcript.check(
		allowed.status >= 200 && allowed.status < 300,
		"an administrator allows a node to claim the name lamp",
		allowed.json,
	);
	const asked = async (name: string | undefined) => {
		const answer = await world.askHook(
			name === undefined ? {} : { [PROVISIONING_PARAMETER]: name },
			"d".repeat(64),
		);
		return isObject(answer) ? answer.allowProvisioning : answer;
	};
	for (const [what, name, expected] of [
		["a name that nobody has allowed", "intruder", false],
		["a name that is none", "../lamp", false],
		["no name", undefined, false],
		["a name that was allowed", "lamp", true],
	] as const) {
		transcript.equal(
			await asked(name),
			expected,
			`${what}: the hook ${expected ? "lets it in" : "refuses it"}`,
		);
	}
	const made = provisionBy(template, {
		[PROVISIONING_PARAMETER]: "lamp",
		"AWS::IoT::Certificate::Id": "d".repeat(64),
	});
	transcript.equal(
		made,
		{ thing: "lamp", policies: THING_POLICIES },
		"the template makes the thing, with the policies that the command gives one, too",
	);
}

export async function presence(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const isOnline = async (): Promise<unknown> => {
		await world.settle();
		const { json } = await stage.get("/v1/devices/lamp", token);
		return isObject(json) ? json.online : json;
	};
	const queue = world.queue("presence");
	const sentBefore = queue.sent;
	const credentials = await stage.makeThing("lamp");
	const client = await connectAs(stage.front.port, "lamp", credentials);
	// AWS tells of a connection by itself, maybe after the CONNACK.
	await stage.presenceTold(sentBefore + 1);
	const events = [...queue.bodies];
	transcript.equal(await isOnline(), true, "lamp connects: it is online");
	await client.endAsync();
	await stage.presenceTold(sentBefore + 2);
	transcript.equal(await isOnline(), false, "it disconnects: it is offline");
	for (const event of events) queue.send(event);
	transcript.equal(
		await isOnline(),
		false,
		"the event of its connection comes again, late: it stays offline",
	);
}
