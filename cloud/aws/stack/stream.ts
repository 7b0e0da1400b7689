/** What functions that read a table's stream have in common. */
import { Validations } from "aws-cdk-lib";
import type { Role } from "aws-cdk-lib/aws-iam";

/** CDK lets a stream's reader list streams, as Lambda asks for. */
export function acknowledgeListStreams(role: Role): void {
	Validations.of(role).acknowledge({
		id: "AwsSolutions-IAM5[Resource::*]",
		reason:
			"dynamodb:ListStreams, without which Lambda reads no stream, has no resources to be limited to; nor have DescribeEndpoints of Timestream and X-Ray's actions.",
	});
}
