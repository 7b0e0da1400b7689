/** How far each device of a job is, as the API says it: with why it failed and what it waits for, on AWS as well. */
import type { ApiClient } from "./api-client.ts";
import { ApiProblem } from "./api-problem.ts";
import type { ExecutionRow } from "./job-rows.ts";
import { allPages } from "./pages.ts";

/** Where a list says no more than the status, so many devices are asked for by themselves. */
export const MAX_ASKED = 100;
const AT_ONCE = 5;
/** Those first that have most to say: what waits, waits for another job at best. */
const ASKED_FIRST = ["FAILED", "REJECTED", "TIMED_OUT", "IN_PROGRESS"];

/** The one reason that no device gives: it does another job first, which `waitsFor` names. */
export const WAITS_FOR = "waits_for";

/** What there is to say of an execution: the device's own words, else what it waits for. */
export function detailsOf({
	statusDetails,
	waitsFor,
}: Pick<ExecutionRow, "statusDetails" | "waitsFor">): Readonly<
	Record<string, string>
> {
	return {
		...(waitsFor === null ? {} : { reason: WAITS_FOR, job: waitsFor }),
		...statusDetails,
	};
}

/** Reads a job's executions again and again; what has not changed since is not asked for once more. */
export class ExecutionReader {
	readonly #api: Pick<ApiClient, "get">;
	readonly #jobId: string;
	readonly #known = new Map<string, ExecutionRow>();

	constructor(api: Pick<ApiClient, "get">, jobId: string) {
		this.#api = api;
		this.#jobId = jobId;
	}

	/**
	 * Of all devices; beyond `MAX_ASKED` of them what a list says, as from where the cloud does not get an answer any more: AWS IoT lets few
	 * be asked for in a second.
	 * @throws CommandError
	 */
	async read(): Promise<readonly ExecutionRow[]> {
		const path = `/v1/jobs/${this.#jobId}/executions`;
		const rows = [
			...(await allPages<ExecutionRow>(this.#api, path, "executions")),
		];
		const open = rows
			.map((row, at) => ({ row, at }))
			.filter(
				({ row }) => row.statusDetails === null && row.status !== "SUCCEEDED",
			)
			.sort((a, b) => rankOf(a.row) - rankOf(b.row))
			.slice(0, MAX_ASKED);
		let isAnswered = true;
		for (let from = 0; isAnswered && from < open.length; from += AT_ONCE) {
			await Promise.all(
				open.slice(from, from + AT_ONCE).map(async ({ row, at }) => {
					const whole = await this.#whole(row);
					if (whole === null) isAnswered = false;
					else rows[at] = whole;
				}),
			);
		}
		return rows;
	}

	/** @returns null where the cloud gets no answer just now */
	async #whole(row: ExecutionRow): Promise<ExecutionRow | null> {
		const { device, status, attempt, updated } = row;
		const known = this.#known.get(device);
		const isSame =
			known !== undefined &&
			status === known.status &&
			attempt === known.attempt &&
			updated === known.updated;
		if (isSame) return known;
		try {
			const response = await this.#api.get(
				`/v1/jobs/${this.#jobId}/executions/${encodeURIComponent(device)}`,
			);
			const whole = (await response.json()) as ExecutionRow;
			this.#known.set(device, whole);
			return whole;
		} catch (error) {
			// It has gone since it was listed, with its device: what the list said is all that there is.
			if (error instanceof ApiProblem && error.problem === "unknown_execution")
				return row;
			if (error instanceof ApiProblem && error.problem === "unavailable")
				return null;
			throw error;
		}
	}
}

function rankOf({ status }: ExecutionRow): number {
	const rank = ASKED_FIRST.indexOf(status);
	return rank < 0 ? ASKED_FIRST.length : rank;
}
