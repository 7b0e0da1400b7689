/** Images of firmware: a private bucket, and the role by which AWS IoT signs addresses of them for jobs, and reads them for streams. */
import { Aws, Duration } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { privateBucket } from "./private-bucket.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

export interface FirmwareProps {
	/** Where it is logged who fetched what. */
	readonly accessLogs: IBucket;
}

export class Firmware extends Construct {
	readonly bucket: IBucket;
	/** `presignedUrlConfig.roleArn` of a job. */
	readonly role: Role;

	constructor(scope: Construct, id: string, { accessLogs }: FirmwareProps) {
		super(scope, id);
		this.bucket = privateBucket(this, "Bucket", {
			retained: true,
			// An image that was overwritten or deleted can be had back.
			versioned: true,
			lifecycleRules: [
				{
					id: "forget-what-was-replaced",
					noncurrentVersionExpiration: Duration.days(180),
					abortIncompleteMultipartUploadAfter: Duration.days(7),
				},
			],
			accessLogs,
			serverAccessLogsPrefix: "firmware/",
		});
		this.role = new Role(this, "JobsRole", {
			assumedBy: new ServicePrincipal("iot.amazonaws.com", {
				// https://docs.aws.amazon.com/iot/latest/developerguide/cross-service-confused-deputy-prevention.html
				conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
			}),
			description:
				"Signs addresses of firmware for jobs and reads it for streams, and can do nothing else",
		});
		this.role.addToPolicy(
			new PolicyStatement({
				actions: ["s3:GetObject", "s3:GetObjectVersion"],
				resources: [this.bucket.arnForObjects("*")],
			}),
		);
		acknowledgeWildcard(
			this.role,
			this.bucket.arnForObjects("*"),
			"Images of this one bucket, whose names nobody knows before they are published.",
		);
	}
}
