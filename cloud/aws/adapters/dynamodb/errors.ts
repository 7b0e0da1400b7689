/** What may go wrong with DynamoDB, as a store tells of it. */
import {
	DynamoDBServiceException,
	type PutItemCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { StoreError } from "../../../core/ports.ts";

/**
 * Names of exceptions that say "less, please":
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const THROTTLED: ReadonlySet<string> = new Set([
	"ProvisionedThroughputExceededException",
	"RequestLimitExceeded",
	"Throttling",
	"ThrottlingException",
	"TooManyRequestsException",
]);

/** Names of exceptions that no repetition mends: what has to change is the deployment. */
const MISCONFIGURED: ReadonlySet<string> = new Set([
	"AccessDeniedException",
	"ExpiredTokenException",
	"IncompleteSignatureException",
	"InvalidSignatureException",
	"MissingAuthenticationTokenException",
	"ResourceNotFoundException",
	"UnrecognizedClientException",
]);

/** What the exception of a condition that was not met may carry, when it was asked for. */
export type ConditionFailed = DynamoDBServiceException & {
	readonly Item?: PutItemCommandOutput["Attributes"];
};

export function isConditionFailed(error: unknown): error is ConditionFailed {
	return (
		error instanceof DynamoDBServiceException &&
		error.name === "ConditionalCheckFailedException"
	);
}

/**
 * A failed request as a StoreError: "throttled", "misconfigured", "rejected" for what DynamoDB takes for a wrong request,
 * "unavailable" for everything else: answers of 5xx, time-outs, a network that is down. After "unavailable" it may have
 * been done all the same.
 */
export function toStoreError(error: unknown, table: string): StoreError {
	if (error instanceof StoreError) return error;
	const { name, message, status } = describe(error);
	const says = `DynamoDB's table ${table}`;
	if (THROTTLED.has(name)) {
		return new StoreError(
			"throttled",
			`${says} takes no more for the moment: ${message}`,
			{ cause: error },
		);
	}
	if (MISCONFIGURED.has(name)) {
		return new StoreError(
			"misconfigured",
			`${says} cannot be used, as who asks or what is there does not allow it: ${message}`,
			{ cause: error },
		);
	}
	if (status >= 400 && status < 500) {
		return new StoreError("rejected", `${says} refused it: ${message}`, {
			cause: error,
		});
	}
	return new StoreError("unavailable", `${says} did not answer: ${message}`, {
		cause: error,
	});
}

function describe(error: unknown): {
	readonly name: string;
	readonly message: string;
	readonly status: number;
} {
	if (!(error instanceof Error)) {
		return { name: "", message: String(error), status: 0 };
	}
	const status =
		error instanceof DynamoDBServiceException
			? (error.$metadata.httpStatusCode ?? 0)
			: 0;
	return { name: error.name, message: error.message, status };
}
