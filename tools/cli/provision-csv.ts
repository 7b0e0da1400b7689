/** `thinghz provision --csv FILE`: thousands of things, with progress; cut off and run again, it goes on. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { FleetCsvError, parseFleetCsv } from "../identity/fleet-csv.ts";
import { provisionList } from "../identity/provision-list.ts";
import { CommandError, UsageError } from "./errors.ts";
import { printJson, printMessage, showControls } from "./output.ts";
import type { ProvisioningPlace } from "./provision.ts";

/** How often it says how far it is. */
const PROGRESS_EVERY = 500;
/** Of requests, so many are written with one commit; keys take a processor each. */
const REQUESTS_AT_ONCE = 64;

/** @throws UsageError for a list that is not as it should be: nothing has been done then */
export async function provisionCsv(
	path: string,
	{ registry, dir, endpoint, isRemote }: ProvisioningPlace,
	options: { readonly json?: boolean },
): Promise<void> {
	const rows = readList(path);
	const allHaveRequests = rows.every(({ csr }) => csr !== null);
	const atOnce = isRemote
		? 4
		: allHaveRequests
			? REQUESTS_AT_ONCE
			: Math.max(2, cpus().length);
	let done = 0;
	let issued = 0;
	let failed = 0;
	await provisionList(registry, dir, rows, endpoint, atOnce, (outcome) => {
		done++;
		if ("error" in outcome) failed++;
		else if (outcome.issued) issued++;
		if (options.json) printJson(outcome);
		else if ("error" in outcome) {
			printMessage(showControls(`${outcome.thing}: ${outcome.error}`));
		}
		if (done % PROGRESS_EVERY === 0) {
			printMessage(`Provisioned ${done} of ${rows.length} things.`);
		}
	});
	printMessage(
		`${issued} of ${rows.length} things have a new certificate, ${rows.length - issued - failed} had one that serves; their files are in ${dir}/things.`,
	);
	if (failed > 0) {
		throw new CommandError(
			`${failed} of ${rows.length} things were not provisioned. Mend the list and run it again: the others are passed over.`,
		);
	}
}

function readList(path: string): ReturnType<typeof parseFleetCsv> {
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
		return parseFleetCsv(text);
	} catch (cause) {
		if (!(cause instanceof FleetCsvError)) throw cause;
		throw new UsageError(`--csv: ${path}: ${cause.message}`, { cause });
	}
}
