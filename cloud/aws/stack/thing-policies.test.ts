import assert from "node:assert/strict";
import { blockTopic, eventTopic, liveTopic } from "../../../protocol/topics.ts";
import { THING_POLICIES } from "../names.ts";
import {
	claimPolicy,
	type IotArn,
	OWN_NAME,
	type PolicyDocument,
	thingPolicies,
} from "./thing-policies.ts";

/** The longest partition and region there are. */
const arn: IotArn = (type, name) =>
	`arn:aws-us-gov:iot:ap-southeast-2:111122223333:${type}/${name}`;

const policies = thingPolicies(arn);

interface Request {
	readonly action: string;
	readonly type: "client" | "topic" | "topicfilter";
	readonly name: string;
}

/** Whether a document allows something to the thing `porch`, as AWS IoT matches resources: `*` any characters. */
function allows(document: PolicyDocument, request: Request): boolean {
	return document.Statement.some(
		({ Action, Resource }) =>
			[Action].flat().includes(request.action) &&
			Resource.some((resource) => {
				const expression = resource
					.replaceAll(OWN_NAME, "porch")
					.split("*")
					.map((part) => part.replaceAll(/[.$+?^{}()|[\]\\]/g, "\\$&"))
					.join(".*");
				return new RegExp(`^${expression}$`).test(
					arn(request.type, request.name),
				);
			}),
	);
}

function thingMay(request: Request): boolean {
	return Object.values(policies).some((document) => allows(document, request));
}

const mayPublish = (name: string) =>
	thingMay({ action: "iot:Publish", type: "topic", name });
const maySubscribe = (name: string) =>
	thingMay({ action: "iot:Subscribe", type: "topicfilter", name });
const mayReceive = (name: string) =>
	thingMay({ action: "iot:Receive", type: "topic", name });

describe("the policies of a thing", () => {
	it("are those that a certificate is given", () => {
		assert.deepEqual(Object.keys(policies), [...THING_POLICIES]);
	});

	for (const [name, document] of Object.entries({
		...policies,
		"thinghz-claim": claimPolicy(arn),
	})) {
		it(`keep ${name} below the 2,048 characters that AWS takes`, () => {
			const length = JSON.stringify(document).replaceAll(/\s/g, "").length;
			assert.ok(length <= 2048, `${length} characters`);
		});
	}

	it("let it connect as the thing that its certificate is attached to, only", () => {
		const connect = Object.values(policies)
			.flatMap(({ Statement }) => Statement)
			.filter(({ Action }) => [Action].flat().includes("iot:Connect"));
		assert.deepEqual(connect, [
			{
				Effect: "Allow",
				Action: "iot:Connect",
				Resource: [arn("client", OWN_NAME)],
				Condition: { Bool: { "iot:Connection.Thing.IsAttached": "true" } },
			},
		]);
	});

	it("let it publish what protocol/topics.ts has for it", () => {
		for (const topic of [blockTopic, eventTopic, liveTopic]) {
			assert.ok(mayPublish(topic("porch")));
			assert.ok(!mayPublish(topic("attic")));
			assert.ok(!mayPublish(`${topic("porch")}/more`));
		}
		assert.ok(!mayPublish("$aws/rules/thinghz_presence/porch/block"));
		assert.ok(!mayPublish("$aws/rules/other/porch/block"));
	});

	const requests = [
		"$aws/things/porch/shadow/get",
		"$aws/things/porch/shadow/update",
		"$aws/things/porch/shadow/name/config/get",
		"$aws/things/porch/shadow/name/config/update",
		"$aws/things/porch/jobs/get",
		"$aws/things/porch/jobs/start-next",
		"$aws/things/porch/jobs/rollout-7/get",
		"$aws/things/porch/jobs/rollout-7/update",
		"$aws/things/porch/streams/image/describe/json",
		"$aws/things/porch/streams/image/get/json",
		"$aws/certificates/create/json",
		"$aws/certificates/create-from-csr/json",
		"$aws/provisioning-templates/thinghz/provision/json",
	];
	for (const topic of requests) {
		it(`let it ask by ${topic}, and never answer in AWS's place`, () => {
			assert.ok(mayPublish(topic));
			for (const answer of ["accepted", "rejected", "delta", "documents"]) {
				assert.ok(!mayPublish(`${topic}/${answer}`), answer);
			}
		});
	}

	it("let it hear the answers", () => {
		for (const topic of [
			"$aws/things/porch/shadow/get/accepted",
			"$aws/things/porch/shadow/name/config/update/delta",
			"$aws/things/porch/jobs/notify-next",
			"$aws/things/porch/jobs/start-next/rejected",
			"$aws/things/porch/streams/image/data/json",
			"$aws/certificates/create-from-csr/json/accepted",
			"$aws/provisioning-templates/thinghz/provision/json/rejected",
		]) {
			assert.ok(maySubscribe(topic), topic);
			assert.ok(mayReceive(topic), topic);
		}
		assert.ok(maySubscribe("$aws/things/porch/jobs/+/update/accepted"));
	});

	it("let it hear nothing of another thing", () => {
		for (const topic of [
			"$aws/things/attic/shadow/get/accepted",
			"$aws/things/attic/jobs/notify-next",
			"$aws/things/+/jobs/notify-next",
			"$aws/things/#",
			"thinghz/attic/live",
			"thinghz/+/live",
			"$aws/events/presence/connected/attic",
			"#",
			"+/+/+",
		]) {
			assert.ok(!maySubscribe(topic), topic);
			assert.ok(!mayReceive(topic), topic);
		}
	});

	it("let it ask for nothing of another thing", () => {
		for (const topic of requests.slice(0, -3)) {
			assert.ok(!mayPublish(topic.replace("porch", "attic")), topic);
		}
		assert.ok(!mayPublish("$aws/provisioning-templates/other/provision/json"));
	});

	it("let nobody delete a shadow", () => {
		assert.ok(!mayPublish("$aws/things/porch/shadow/delete"));
		assert.ok(!mayPublish("$aws/things/porch/shadow/name/config/delete"));
	});

	it("have a wildcard below its own name only", () => {
		for (const document of Object.values(policies)) {
			for (const { Action, Resource } of document.Statement) {
				assert.ok(![Action].flat().some((action) => action.includes("*")));
				for (const resource of Resource) {
					const [before] = resource.split("*");
					assert.ok(
						before === resource ||
							before?.includes(`/$aws/things/${OWN_NAME}/`),
						resource,
					);
				}
			}
		}
	});
});

describe("the policy of a claim certificate", () => {
	const document = claimPolicy(arn);
	const may = (action: string, type: Request["type"], name: string) =>
		allows(document, { action, type, name });

	it("lets its holder ask for a certificate and a thing, and hear the answers", () => {
		for (const request of requests()) {
			assert.ok(may("iot:Publish", "topic", request));
			assert.ok(may("iot:Subscribe", "topicfilter", `${request}/accepted`));
			assert.ok(may("iot:Receive", "topic", `${request}/rejected`));
		}
		assert.ok(may("iot:Connect", "client", "thinghz-claim:4d3c2b1a"));
	});

	it("lets its holder do nothing else", () => {
		assert.ok(!may("iot:Connect", "client", "porch"));
		for (const topic of [
			blockTopic("porch"),
			eventTopic("porch"),
			liveTopic("porch"),
			"$aws/things/porch/shadow/get",
			"$aws/certificates/create/cbor",
			"$aws/provisioning-templates/thinghz/provision/json/accepted",
			"$aws/provisioning-templates/other/provision/json",
		]) {
			assert.ok(!may("iot:Publish", "topic", topic), topic);
		}
		assert.ok(!may("iot:Subscribe", "topicfilter", "#"));
		assert.deepEqual(
			[...new Set(document.Statement.flatMap(({ Action }) => Action))].sort(),
			["iot:Connect", "iot:Publish", "iot:Receive", "iot:Subscribe"],
		);
	});

	function requests() {
		return [
			"$aws/certificates/create/json",
			"$aws/certificates/create-from-csr/json",
			"$aws/provisioning-templates/thinghz/provision/json",
		];
	}
});
