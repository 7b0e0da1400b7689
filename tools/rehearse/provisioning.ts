/**
 * Fleet provisioning's template, and the policies of AWS IoT that it gives things:
 * https://docs.aws.amazon.com/iot/latest/developerguide/provision-template.html
 */
import { RehearsalError } from "./errors.ts";
import { type PolicyStatement, readStatements } from "./iam.ts";
import { MAX_POLICIES, MAX_POLICY_CHARACTERS } from "./iot-policy.ts";
import { type Json, objectIn, textIn } from "./json.ts";
import type { Template } from "./template.ts";

/** What the template makes of a node's parameters. */
export interface Provisioned {
	readonly thing: string;
	/** Names of the policies that its certificate gets. */
	readonly policies: readonly string[];
}

/** @throws RehearsalError when a reference has no value, or AWS IoT would refuse the template */
export function provisionBy(
	template: Template,
	parameters: Readonly<Record<string, string>>,
): Provisioned {
	const [resource, ...others] = template.ofType(
		"AWS::IoT::ProvisioningTemplate",
	);
	if (resource === undefined || others.length > 0) {
		throw new RehearsalError(
			"bad_wiring",
			"The rehearsal expects one provisioning template.",
		);
	}
	const body = objectIn(
		JSON.parse(textIn(template.properties(resource).TemplateBody, resource.id)),
		"The provisioning template's body",
	);
	const declared = objectIn(body.Parameters, "Parameters");
	const value = (given: unknown, what: string): string => {
		if (typeof given === "string") return given;
		const name = textIn(objectIn(given, what).Ref, what);
		const text = parameters[name];
		if (!(name in declared) || text === undefined) {
			throw new RehearsalError(
				"bad_wiring",
				`The provisioning template's ${what} refers to ${name}, which is not given.`,
			);
		}
		return text;
	};
	const made = Object.values(objectIn(body.Resources, "Resources")).map((one) =>
		objectIn(one, "A resource of the provisioning template"),
	);
	const properties = (type: string): readonly Json[] =>
		made
			.filter(({ Type }) => Type === type)
			.map(({ Properties }) => objectIn(Properties, type));
	const [thing] = properties("AWS::IoT::Thing");
	if (thing === undefined) {
		throw new RehearsalError(
			"bad_wiring",
			"The provisioning template makes no thing.",
		);
	}
	return {
		thing: value(thing.ThingName, "ThingName"),
		policies: properties("AWS::IoT::Policy").map(({ PolicyName }) =>
			value(PolicyName, "PolicyName"),
		),
	};
}

/** The statements of policies of the template, by their names. @throws RehearsalError for one that AWS IoT would not take */
export function statementsOfPolicies(
	template: Template,
	names: readonly string[],
): readonly PolicyStatement[] {
	if (names.length > MAX_POLICIES) {
		throw new RehearsalError(
			"bad_wiring",
			`A certificate has ${MAX_POLICIES} policies at most, not ${names.length}.`,
		);
	}
	return names.flatMap((name) => {
		const resource = template.find(name, null, "AWS::IoT::Policy");
		if (resource === null) {
			throw new RehearsalError("bad_wiring", `There is no policy ${name}.`);
		}
		const { PolicyDocument } = template.properties(resource);
		const characters = JSON.stringify(PolicyDocument).replace(/\s/g, "").length;
		if (characters > MAX_POLICY_CHARACTERS) {
			throw new RehearsalError(
				"bad_wiring",
				`The policy ${name} has ${characters} characters; AWS IoT takes ${MAX_POLICY_CHARACTERS}.`,
			);
		}
		return readStatements(PolicyDocument, name);
	});
}
