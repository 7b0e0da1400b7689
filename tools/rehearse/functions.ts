/** The template's Lambda functions, as far as they are ours: those whose code is an asset of the assembly with a Node bundle. */
import type { Assembly } from "./assembly.ts";
import { RehearsalError } from "./errors.ts";
import { isObject, numberIn, textIn } from "./json.ts";
import type { FunctionDefinition } from "./lambda.ts";
import { placeOf } from "./network.ts";
import type { Resource } from "./template.ts";

/** Lambda's own defaults, where the template says nothing. */
const DEFAULT_TIMEOUT_S = 3;
const DEFAULT_MEMORY_MB = 128;

/** Functions of the CDK's own, that run while it deploys: they have no part in what is rehearsed. */
function isOurs(assembly: Assembly, resource: Resource): boolean {
	const name = assembly.template.ref(resource);
	return (
		name.startsWith("thinghz-") &&
		resource.properties.FunctionName !== undefined
	);
}

/** @throws RehearsalError */
export function readFunctions(
	assembly: Assembly,
): readonly FunctionDefinition[] {
	const { template } = assembly;
	return template
		.ofType("AWS::Lambda::Function")
		.filter((resource) => isOurs(assembly, resource))
		.map((resource): FunctionDefinition => {
			const properties = template.properties(resource);
			const { Environment, Role, Timeout, MemorySize, VpcConfig } = properties;
			const variables =
				isObject(Environment) && isObject(Environment.Variables)
					? Environment.Variables
					: {};
			return {
				name: template.ref(resource),
				arn: template.attribute(resource, "Arn"),
				roleArn: textIn(Role, `${resource.id}.Role`),
				...assembly.handlerOf(resource),
				timeoutMs:
					numberIn(Timeout, `${resource.id}.Timeout`, DEFAULT_TIMEOUT_S) * 1000,
				memoryMb: numberIn(
					MemorySize,
					`${resource.id}.MemorySize`,
					DEFAULT_MEMORY_MB,
				),
				environment: Object.fromEntries(
					Object.entries(variables).map(([name, value]) => [
						name,
						textIn(value, `${resource.id}: ${name}`),
					]),
				),
				place: isObject(VpcConfig)
					? placeOf(
							VpcConfig.SubnetIds,
							VpcConfig.SecurityGroupIds,
							`${resource.id}.VpcConfig`,
						)
					: null,
			};
		});
}

/** @throws RehearsalError bad_wiring */
export function named<T extends { readonly arn: string }>(
	of: readonly T[],
	arn: string,
	what: string,
): T {
	const found = of.find((one) => one.arn === arn);
	if (found !== undefined) return found;
	throw new RehearsalError(
		"bad_wiring",
		`${what} leads to ${arn}, which is not there.`,
	);
}
