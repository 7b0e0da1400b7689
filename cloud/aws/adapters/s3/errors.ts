/** What S3 refuses, as the core knows it. */
import { S3ServiceException } from "@aws-sdk/client-s3";
import { StoreError } from "../../../core/ports.ts";

/** @throws StoreError "unavailable" */
export async function orStoreError<T>(answer: Promise<T>): Promise<T> {
	try {
		return await answer;
	} catch (error) {
		throw storeError(error);
	}
}

/** Of the answer; 0 where there was none. */
export function statusOf(error: unknown): number {
	return error instanceof S3ServiceException
		? (error.$metadata.httpStatusCode ?? 0)
		: 0;
}

export function storeError(cause: unknown): StoreError {
	const reason = cause instanceof Error ? cause.message : String(cause);
	return new StoreError(
		"unavailable",
		`The bucket of firmware did not do what it was asked: ${reason}`,
		{ cause },
	);
}
