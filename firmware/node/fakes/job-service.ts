/**
 * AWS IoT Jobs for one thing, as its documents say (https://docs.aws.amazon.com/iot/latest/developerguide/jobs-mqtt-api.html), over a
 * fake network.
 */
import type { FakeMessage, FakeNetwork } from "./network.ts";

interface Execution {
	readonly jobId: string;
	readonly executionNumber: number;
	readonly jobDocument: unknown;
	status: string;
	statusDetails: Record<string, string>;
	versionNumber: number;
}

const TERMINAL = ["SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "CANCELED"];

export class FakeJobs {
	readonly executions: Execution[] = [];
	/** For each answer to the node, in turn: whether it is lost. */
	losesAnswer: () => boolean = () => false;
	/** Requests are rejected with this in place of being done. */
	rejectWith: string | null = null;
	/** Statuses that were accepted, with their details' reasons, in order. */
	readonly told: string[] = [];
	network: FakeNetwork;
	readonly #topic: string;

	constructor(network: FakeNetwork, thing = "node-1") {
		this.network = network;
		this.#topic = `$aws/things/${thing}/jobs/`;
	}

	/** A job is made for the thing, which is told where it is the next. */
	make(jobId: string, jobDocument: unknown): Execution {
		const execution = {
			jobId,
			executionNumber: 1,
			jobDocument,
			status: "QUEUED",
			statusDetails: {},
			versionNumber: 1,
		};
		this.executions.push(execution);
		if (this.#next() === execution) this.#notify();
		return execution;
	}

	cancel(jobId: string): void {
		const execution = this.#find(jobId);
		if (execution === undefined) throw new Error(`There is no job ${jobId}.`);
		execution.status = "CANCELED";
		execution.versionNumber++;
		this.#notify();
	}

	/** @returns whether the message was for this service */
	readonly take = ({ topic, payload }: FakeMessage): boolean => {
		if (!topic.startsWith(this.#topic)) return false;
		const request = JSON.parse(Buffer.from(payload).toString());
		const what = topic.slice(this.#topic.length);
		if (this.rejectWith !== null) this.#reject(what, this.rejectWith, request);
		else if (what === "start-next") this.#startNext(request);
		else if (what === "$next/get") {
			const { jobDocument, ...execution } = this.#next() ?? {};
			this.#answer(`${what}/accepted`, request, { execution });
		} else if (what.endsWith("/update"))
			this.#update(what, what.slice(0, -"/update".length), request);
		else throw new Error(`Nothing may be published to ${topic}.`);
		return true;
	};

	#startNext(request: { clientToken?: string }): void {
		const execution = this.#next();
		if (execution?.status === "QUEUED") {
			execution.status = "IN_PROGRESS";
			execution.versionNumber++;
		}
		this.#answer("start-next/accepted", request, { execution });
	}

	#update(
		what: string,
		jobId: string,
		request: {
			status: string;
			statusDetails: Record<string, string>;
			expectedVersion?: number;
			executionNumber?: number;
			clientToken?: string;
		},
	): void {
		const execution = this.#find(jobId);
		if (execution === undefined) {
			this.#reject(what, "ResourceNotFound", request);
			return;
		}
		const { status, versionNumber, statusDetails } = execution;
		const executionState = { status, versionNumber, statusDetails };
		if (TERMINAL.includes(status))
			this.#reject(what, "TerminalStateReached", request, executionState);
		else if (
			request.expectedVersion !== undefined &&
			request.expectedVersion !== versionNumber
		)
			this.#reject(what, "VersionMismatch", request, executionState);
		else {
			execution.status = request.status;
			execution.statusDetails = request.statusDetails;
			execution.versionNumber++;
			const { reason, step } = request.statusDetails;
			this.told.push([jobId, request.status, reason ?? step].join(" ").trim());
			this.#answer(`${what}/accepted`, request, {
				executionState: {
					status: execution.status,
					versionNumber: execution.versionNumber,
				},
			});
			if (TERMINAL.includes(execution.status)) this.#notify();
		}
	}

	#next(): Execution | undefined {
		const waits = ({ status }: Execution) => !TERMINAL.includes(status);
		return (
			this.executions.find(({ status }) => status === "IN_PROGRESS") ??
			this.executions.find(waits)
		);
	}

	#find(jobId: string): Execution | undefined {
		return this.executions.find((execution) => execution.jobId === jobId);
	}

	#notify(): void {
		const execution = this.#next();
		this.network.send(
			`${this.#topic}notify-next`,
			JSON.stringify({ timestamp: 1, execution }),
		);
	}

	#reject(
		what: string,
		code: string,
		request: { clientToken?: string },
		executionState?: object,
	): void {
		this.#answer(`${what}/rejected`, request, {
			code,
			message: "no",
			executionState,
		});
	}

	#answer(
		what: string,
		{ clientToken }: { clientToken?: string },
		document: object,
	): void {
		if (this.losesAnswer()) return;
		this.network.send(
			this.#topic + what,
			JSON.stringify({ ...document, clientToken, timestamp: 1 }),
		);
	}
}
