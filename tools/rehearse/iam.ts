/**
 * Whether a role may do something, by the policies that the template gives it. An explicit Deny wins over any Allow:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { RehearsalError } from "./errors.ts";
import { isObject, type Json, listIn, objectIn, textsIn } from "./json.ts";
import type { Resource, Template } from "./template.ts";

export interface PolicyStatement {
	readonly effect: "Allow" | "Deny";
	readonly actions: readonly string[];
	readonly resources: readonly string[];
	/** By operator and key; null without any. */
	readonly conditions: Json | null;
}

/** What conditions may ask for, by key, as "aws:SourceArn". */
export type RequestContext = Readonly<Record<string, string>>;

/**
 * AWS's own policies that ours may use, as far as anything here asks of them:
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
 */
const MANAGED: Readonly<Record<string, readonly string[]>> = {
	"service-role/AWSLambdaBasicExecutionRole": [
		"logs:CreateLogGroup",
		"logs:CreateLogStream",
		"logs:PutLogEvents",
	],
	AWSXRayDaemonWriteAccess: [
		"xray:PutTraceSegments",
		"xray:PutTelemetryRecords",
	],
	"service-role/AWSLambdaVPCAccessExecutionRole": [
		"logs:CreateLogGroup",
		"logs:CreateLogStream",
		"logs:PutLogEvents",
		"ec2:CreateNetworkInterface",
		"ec2:DescribeNetworkInterfaces",
		"ec2:DeleteNetworkInterface",
	],
	"service-role/AWSIoTDeviceDefenderAudit": [
		"iot:DescribeAccountAuditConfiguration",
	],
	"service-role/AWSIoTThingsRegistration": [
		"iot:CreateThing",
		"iot:DescribeCertificate",
		"iot:DescribeThing",
		"iot:UpdateCertificate",
		"iot:UpdateThing",
		"iot:AttachPolicy",
		"iot:AttachThingPrincipal",
		"iot:ListPolicyPrincipals",
		"iot:ListPrincipalPolicies",
		"iot:ListPrincipalThings",
		"iot:GetPolicy",
		"iot:RegisterThing",
		"iot:RegisterCertificate",
	],
};

/** @throws RehearsalError unreadable_template */
export function readStatements(
	document: unknown,
	what: string,
): readonly PolicyStatement[] {
	const { Statement } = objectIn(document, what);
	const statements = Array.isArray(Statement) ? Statement : [Statement];
	return statements.map((value) => {
		const statement = objectIn(value, what);
		const { Effect, Action, Resource, Condition } = statement;
		if (Effect !== "Allow" && Effect !== "Deny") {
			throw new RehearsalError(
				"unreadable_template",
				`${what} has a statement that neither allows nor denies.`,
			);
		}
		for (const key of ["NotAction", "NotResource", "NotPrincipal"]) {
			if (key in statement) {
				throw new RehearsalError(
					"unreadable_template",
					`${what} uses ${key}, which says less plainly what is meant; the rehearsal does not read it.`,
				);
			}
		}
		return {
			effect: Effect,
			actions: textsIn(Action, `${what}.Action`),
			resources: textsIn(Resource ?? "*", `${what}.Resource`),
			conditions: isObject(Condition) ? Condition : null,
		};
	});
}

/** All that the template lets a role do. */
export function statementsOfRole(
	template: Template,
	role: Resource,
): readonly PolicyStatement[] {
	const { id } = role;
	const properties = template.properties(role);
	const inline = listIn(properties.Policies, `${id}.Policies`).flatMap(
		(policy) =>
			readStatements(objectIn(policy, id).PolicyDocument, `A policy of ${id}`),
	);
	const name = template.ref(role);
	const attached = template
		.ofType("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
		.map((policy) => ({ policy, given: template.properties(policy) }))
		.filter(({ given }) => textsIn(given.Roles, "Roles").includes(name))
		.flatMap(({ policy, given }) =>
			readStatements(given.PolicyDocument, policy.id),
		);
	const managed = textsIn(properties.ManagedPolicyArns, id).flatMap(
		(arn): readonly PolicyStatement[] => {
			const known = MANAGED[arn.replace(/^arn:aws:iam::aws:policy\//, "")];
			if (known === undefined) {
				throw new RehearsalError(
					"unreadable_template",
					`${id} has the policy ${arn}, of which the rehearsal does not know what it allows.`,
				);
			}
			return [
				{ effect: "Allow", actions: known, resources: ["*"], conditions: null },
			];
		},
	);
	return [...inline, ...attached, ...managed];
}

/** @throws RehearsalError unreadable_template for a condition that cannot be judged here */
export function isAllowed(
	statements: readonly PolicyStatement[],
	action: string,
	resource: string,
	context: RequestContext = {},
): boolean {
	const matching = statements.filter(
		(statement) =>
			statement.actions.some((pattern) =>
				matchesPattern(pattern.toLowerCase(), action.toLowerCase()),
			) &&
			statement.resources.some((pattern) =>
				matchesPattern(pattern, resource),
			) &&
			meets(statement.conditions, context),
	);
	return (
		matching.some(({ effect }) => effect === "Allow") &&
		!matching.some(({ effect }) => effect === "Deny")
	);
}

/** `*` stands for any characters, `?` for one. */
export function matchesPattern(pattern: string, text: string): boolean {
	const expression = pattern
		.replace(/[.+^${}()|[\]\\]/g, "\\$&")
		.replace(/\*/g, ".*")
		.replace(/\?/g, ".");
	return new RegExp(`^${expression}$`, "s").test(text);
}

/** Every operator, and in it every key, has to be met; of a key's values one. */
function meets(conditions: Json | null, context: RequestContext): boolean {
	return Object.entries(conditions ?? {}).every(([operator, keys]) =>
		Object.entries(objectIn(keys, operator)).every(([key, values]) => {
			const wanted = textsIn(values, key);
			const given = context[key];
			switch (operator) {
				case "StringEquals":
				case "Bool":
					return given !== undefined && wanted.includes(given);
				case "StringLike":
				case "ArnLike":
				case "ArnEquals":
					return (
						given !== undefined &&
						wanted.some((pattern) => matchesPattern(pattern, given))
					);
				default:
					throw new RehearsalError(
						"unreadable_template",
						`A policy has the condition ${operator} on ${key}, which the rehearsal does not judge.`,
					);
			}
		}),
	);
}
