/** Says why a role's policy may name more resources than one. */
import { Stack, Validations } from "aws-cdk-lib";
import type { Role } from "aws-cdk-lib/aws-iam";

/**
 * Acknowledges cdk-nag's finding of one resource with a wildcard, and of no other.
 * @param resource as it stands in the policy
 */
export function acknowledgeWildcard(
	role: Role,
	resource: string,
	reason: string,
): void {
	const written = flatten(Stack.of(role).resolve(resource));
	Validations.of(role).acknowledge({
		id: `AwsSolutions-IAM5[Resource::${written}]`,
		reason,
	});
}

/** As cdk-nag writes what CloudFormation puts together: `<Table.Arn>/index/*`. */
function flatten(value: unknown): string {
	if (typeof value === "string") return value;
	const [[name, inner] = ["", ""]] = Object.entries(value as object);
	switch (name) {
		case "Ref":
			return `<${inner}>`;
		case "Fn::GetAtt":
			return `<${(inner as string[]).join(".")}>`;
		case "Fn::Join": {
			const [by, parts] = inner as [string, unknown[]];
			return parts.map(flatten).join(by);
		}
		default:
			throw new TypeError(`${name} stands in no resource of ours.`);
	}
}
