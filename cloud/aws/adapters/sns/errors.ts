/** What an error of SNS means for a delivery. */
import type { SNSServiceException } from "@aws-sdk/client-sns";
import { oneLine } from "../../../core/alerts/message-text.ts";
import { failed, retry } from "../../../core/alerts/outcomes.ts";
import type { DeliveryOutcome } from "../../../core/alerts/ports.ts";

/**
 * What is wrong with the very request, and stays so. Whatever else SNS may say is for now: that it is busy or down, or that
 * this cloud may not, which whoever runs it can mend.
 * https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html and the errors of each operation
 */
const FINAL: ReadonlySet<string> = new Set([
	"EndpointDisabledException",
	"InvalidParameterException",
	"InvalidParameterValueException",
	"NotFoundException",
	"PlatformApplicationDisabledException",
	"SubscriptionLimitExceededException",
	"TopicLimitExceededException",
	"ValidationError",
	"ValidationException",
]);

export function snsOutcome(error: unknown): DeliveryOutcome {
	const { name, message } = error as SNSServiceException;
	const said = oneLine(message ?? "", 300).replace(/\.$/, "");
	if (isAborted(error)) return retry("SNS did not answer in time.");
	return FINAL.has(name)
		? failed(`SNS refused the message: ${said || name}.`)
		: retry(`SNS does not take the message now: ${said || name}.`);
}

export function isSnsError(error: unknown, name: string): boolean {
	return error instanceof Error && error.name === name;
}

function isAborted(error: unknown): boolean {
	return isSnsError(error, "AbortError") || isSnsError(error, "TimeoutError");
}
