/**
 * Answers what things ask about their jobs, and tells them of what is new:
 * https://docs.aws.amazon.com/iot/latest/developerguide/jobs-mqtt-api.html and …/jobs-comm-notifications.html
 */

import { replaceFirmwarePlaceholders } from "../../../protocol/firmware-placeholders.ts";
import {
	type FirmwareObjects,
	MAX_URL_TTL_S,
	parseFirmwarePath,
} from "../firmware-objects.ts";
import type { Clock, DeviceStore } from "../ports.ts";
import { readMembers } from "../request-members.ts";
import type {
	DeviceMessage,
	DeviceRequest,
	DeviceSender,
	ReservedService,
} from "../reserved-topics.ts";
import {
	type JobsOperation,
	JobsRequestError,
	parseJobsTopic,
	readBegin,
	readClientToken,
	readFlag,
	readUpdate,
	readWhole,
} from "./device-request.ts";
import { ExecutionRefusal } from "./execution.ts";
import type { Execution } from "./job.ts";
import type { Jobs, PendingChange } from "./jobs.ts";

/** "A list of no more than 10 pending job executions". */
const MAX_LISTED = 10;

type Answer = Readonly<Record<string, unknown>>;

export interface JobsServiceDeps {
	readonly jobs: Pick<
		Jobs,
		"pending" | "startNext" | "describe" | "update" | "documentOf" | "onPending"
	>;
	readonly things: Pick<DeviceStore, "get">;
	/** Signs the addresses of images. */
	readonly firmware: Pick<FirmwareObjects, "downloadUrl">;
	readonly sender: DeviceSender;
	readonly clock: Clock;
	/** Told when a thing could not be told: it asks when it connects. */
	readonly onError: (error: unknown) => void;
}

export class JobsService implements ReservedService {
	readonly #deps: JobsServiceDeps;
	#telling: Promise<void> = Promise.resolve();

	constructor(deps: JobsServiceDeps) {
		this.#deps = deps;
		deps.jobs.onPending = (changes) => this.#tell(changes);
	}

	answers(topic: string): boolean {
		return parseJobsTopic(topic) !== null;
	}

	/** Resolves when all that was to be told has been handed over. */
	told(): Promise<void> {
		return this.#telling;
	}

	async handle(request: DeviceRequest): Promise<readonly DeviceMessage[]> {
		const asked = parseJobsTopic(request.topic);
		if (asked === null || asked.thing !== request.thing) return [];
		let clientToken: string | undefined;
		const answer = (end: "accepted" | "rejected", document: Answer) => [
			messageOf(`${request.topic}/${end}`, {
				...document,
				timestamp: this.#nowS(),
				...(clientToken === undefined ? {} : { clientToken }),
			}),
		];
		try {
			if (asked.operation === null) {
				throw new JobsRequestError(
					"InvalidTopic",
					"There is no such operation of jobs.",
				);
			}
			const members = readMembers(
				request.payload,
				(code, message, options) =>
					new JobsRequestError(code, message, options),
			);
			clientToken = readClientToken(members);
			if ((await this.#deps.things.get(asked.thing)) === null) {
				throw new JobsRequestError(
					"ResourceNotFound",
					`There is no thing ${asked.thing}.`,
				);
			}
			return answer(
				"accepted",
				await this.#do(asked.thing, asked.operation, members),
			);
		} catch (error) {
			if (error instanceof JobsRequestError) {
				const { code, message } = error;
				return answer("rejected", { code, message });
			}
			if (error instanceof ExecutionRefusal) {
				return answer("rejected", refusalOf(error));
			}
			throw error;
		}
	}

	async #do(
		thing: string,
		operation: JobsOperation,
		members: Readonly<Record<string, unknown>>,
	): Promise<Answer> {
		const { jobs } = this.#deps;
		switch (operation.kind) {
			case "pending": {
				const pending = await jobs.pending(thing);
				const of = (status: Execution["status"]) =>
					pending.filter((one) => one.status === status).map(summaryOf);
				return {
					inProgressJobs: of("IN_PROGRESS"),
					queuedJobs: of("QUEUED"),
				};
			}
			case "start-next": {
				const begun = await jobs.startNext(thing, readBegin(members));
				if (begun === null) return {};
				return { execution: await this.#executionOf(begun, true) };
			}
			case "describe": {
				const withDocument = readFlag(members, "includeJobDocument", true);
				const found = await jobs.describe(
					thing,
					operation.jobId,
					readWhole(members, "executionNumber"),
				);
				if (found === null) return {};
				return { execution: await this.#executionOf(found, withDocument) };
			}
			case "update": {
				const withState = readFlag(members, "includeJobExecutionState", false);
				const withDocument = readFlag(members, "includeJobDocument", false);
				const updated = await jobs.update(
					thing,
					operation.jobId,
					readUpdate(members),
				);
				return {
					...(withState ? { executionState: stateOf(updated) } : {}),
					...(withDocument
						? { jobDocument: await this.#documentOf(updated) }
						: {}),
				};
			}
		}
	}

	async #executionOf(
		execution: Execution,
		withDocument: boolean,
	): Promise<Answer> {
		return {
			thingName: execution.thing,
			...dataOf(execution),
			...(withDocument
				? { jobDocument: await this.#documentOf(execution) }
				: {}),
		};
	}

	/** With addresses in the place of placeholders, which hold from now on. */
	async #documentOf({ jobId }: Execution): Promise<unknown> {
		const text = await this.#deps.jobs.documentOf(jobId);
		if (text === null) {
			throw new JobsRequestError("ResourceNotFound", "The job is not there.");
		}
		const urls = new Map<string, string>();
		replaceFirmwarePlaceholders(text, (path) => {
			urls.set(path, "");
			return "";
		});
		for (const path of urls.keys()) {
			const key = parseFirmwarePath(path);
			if (key === null) continue;
			urls.set(path, await this.#deps.firmware.downloadUrl(key, MAX_URL_TTL_S));
		}
		return JSON.parse(
			replaceFirmwarePlaceholders(text, (path) => urls.get(path) ?? ""),
		);
	}

	/** In the order in which it came to be. */
	#tell(changes: readonly PendingChange[]): void {
		if (changes.length === 0) return;
		const nowS = this.#nowS();
		this.#telling = this.#telling.then(async () => {
			for (const change of changes) {
				try {
					const messages = await this.#news(change, nowS);
					if (messages.length > 0) await this.#deps.sender.send(messages);
				} catch (error) {
					this.#deps.onError(error);
				}
			}
		});
	}

	async #news(
		{ thing, before, after }: PendingChange,
		timestamp: number,
	): Promise<readonly DeviceMessage[]> {
		const topic = `$aws/things/${thing}/jobs`;
		const messages: DeviceMessage[] = [];
		const names = (some: readonly Execution[]) =>
			some.map(nameOf).sort().join(" ");
		if (names(before) !== names(after)) {
			const jobs: Record<string, unknown[]> = {};
			for (const execution of after.slice(0, MAX_LISTED)) {
				const { status } = execution;
				jobs[status] = [...(jobs[status] ?? []), summaryOf(execution)];
			}
			messages.push(messageOf(`${topic}/notify`, { timestamp, jobs }));
		}
		const [next] = after;
		const isSame =
			(before[0] === undefined ? null : nameOf(before[0])) ===
			(next === undefined ? null : nameOf(next));
		if (!isSame) {
			messages.push(
				messageOf(`${topic}/notify-next`, {
					timestamp,
					...(next === undefined
						? {}
						: {
								execution: {
									...dataOf(next),
									jobDocument: await this.#documentOf(next),
								},
							}),
				}),
			);
		}
		return messages;
	}

	#nowS(): number {
		return seconds(this.#deps.clock.nowMs());
	}
}

/** Tells one attempt from another. */
function nameOf({ jobId, executionNumber }: Execution): string {
	return `${jobId}#${executionNumber}`;
}

function summaryOf(execution: Execution): Answer {
	const { jobId, queuedMs, startedMs, updatedMs } = execution;
	return {
		jobId,
		queuedAt: seconds(queuedMs),
		...(startedMs === null ? {} : { startedAt: seconds(startedMs) }),
		lastUpdatedAt: seconds(updatedMs),
		versionNumber: execution.versionNumber,
		executionNumber: execution.executionNumber,
	};
}

function dataOf(execution: Execution): Answer {
	const { status, statusDetails } = execution;
	const hasDetails = Object.keys(statusDetails).length > 0;
	return {
		...summaryOf(execution),
		status,
		...(hasDetails ? { statusDetails } : {}),
	};
}

function stateOf(execution: Execution): Answer {
	const { status, statusDetails, versionNumber } = execution;
	return { status, statusDetails, versionNumber };
}

function refusalOf({ code, message, execution }: ExecutionRefusal): Answer {
	const hasState =
		execution !== null &&
		(code === "InvalidStateTransition" || code === "VersionMismatch");
	return {
		code,
		message,
		...(hasState ? { executionState: stateOf(execution) } : {}),
	};
}

function seconds(ms: number): number {
	return Math.floor(ms / 1000);
}

function messageOf(topic: string, document: Answer): DeviceMessage {
	return { topic, payload: new TextEncoder().encode(JSON.stringify(document)) };
}
