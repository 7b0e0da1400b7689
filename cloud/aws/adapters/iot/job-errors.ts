/** What AWS IoT refuses of jobs, in the core's words. */
import { JobError, type JobErrorCode } from "../../../core/jobs/job.ts";
import { StoreError } from "../../../core/ports.ts";

/** By the names of AWS's exceptions. */
const REFUSALS: Readonly<Record<string, JobErrorCode>> = {
	ResourceAlreadyExistsException: "job_exists",
	InvalidRequestException: "bad_job",
	InvalidStateTransitionException: "wrong_state",
	InvalidQueryException: "not_possible",
	IndexNotReadyException: "not_possible",
	LimitExceededException: "not_possible",
};

/**
 * What AWS IoT has thrown, as the core knows it.
 * @param notFound what it is that is not there
 * @param hints what people can do about it, by the names of AWS's exceptions
 */
export function jobErrorOf(
	what: string,
	error: Error,
	notFound: JobErrorCode,
	hints: Readonly<Record<string, string>> = {},
): JobError | StoreError {
	const { name, message } = error;
	const code = name === "ResourceNotFoundException" ? notFound : REFUSALS[name];
	if (code === undefined) {
		return new StoreError(
			name === "ThrottlingException" ? "throttled" : "unavailable",
			`AWS IoT did not ${what}: ${name}: ${message}`,
			{ cause: error },
		);
	}
	return new JobError(
		code,
		`AWS IoT did not ${what}: ${message}${hints[name] ?? ""}`,
		{ cause: error },
	);
}
