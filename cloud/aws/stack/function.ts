/** A Lambda function of ours: a bundle of `dist/lambda`, with a role and a log group of its own and nothing besides. */
import { join } from "node:path";
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { IVpc, SecurityGroup, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
	ApplicationLogLevel,
	Architecture,
	Code,
	Function as LambdaFunction,
	LoggingFormat,
	Runtime,
	SystemLogLevel,
	Tracing,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

/** The newest that the locked CDK knows; a test says when it knows a newer one. */
export const RUNTIME = Runtime.NODEJS_24_X;

/** What all functions have in common. */
export interface FunctionDefaults {
	/** Folder of the bundles, one folder a function. */
	readonly bundleDir: string;
	readonly logDays: number;
}

export interface BundledFunctionProps extends FunctionDefaults {
	/** The bundle's name; the function is called `thinghz-NAME`. */
	readonly name: string;
	readonly about: string;
	readonly environment: Readonly<Record<string, string>>;
	readonly timeoutS: number;
	readonly memoryMb: number;
	readonly traced: boolean;
	/** Where it runs when it has to reach something inside a VPC. */
	readonly network?: {
		readonly vpc: IVpc;
		readonly subnets: SubnetSelection;
		readonly securityGroup: SecurityGroup;
	};
}

/** No concurrency is reserved for any: a new account may have ten in all, of which nothing can be reserved. */
export class BundledFunction extends Construct {
	readonly lambda: LambdaFunction;
	readonly role: Role;
	readonly logGroup: LogGroup;
	readonly timeoutS: number;

	constructor(scope: Construct, id: string, props: BundledFunctionProps) {
		super(scope, id);
		this.timeoutS = props.timeoutS;
		const functionName = `${STACK_NAME}-${props.name}`;
		this.logGroup = new LogGroup(this, "Logs", {
			logGroupName: `/aws/lambda/${functionName}`,
			retention: props.logDays,
			removalPolicy: RemovalPolicy.DESTROY,
		});
		this.role = new Role(this, "Role", {
			assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
			description: `What ${functionName} may do`,
		});
		this.logGroup.grantWrite(this.role);
		if (props.network !== undefined) allowNetwork(this.role);
		this.lambda = new LambdaFunction(this, "Function", {
			functionName,
			description: props.about,
			runtime: RUNTIME,
			// A fifth cheaper a GB-second than x86_64.
			architecture: Architecture.ARM_64,
			code: Code.fromAsset(join(props.bundleDir, props.name)),
			handler: "index.handler",
			role: this.role,
			environment: { ...props.environment },
			timeout: Duration.seconds(props.timeoutS),
			memorySize: props.memoryMb,
			tracing: props.traced ? Tracing.ACTIVE : Tracing.DISABLED,
			logGroup: this.logGroup,
			loggingFormat: LoggingFormat.JSON,
			applicationLogLevelV2: ApplicationLogLevel.INFO,
			// For cost: at INFO, Lambda's own lines of each invocation would be most of the logs.
			systemLogLevelV2: SystemLogLevel.WARN,
			...(props.network === undefined
				? {}
				: {
						vpc: props.network.vpc,
						vpcSubnets: props.network.subnets,
						securityGroups: [props.network.securityGroup],
					}),
		});
		if (props.traced) {
			acknowledgeWildcard(
				this.role,
				"*",
				"xray:PutTraceSegments and xray:PutTelemetryRecords have no resources to be limited to.",
			);
		}
	}
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html ("Required IAM permissions"), narrower than AWS's managed policy. */
function allowNetwork(role: Role): void {
	role.addToPolicy(
		new PolicyStatement({
			actions: [
				"ec2:AssignPrivateIpAddresses",
				"ec2:CreateNetworkInterface",
				"ec2:DeleteNetworkInterface",
				"ec2:DescribeNetworkInterfaces",
				"ec2:DescribeSubnets",
				"ec2:UnassignPrivateIpAddresses",
			],
			resources: ["*"],
		}),
	);
	acknowledgeWildcard(
		role,
		"*",
		"Lambda makes network interfaces whose names nobody knows before, and EC2's Describe actions have no resources to be limited to.",
	);
}
