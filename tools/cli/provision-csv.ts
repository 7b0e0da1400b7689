/** `thinghz provision --csv FILE`: thousands of things, with progress; cut off and run again, it goes on. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import {
	FleetCsvError,
	type FleetRow,
	parseFleetCsv,
} from "../identity/fleet-csv.ts";
import { provisionList, type RowOutcome } from "../identity/provision-list.ts";
import { CommandError, UsageError } from "./errors.ts";
import { printJson, printMessage, showControls } from "./output.ts";
import { Progress, type ProgressTime, SYSTEM_TIME } from "./progress.ts";
import { type ProvisioningPlace, stillInForce } from "./provision.ts";

/** Of requests, so many are written with one commit; keys take a processor each, and one thing more has its files written meanwhile. */
const REQUESTS_AT_ONCE = 64;
/** AWS IoT takes some ten requests of a kind a second, and a thing needs up to ten. */
const REMOTE_AT_ONCE = 4;

export async function provisionCsv(
	rows: readonly FleetRow[],
	{ registry, dir, endpoint, isRemote }: ProvisioningPlace,
	options: { readonly json?: boolean; readonly renew?: boolean },
	time: ProgressTime = SYSTEM_TIME,
): Promise<void> {
	const allHaveRequests = rows.every(({ csr }) => csr !== null);
	const counts = { issued: 0, left: 0, failed: 0 };
	const progress = new Progress("things", rows.length, time, printMessage);
	const tell = (outcome: RowOutcome) => {
		progress.note();
		if ("error" in outcome) counts.failed++;
		else if (!("certificateId" in outcome)) counts.left++;
		else if (outcome.issued) counts.issued++;
		if (options.json) printJson(outcome);
		else if ("error" in outcome) {
			printMessage(showControls(`${outcome.thing}: ${outcome.error}`));
		} else if ("certificateId" in outcome && outcome.inForce !== undefined) {
			printMessage(stillInForce({ ...outcome, others: outcome.inForce }));
		}
	};
	try {
		await provisionList(registry, dir, rows, endpoint, {
			atOnce: isRemote
				? REMOTE_AT_ONCE
				: allHaveRequests
					? REQUESTS_AT_ONCE
					: cpus().length + 1,
			renew: options.renew === true,
			onOutcome: tell,
		});
	} finally {
		progress.stop();
	}
	const { issued, left, failed } = counts;
	printMessage(
		`${issued} of ${rows.length} things have a new certificate, ${rows.length - issued - left - failed} had one that serves; their files are in ${dir}/things.`,
	);
	if (left > 0) {
		printMessage(
			`${left} have a certificate in force whose key is not in their files, as after a rotation: nothing was made for them. The list with --renew makes another for each of these, and for no other; what is in force stays so, and is named.`,
		);
	}
	if (failed > 0) {
		throw new CommandError(
			`${failed} of ${rows.length} things were not provisioned. Mend what is said of them and run the list again: the others are passed over.`,
		);
	}
}

/** @throws UsageError for a list that is not as it should be */
export function readList(path: string): readonly FleetRow[] {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (cause) {
		throw new UsageError(
			`--csv: ${path} cannot be read: ${(cause as Error).message}`,
			{ cause },
		);
	}
	try {
		const rows = parseFleetCsv(text);
		if (rows.length > 0) return rows;
		throw new FleetCsvError("There is no thing in it.");
	} catch (cause) {
		if (!(cause instanceof FleetCsvError)) throw cause;
		throw new UsageError(`--csv: ${path}: ${cause.message}`, { cause });
	}
}
