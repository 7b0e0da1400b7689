/** Things: their type, what they may do, and how a node that has only a claim certificate becomes one. */
import { Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
	CfnPolicy,
	CfnProvisioningTemplate,
	CfnThingType,
} from "aws-cdk-lib/aws-iot";
import { Construct } from "constructs";
import { writeEnvironment } from "../environment.ts";
import {
	CLAIM_POLICY,
	PROVISIONING_PARAMETER,
	PROVISIONING_TEMPLATE,
	THING_TYPE,
} from "../names.ts";
import { BundledFunction, type FunctionDefaults } from "./function.ts";
import type { DataTable } from "./tables.ts";
import { claimPolicy, type IotArn, thingPolicies } from "./thing-policies.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

export interface DevicesProps extends FunctionDefaults {
	readonly records: DataTable;
	readonly traced: boolean;
}

export class Devices extends Construct {
	readonly hook: BundledFunction;

	constructor(scope: Construct, id: string, props: DevicesProps) {
		super(scope, id);
		const thingType = new CfnThingType(this, "ThingType", {
			thingTypeName: THING_TYPE,
			thingTypeProperties: { thingTypeDescription: "Sensor nodes of thinghz" },
		});
		const stack = Stack.of(this);
		const arn: IotArn = (type, name) =>
			stack.formatArn({ service: "iot", resource: type, resourceName: name });
		const policies = Object.entries(thingPolicies(arn)).map(
			([policyName, policyDocument]) =>
				new CfnPolicy(this, policyName, { policyName, policyDocument }),
		);
		new CfnPolicy(this, CLAIM_POLICY, {
			policyName: CLAIM_POLICY,
			policyDocument: claimPolicy(arn),
		});

		this.hook = this.#hook(props);
		const template = new CfnProvisioningTemplate(this, "Template", {
			templateName: PROVISIONING_TEMPLATE,
			description: "Makes a thing of a node that the hook knows",
			enabled: true,
			preProvisioningHook: {
				targetArn: this.hook.lambda.functionArn,
				payloadVersion: "2020-04-01",
			},
			provisioningRoleArn: this.#provisioningRole().roleArn,
			templateBody: stack.toJsonString(
				templateBody(policies.map(({ policyName }) => policyName ?? "")),
			),
		});
		for (const needed of [thingType, ...policies]) {
			template.addResourceDependency(needed);
		}
	}

	#hook(props: DevicesProps): BundledFunction {
		const hook = new BundledFunction(this, "Hook", {
			bundleDir: props.bundleDir,
			logDays: props.logDays,
			name: "provisioning-hook",
			about: "Says which nodes may become things, and as which",
			environment: writeEnvironment("provisioning-hook", {
				recordsTable: props.records.table.tableName,
			}),
			// AWS IoT waits for five.
			timeoutS: 5,
			memoryMb: 256,
			traced: props.traced,
		});
		props.records.allow(hook.role, "write");
		const stack = Stack.of(this);
		allowRotations(hook);
		hook.lambda.addPermission("Iot", {
			principal: new ServicePrincipal("iot.amazonaws.com"),
			sourceAccount: stack.account,
			sourceArn: stack.formatArn({
				service: "iot",
				resource: "provisioningtemplate",
				resourceName: PROVISIONING_TEMPLATE,
			}),
		});
		return hook;
	}

	/**
	 * Of AWS's managed policy `AWSIoTThingsRegistration` what this template takes: it makes things, activates
	 * certificates and attaches our policies; it makes no policies and no groups, and deletes nothing.
	 */
	#provisioningRole(): Role {
		const stack = Stack.of(this);
		const iot = (resource: string, resourceName: string) =>
			stack.formatArn({ service: "iot", resource, resourceName });
		const role = new Role(this, "ProvisioningRole", {
			assumedBy: new ServicePrincipal("iot.amazonaws.com"),
			description: "What fleet provisioning may do with things",
		});
		role.addToPolicy(
			new PolicyStatement({
				actions: [
					"iot:AttachThingPrincipal",
					"iot:CreateThing",
					"iot:DescribeThing",
					"iot:ListThingPrincipals",
					"iot:UpdateThing",
				],
				resources: [iot("thing", "*"), iot("thingtype", THING_TYPE)],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				actions: [
					"iot:AttachPolicy",
					"iot:AttachPrincipalPolicy",
					"iot:DescribeCertificate",
					"iot:ListAttachedPolicies",
					"iot:ListPrincipalPolicies",
					"iot:ListPrincipalThings",
					"iot:UpdateCertificate",
				],
				resources: [iot("cert", "*"), iot("policy", "thinghz-thing*")],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				actions: ["iot:DescribeThingType", "iot:GetPolicy"],
				resources: [
					iot("thingtype", THING_TYPE),
					iot("policy", "thinghz-thing*"),
				],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				actions: ["iot:RegisterThing"],
				resources: ["*"],
			}),
		);
		acknowledgeWildcard(
			role,
			iot("thing", "*"),
			"Things that are yet to be made; the hook says which may be.",
		);
		acknowledgeWildcard(
			role,
			iot("cert", "*"),
			"Certificates that nodes have just been given, whose ids are new.",
		);
		acknowledgeWildcard(
			role,
			iot("policy", "thinghz-thing*"),
			"The policies of things; the claim's is none of them.",
		);
		acknowledgeWildcard(
			role,
			"*",
			"iot:RegisterThing has no resources to be limited to.",
		);
		return role;
	}
}

/** Whether a thing that asks for another certificate has a job to: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiot.html */
function allowRotations({ role }: BundledFunction): void {
	const stack = Stack.of(role);
	const iot = (resource: string) =>
		stack.formatArn({ service: "iot", resource, resourceName: "*" });
	const allow = (resource: string, action: string) =>
		role.addToPolicy(
			new PolicyStatement({ actions: [action], resources: [resource] }),
		);
	allow(iot("thing"), "iot:ListJobExecutionsForThing");
	allow(iot("job"), "iot:GetJobDocument");
	acknowledgeWildcard(
		role,
		iot("thing"),
		"Any thing may ask for another certificate; the hook says which may have one.",
	);
	acknowledgeWildcard(
		role,
		iot("job"),
		"Jobs are made by people, who give them their ids; only those that the thing has to do are read.",
	);
}

/**
 * https://docs.aws.amazon.com/iot/latest/developerguide/provision-template.html. A thing that is there already is one
 * whose certificate is being replaced: its old one stays until somebody revokes it.
 */
function templateBody(policies: readonly string[]) {
	return {
		Parameters: {
			[PROVISIONING_PARAMETER]: { Type: "String" },
			"AWS::IoT::Certificate::Id": { Type: "String" },
		},
		Resources: {
			certificate: {
				Type: "AWS::IoT::Certificate",
				Properties: {
					CertificateId: { Ref: "AWS::IoT::Certificate::Id" },
					Status: "Active",
				},
			},
			thing: {
				Type: "AWS::IoT::Thing",
				OverrideSettings: {
					AttributePayload: "MERGE",
					ThingTypeName: "DO_NOTHING",
					ThingGroups: "DO_NOTHING",
				},
				Properties: {
					ThingName: { Ref: PROVISIONING_PARAMETER },
					ThingTypeName: THING_TYPE,
				},
			},
			...Object.fromEntries(
				policies.map((PolicyName, index) => [
					`policy${index}`,
					{ Type: "AWS::IoT::Policy", Properties: { PolicyName } },
				]),
			),
		},
	};
}
