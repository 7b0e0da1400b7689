import assert from "node:assert/strict";
import { readStatements } from "./iam.ts";
import { type IotAction, iotAllows } from "./iot-policy.ts";

const ARN = "arn:aws:iot:eu-central-1:123456789012:";
const NAME = "$" + "{iot:Connection.Thing.ThingName}";
const STATEMENTS = readStatements(
	{
		Statement: [
			{
				Effect: "Allow",
				Action: "iot:Connect",
				Resource: `${ARN}client/${NAME}`,
				Condition: { Bool: { "iot:Connection.Thing.IsAttached": "true" } },
			},
			{
				Effect: "Allow",
				Action: ["iot:Publish", "iot:Receive"],
				Resource: [`${ARN}topic/thinghz/${NAME}/*`],
			},
			{
				Effect: "Allow",
				Action: "iot:Subscribe",
				Resource: `${ARN}topicfilter/thinghz/${NAME}/*`,
			},
		],
	},
	"a policy",
);

function may(
	action: IotAction,
	name: string,
	clientId = "porch",
	thing: string | null = "porch",
): boolean {
	return iotAllows(STATEMENTS, { clientId, thing }, action, name);
}

describe("The policies of AWS IoT", () => {
	it("let a thing connect by its own name, and by no other", () => {
		assert.ok(may("Connect", "porch"));
		assert.ok(!may("Connect", "other", "other"));
		assert.ok(!may("Connect", "porch", "porch", null));
	});

	it("let it publish and subscribe below its own name alone", () => {
		assert.ok(may("Publish", "thinghz/porch/live"));
		assert.ok(may("Subscribe", "thinghz/porch/#"));
		assert.ok(may("Receive", "thinghz/porch/config"));
		assert.ok(!may("Publish", "thinghz/other/live"));
		assert.ok(!may("Subscribe", "thinghz/+/live"));
		assert.ok(!may("Subscribe", "thinghz/#"));
		assert.ok(!may("Receive", "thinghz/other/config"));
	});

	it("give no name to a certificate whose thing is not the client", () => {
		assert.ok(!may("Publish", "thinghz/porch/live", "other", "porch"));
		assert.ok(!may("Publish", "thinghz//live", "", null));
	});
});
