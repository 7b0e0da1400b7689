/** What a thing may on one machine and what its policies on AWS let it: a node must find the same in both. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
	claimPolicy,
	type IotArn,
	OWN_NAME,
	type PolicyDocument,
	thingPolicies,
} from "../../cloud/aws/stack/thing-policies.ts";
import {
	mayPublish,
	maySubscribe,
} from "../../cloud/local/broker/permissions.ts";
import { parsePublishTopic } from "../../protocol/topics.ts";

const arn: IotArn = (type, name) => `${type}:${name}`;
const things = Object.values(thingPolicies(arn));
const claim = [claimPolicy(arn)];

/** The names that an action is allowed on, `*` for any characters. */
function resources(
	policies: readonly PolicyDocument[],
	action: string,
): string[] {
	return policies
		.flatMap(({ Statement }) => Statement)
		.filter(({ Action }) => [Action].flat().includes(action))
		.flatMap(({ Resource }) => Resource)
		.map((resource) =>
			resource.slice(resource.indexOf(":") + 1).replaceAll(OWN_NAME, "porch"),
		);
}

function policyAllows(
	policies: readonly PolicyDocument[],
	action: string,
	name: string,
): boolean {
	return resources(policies, action).some((resource) => {
		const expression = resource
			.split("*")
			.map((part) => part.replaceAll(/[.$+?^{}()|[\]\\]/g, "\\$&"))
			.join(".*");
		return new RegExp(`^${expression}$`).test(name);
	});
}

const localPublish = (topic: string) =>
	parsePublishTopic(topic)?.thing === "porch" || mayPublish("porch", topic);

/** What one machine allows a thing below `$aws` beside what its policies on AWS do, for devices of other makers. */
const LOCAL_ALONE = /^\$aws\/things\/porch\/shadow(\/name\/[^/]+)?\/delete$/;

const level = fc.constantFrom(
	"$aws",
	"things",
	"porch",
	"attic",
	"shadow",
	"name",
	"config",
	"jobs",
	"start-next",
	"streams",
	"image",
	"describe",
	"get",
	"update",
	"delete",
	"defender",
	"tunnels",
	"notify",
	"accepted",
	"delta",
	"json",
	"cbor",
	"certificates",
	"create",
	"create-from-csr",
	"provisioning-templates",
	"thinghz",
	"provision",
);
const below = fc
	.array(level, { minLength: 1, maxLength: 5 })
	.map((levels) => levels.join("/"));

describe("rights of a thing on both clouds", () => {
	for (const topic of resources(things, "iot:Publish")) {
		it(`${topic} may be published to`, () => {
			assert.ok(localPublish(topic.replace("*", "some-name_7")));
			assert.ok(
				!localPublish(topic.replace("porch", "attic")) ||
					!topic.includes("porch"),
			);
		});
	}

	for (const filter of resources(things, "iot:Subscribe")) {
		it(`${filter} may be subscribed to`, () => {
			for (const rest of ["get/accepted", "#", "+/update/rejected"]) {
				assert.ok(maySubscribe("porch", filter.replace("*", rest)));
			}
		});
	}

	for (const [action, may] of [
		["iot:Publish", mayPublish],
		["iot:Subscribe", maySubscribe],
	] as const) {
		it(`a claim certificate has the same of ${action}`, () => {
			const names = resources(claim, action);
			assert.ok(names.length > 0);
			for (const name of names) assert.ok(may(null, name), name);
		});
	}

	it("no reserved topic may be published to on one machine alone, but for those named here", () => {
		const topics = fc.oneof(
			below.map((rest) => `$aws/things/porch/${rest}`),
			below.map((rest) => `$aws/${rest}`),
		);
		fc.assert(
			fc.property(topics, (topic) => {
				if (!mayPublish("porch", topic) || LOCAL_ALONE.test(topic)) return;
				assert.ok(policyAllows(things, "iot:Publish", topic), topic);
			}),
			{ numRuns: 5000 },
		);
	});

	it("no reserved topic may be subscribed to on one machine alone, but by a wildcard for all of its own", () => {
		const ends = fc.constantFrom("", "/+", "/#", "/+/accepted");
		const filters = fc
			.tuple(fc.constantFrom("$aws/things/porch/", "$aws/"), below, ends)
			.map((parts) => parts.join(""));
		fc.assert(
			fc.property(filters, (filter) => {
				const isOfAll = /^\$aws\/things\/porch\/[#+]/.test(filter);
				if (isOfAll || !maySubscribe("porch", filter)) return;
				assert.ok(policyAllows(things, "iot:Subscribe", filter), filter);
			}),
			{ numRuns: 5000 },
		);
		assert.ok(maySubscribe("porch", "$aws/things/porch/#"));
	});
});
