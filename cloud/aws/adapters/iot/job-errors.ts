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

/** What AWS IoT has thrown, as the core knows it. */
export function jobErrorOf(
	what: string,
	error: Error,
	notFound: JobErrorCode,
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
	const hint =
		name === "IndexNotReadyException"
			? " Jobs for who matches need AWS IoT's index of things: `aws iot update-indexing-configuration --thing-indexing-configuration thingIndexingMode=REGISTRY`."
			: "";
	return new JobError(code, `AWS IoT did not ${what}: ${message}${hint}`, {
		cause: error,
	});
}
