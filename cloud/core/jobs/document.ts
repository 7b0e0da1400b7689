/** What a job's document has to be, on either cloud, before anybody is told of it. */
import { replaceFirmwarePlaceholders } from "../../../protocol/firmware-placeholders.ts";
import {
	judgeJobDocument,
	MAX_JOB_DOCUMENT_BYTES,
} from "../../../protocol/job-documents.ts";
import { parseFirmwarePath } from "../firmware-objects.ts";
import { JobError } from "./job.ts";

/**
 * @param isForeign whether it is for devices that are none of ours, and may say anything
 * @returns it as text
 * @throws JobError bad_job
 */
export function requireDocument(document: unknown, isForeign: boolean): string {
	const isObject =
		typeof document === "object" &&
		document !== null &&
		!Array.isArray(document);
	if (!isForeign || !isObject) {
		const verdict = judgeJobDocument(document);
		if ("refused" in verdict) {
			throw new JobError("bad_job", `${verdict.detail} (${verdict.refused})`);
		}
	}
	const text = JSON.stringify(document);
	const bytes = new TextEncoder().encode(text).length;
	if (bytes > MAX_JOB_DOCUMENT_BYTES) {
		throw new JobError(
			"bad_job",
			`A job's document has at most ${MAX_JOB_DOCUMENT_BYTES} bytes, not ${bytes}.`,
		);
	}
	replaceFirmwarePlaceholders(text, (path) => {
		if (parseFirmwarePath(path) === null) {
			throw new JobError(
				"bad_job",
				`"${path}" is no image: that is VERSION/BOARD/FILE.`,
			);
		}
		return "";
	});
	return text;
}
