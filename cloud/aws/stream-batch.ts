/**
 * How a batch of a table's stream is answered: Lambda goes on behind what has been done, and brings everything from the
 * first record that failed on again.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
import type { DynamoDBBatchResponse, DynamoDBRecord } from "aws-lambda";

/** No record is begun any more when so little is left of the invocation, ms. */
export const MARGIN_MS = 5000;

/** @param failed those that have to come again, in any order */
export function answerOf(
	failed: Iterable<DynamoDBRecord>,
): DynamoDBBatchResponse {
	return {
		batchItemFailures: [...failed].map((record) => ({
			// Of several, Lambda takes the lowest.
			itemIdentifier: record.dynamodb?.SequenceNumber ?? "",
		})),
	};
}
