/** What commands say of the stage that a job waits for. */
import type { JobRow } from "./job-rows.ts";

/**
 * @param mend what to do about a job that stands still: a sentence
 * @returns null where the job waits for no stage
 */
export function stageText(
	{ stage, where }: Pick<JobRow, "stage" | "where">,
	mend: string,
): string | null {
	if (stage === null || stage === undefined) return null;
	const { number, of, percent, told, succeeded, needed, going } = stage;
	const which = `stage ${number} of ${of} (${percent}%)`;
	const so = `of ${told} told, ${succeeded} ${have(succeeded)} succeeded, and ${needed}`;
	const then = "(80%) before more are told";
	if (!stage.stuck) {
		return `It waits for ${which}: ${so} ${have(needed)} to ${then}.`;
	}
	const rest =
		going === 0 ? "" : `; the ${going} that have not ended are too few`;
	const others =
		where === null
			? ""
			: " Only a change of the devices that match could free it.";
	return `It stands still for good at ${which}: ${so} would have to ${then}${rest}.${others} ${mend}`;
}

function have(count: number): string {
	return count === 1 ? "has" : "have";
}
