/**
 * Puts the built page into its bucket, with the configuration that only a deployment knows. The function that does it is
 * CDK's own, and runs at deployment only.
 */
import {
	DefaultStackSynthesizer,
	RemovalPolicy,
	Stack,
	Validations,
} from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import {
	BucketDeployment,
	CacheControl,
	Source,
} from "aws-cdk-lib/aws-s3-deployment";
import { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";
import type { Page } from "./page.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

export interface PageFilesProps {
	readonly webDir: string;
	readonly page: Page;
	readonly logDays: number;
	/** What `config.json` says: the page fetches it as it starts. */
	readonly configuration: Readonly<Record<string, string>>;
}

/** Files with a hash of their content in their names, which never change under them. */
const HASHED = ["*-????????.js", "*-????????.css"];

export class PageFiles extends Construct {
	constructor(scope: Construct, id: string, props: PageFilesProps) {
		super(scope, id);
		const { page } = props;
		const logGroup = new LogGroup(this, "Logs", {
			logGroupName: `/aws/lambda/${STACK_NAME}-page-files`,
			retention: props.logDays,
			removalPolicy: RemovalPolicy.DESTROY,
		});
		const role = deploymentRole(this, page, logGroup);
		const common = {
			role,
			destinationBucket: page.bucket,
			// What a browser that has the page before this one may still ask for stays.
			prune: false,
			memoryLimit: 256,
			logGroup,
		};
		const hashed = new BucketDeployment(this, "Hashed", {
			...common,
			sources: [Source.asset(props.webDir)],
			exclude: ["*"],
			include: HASHED,
			cacheControl: [
				CacheControl.fromString("public, max-age=31536000, immutable"),
			],
		});
		const rest = new BucketDeployment(this, "Rest", {
			...common,
			sources: [
				Source.asset(props.webDir),
				Source.jsonData("config.json", props.configuration),
			],
			exclude: HASHED,
			cacheControl: [CacheControl.noCache()],
			distribution: page.distribution,
			distributionPaths: ["/*"],
		});
		// index.html names files that have to be there by then.
		rest.node.addDependency(hashed);
		acknowledgeFunction(this);
	}
}

/** What CDK adds to it: to read the files that were uploaded for the deployment, and to write to the page's bucket. */
function deploymentRole(scope: Construct, page: Page, logGroup: LogGroup) {
	const role = new Role(scope, "Role", {
		assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
		description: "Puts the page's files into their bucket",
	});
	logGroup.grantWrite(role);
	const families = ["GetBucket", "GetObject", "List", "Abort", "DeleteObject"];
	Validations.of(role).acknowledge(
		...families.map((family) => ({
			id: `AwsSolutions-IAM5[Action::s3:${family}*]`,
			reason:
				"CDK's grant of reading, and of writing, to the two buckets below.",
		})),
	);
	const stack = Stack.of(scope);
	const assets = `cdk-${DefaultStackSynthesizer.DEFAULT_QUALIFIER}-assets-${stack.account}-${stack.region}`;
	const files = [
		page.bucket.arnForObjects("*"),
		`arn:${stack.partition}:s3:::${assets}/*`,
	];
	for (const file of files) {
		acknowledgeWildcard(
			role,
			file,
			"The page's files: from CDK's bucket of assets into the page's own, by names that each build gives them.",
		);
	}
	acknowledgeWildcard(
		role,
		"*",
		"CDK lets it invalidate any distribution. It runs at deployment only.",
	);
	return role;
}

function acknowledgeFunction(scope: Construct): void {
	const handler = Stack.of(scope).node.children.find(({ node }) =>
		node.id.startsWith("Custom::CDKBucketDeployment"),
	);
	if (handler === undefined) return;
	Validations.of(handler).acknowledge({
		id: "AwsSolutions-L1",
		reason:
			"CDK's own function, of the Python that CDK's version has; it runs at deployment only.",
	});
}
