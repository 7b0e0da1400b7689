/** What functions that read a table's stream have in common. */
import type { Role } from "aws-cdk-lib/aws-iam";
import { acknowledgeWildcard } from "./wildcard.ts";

/** CDK lets a stream's reader list streams, as Lambda asks for. */
export function acknowledgeListStreams(role: Role): void {
	acknowledgeWildcard(
		role,
		"*",
		"dynamodb:ListStreams, without which Lambda reads no stream, has no resources to be limited to; nor have DescribeEndpoints of Timestream and X-Ray's actions.",
	);
}
