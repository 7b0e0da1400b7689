/** A bucket that nobody but those who are named may reach, over TLS alone. */
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import {
	BlockPublicAccess,
	Bucket,
	BucketEncryption,
	type BucketProps,
	type IBucket,
	ObjectOwnership,
} from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

export interface PrivateBucketProps
	extends Pick<
		BucketProps,
		"versioned" | "lifecycleRules" | "serverAccessLogsPrefix"
	> {
	/** Whether it stays when the stack is deleted. */
	readonly retained: boolean;
	/** Where it is logged who fetched what, or why that is not; null for the bucket where it is. */
	readonly accessLogs: IBucket | { readonly none: string } | null;
}

export function privateBucket(
	scope: Construct,
	id: string,
	{ retained, accessLogs, ...props }: PrivateBucketProps,
): IBucket {
	const bucket = new Bucket(scope, id, {
		...props,
		blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
		// S3's own key: one of ours would add a charge for each request and nothing that IAM does not say already.
		encryption: BucketEncryption.S3_MANAGED,
		objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
		enforceSSL: true,
		minimumTLSVersion: 1.2,
		...(accessLogs === null || "none" in accessLogs
			? {}
			: { serverAccessLogsBucket: accessLogs }),
		removalPolicy: retained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
	});
	if (accessLogs !== null && "none" in accessLogs) {
		Validations.of(bucket).acknowledge({
			id: "AwsSolutions-S1",
			reason: accessLogs.none,
		});
	}
	// CDK's own type of a bucket is no `IBucket` under exactOptionalPropertyTypes.
	return bucket as IBucket;
}

/** Where S3 writes who fetched firmware. */
export function accessLogsBucket(scope: Construct, id: string): IBucket {
	return privateBucket(scope, id, {
		retained: true,
		lifecycleRules: [{ id: "forget", expiration: Duration.days(365) }],
		accessLogs: null,
	});
}
