/**
 * Whether AWS IoT lets a connection do something, by the policies of its certificate:
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-policies.html. Variables without a value make a resource that
 * matches nothing: …/thing-policy-variables.html.
 */
import { isAllowed, type PolicyStatement } from "./iam.ts";
import { ACCOUNT, REGION } from "./template.ts";

export type IotAction = "Connect" | "Publish" | "Subscribe" | "Receive";

/** Who is connected, as policy variables have it. */
export interface IotConnection {
	readonly clientId: string;
	/** The thing that the certificate is attached to; null for a claim certificate. */
	readonly thing: string | null;
}

const RESOURCES: Readonly<Record<IotAction, string>> = {
	Connect: "client",
	Publish: "topic",
	Subscribe: "topicfilter",
	Receive: "topic",
};

/** "Policy document size" of https://docs.aws.amazon.com/general/latest/gr/iot-core.html, white space not counted. */
export const MAX_POLICY_CHARACTERS = 2048;
/** "Maximum number of policies attached to a certificate". */
export const MAX_POLICIES = 10;

/** @param name client id, topic or topic filter */
export function iotAllows(
	statements: readonly PolicyStatement[],
	connection: IotConnection,
	action: IotAction,
	name: string,
): boolean {
	const { clientId } = connection;
	// The thing's variables have a value only where the client's id is the name of a thing of the certificate.
	const thing = connection.thing === clientId ? clientId : null;
	const variables: Readonly<Record<string, string | null>> = {
		"iot:ClientId": clientId,
		"iot:Connection.Thing.ThingName": thing,
	};
	const substituted = statements.map((statement) => ({
		...statement,
		resources: statement.resources.flatMap((resource) => {
			const text = substitute(resource, variables);
			return text === null ? [] : [text];
		}),
	}));
	const resource = `arn:aws:iot:${REGION}:${ACCOUNT}:${RESOURCES[action]}/${name}`;
	return isAllowed(substituted, `iot:${action}`, resource, {
		"iot:Connection.Thing.IsAttached": String(thing !== null),
	});
}

function substitute(
	resource: string,
	variables: Readonly<Record<string, string | null>>,
): string | null {
	let missing = false;
	const text = resource.replace(/\$\{([^}]+)\}/g, (_all, name: string) => {
		const value = variables[name] ?? null;
		if (value === null) missing = true;
		return value ?? "";
	});
	return missing ? null : text;
}
