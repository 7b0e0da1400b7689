/**
 * Carries jobs out, where the cloud itself does what AWS IoT Jobs does elsewhere: who is told of a job and when, what state
 * its executions are in, and when they and it end. It knows no topics: `device-service.ts` speaks to devices, and the API to
 * people. https://docs.aws.amazon.com/iot/latest/developerguide/iot-jobs-lifecycle.html
 */
import type { Clock } from "../ports.ts";
import type { Timers } from "../rollups.ts";
import { Book, countsOf, type OpenJob } from "./book.ts";
import {
	closed,
	deadlineOf,
	ExecutionRefusal,
	type ExecutionUpdate,
	fresh,
	hasRetryLeft,
	isNumber,
	requireVersion,
	settledAs,
	updated,
} from "./execution.ts";
import {
	type Execution,
	type Job,
	JobError,
	type JobSettings,
	requireSettings,
} from "./job.ts";
import { MAX_LATEST } from "./latest.ts";
import { formatListPlace, isAfter, parseListPlace } from "./list-place.ts";
import type {
	DeviceJob,
	DeviceJobs,
	ExecutionView,
	Fleet,
	JobControl,
	JobPage,
	JobStore,
	JobSummary,
	JobView,
} from "./ports.ts";
import { type FleetDevice, matches, parseQuery, type Term } from "./query.ts";
import {
	allowance,
	metCriterion,
	provenTold,
	type Reach,
	recent,
	STEP_MS,
	type StageWait,
	stageReachOf,
	stageWait,
} from "./rollout.ts";
import { type ExecutionStatus, isTerminal } from "./statuses.ts";

/** How often devices are looked at for who matches a query, and who is there no more, ms. */
export const FLEET_EVERY_MS = 10_000;
/** After a failure in the background, ms. */
const RETRY_MS = 1000;

/** What of a thing has not ended, before and after a change. */
export interface PendingChange {
	readonly thing: string;
	readonly before: readonly Execution[];
	readonly after: readonly Execution[];
}

export interface JobsDeps {
	readonly store: JobStore;
	readonly fleet: Fleet;
	readonly clock: Clock;
	readonly timers: Timers;
	/** Told of what fails in the background; it is tried again. */
	readonly onError: (error: unknown) => void;
}

interface Waiting {
	readonly body: (nowMs: number) => unknown;
	resolve(value: unknown): void;
	reject(error: unknown): void;
}

export class Jobs implements JobControl, DeviceJobs {
	readonly #deps: JobsDeps;
	readonly #book = new Book();
	/** Queries of jobs that have one, parsed. */
	readonly #terms = new Map<string, readonly Term[]>();
	readonly #waiting: Waiting[] = [];
	#working: Promise<void> | null = null;
	#loading: Promise<void> | null = null;
	#ticking: Promise<void> = Promise.resolve();
	#fleet: readonly FleetDevice[] = [];
	#fleetMs = Number.NEGATIVE_INFINITY;
	#isFleetStale = true;
	#cancelTimer: (() => void) | null = null;
	#timerMs = Number.POSITIVE_INFINITY;
	/** After a failure of the store: what is due waits for it. */
	#notBeforeMs = Number.NEGATIVE_INFINITY;
	#isRunning = false;

	/** Called after a commit with the things whose pending executions have changed. */
	onPending: (changes: readonly PendingChange[]) => void = () => undefined;

	constructor(deps: JobsDeps) {
		this.#deps = deps;
	}

	/** Goes on with what the store has. @throws StoreError */
	async start(): Promise<void> {
		await this.#load();
		this.#isRunning = true;
		this.#wakeAt(this.#deps.clock.nowMs());
	}

	/** Once, before anything else; also where nothing is to go on in the background. @throws StoreError */
	async #load(): Promise<void> {
		this.#loading ??= this.#takeUp();
		try {
			await this.#loading;
		} catch (error) {
			this.#loading = null;
			throw error;
		}
	}

	async #takeUp(): Promise<void> {
		const { store } = this.#deps;
		const [jobs, pending, lastOrder] = await Promise.all([
			store.jobs(),
			store.pending(),
			store.lastOrder(),
		]);
		const withPending = new Set(pending.map(({ jobId }) => jobId));
		for (const job of jobs) {
			if (job.status !== "IN_PROGRESS" && !withPending.has(job.jobId)) continue;
			this.#book.open(job, await this.#allExecutions(job.jobId));
		}
		this.#book.skipTo(lastOrder);
	}

	/** Resolves when nothing goes on in the background any more. */
	async stop(): Promise<void> {
		this.#isRunning = false;
		this.#cancelTimer?.();
		this.#cancelTimer = null;
		await this.#ticking;
		while (this.#working !== null) await this.#working;
	}

	/** Devices, their tags or firmware have changed: who matches is looked at again soon. */
	fleetChanged(): void {
		this.#isFleetStale = true;
		if (this.#book.jobs.size > 0) {
			this.#wakeAt(this.#deps.clock.nowMs() + STEP_MS);
		}
	}

	async create(settings: JobSettings): Promise<JobView> {
		requireSettings(settings);
		const terms =
			"where" in settings.targets ? parseQuery(settings.targets.where) : null;
		if ((await this.#deps.store.job(settings.jobId)) !== null) {
			throw exists(settings.jobId);
		}
		await this.#readFleet();
		if ("things" in settings.targets) {
			const known = new Set(this.#fleet.map(({ name }) => name));
			const unknown = settings.targets.things.find((name) => !known.has(name));
			if (unknown !== undefined) {
				throw new JobError(
					"unknown_target",
					`There is no device named ${unknown}.`,
				);
			}
		}
		return this.#run((nowMs) => {
			if (this.#book.jobs.has(settings.jobId)) throw exists(settings.jobId);
			const job: Job = {
				...settings,
				status: "IN_PROGRESS",
				reason: null,
				createdMs: nowMs,
				updatedMs: nowMs,
				endedMs: null,
				dispatches: [],
			};
			this.#book.putJob(job);
			if (terms !== null) this.#terms.set(job.jobId, terms);
			const open = this.#open(job.jobId);
			this.#rollOut(open, nowMs);
			return this.#jobViewOf(open);
		});
	}

	/** @throws InvalidQuery "bad_cursor" */
	async list(limit: number, cursor?: string): Promise<JobPage<JobSummary>> {
		const jobs = await this.#deps.store.jobs();
		// Not by where the last one of the page before stands: it may have been deleted.
		const after = cursor === undefined ? null : parseListPlace(cursor);
		const left =
			after === null ? jobs : jobs.filter((job) => isAfter(job, after));
		const page = left.slice(0, limit);
		const last = page.at(-1);
		const isMore = page.length < left.length && last !== undefined;
		return { items: page, next: isMore ? formatListPlace(last) : null };
	}

	async show(jobId: string): Promise<JobView> {
		const { store } = this.#deps;
		const [job, counts] = await Promise.all([
			store.job(jobId),
			store.counts(jobId),
		]);
		if (job === null) throw unknownJob(jobId);
		if (job.status === "IN_PROGRESS" && job.rollout?.stages !== undefined) {
			const staged = await this.#showStaged(jobId);
			if (staged !== null) return staged;
		}
		return { ...job, counts, stage: null };
	}

	/** A job that goes on in stages, whose stage is one of the devices that there are. @returns null where it has ended meanwhile */
	async #showStaged(jobId: string): Promise<JobView | null> {
		// Not kept: who has left is taken out when the fleet is read in the background, which must not be put off by who only looks.
		const fleet = this.#needsFleet()
			? await this.#deps.fleet.list()
			: this.#fleet;
		return this.#run(() => {
			const open = this.#book.jobs.get(jobId);
			return open === undefined ? null : this.#jobViewOf(open, fleet);
		});
	}

	#jobViewOf(open: OpenJob, fleet = this.#fleet): JobView {
		return {
			...open.job,
			counts: countsOf(open),
			stage: this.#stageOf(open, fleet),
		};
	}

	#stageOf(open: OpenJob, fleet: readonly FleetDevice[]): StageWait | null {
		const { job, counts } = open;
		if (job.status !== "IN_PROGRESS" || job.rollout?.stages === undefined) {
			return null;
		}
		const reach = {
			...reachOf(open, this.#candidates(open, fleet)),
			going: counts.QUEUED + counts.IN_PROGRESS,
		};
		return stageWait(job.rollout.stages, reach, job.provenTold ?? 0);
	}

	async executions(
		jobId: string,
		options: {
			readonly limit: number;
			readonly cursor?: string;
			readonly status?: ExecutionStatus;
		},
	): Promise<JobPage<ExecutionView>> {
		const { cursor, ...rest } = options;
		const { store } = this.#deps;
		await this.#load();
		if ((await store.job(jobId)) === null) throw unknownJob(jobId);
		const page = await store.executions(jobId, {
			...rest,
			...(cursor === undefined ? {} : { after: cursor }),
		});
		return {
			items: page.executions.map((one) => this.#viewOf(one)),
			next: page.next,
		};
	}

	async execution(jobId: string, thing: string): Promise<ExecutionView> {
		const { store } = this.#deps;
		await this.#load();
		if ((await store.job(jobId)) === null) throw unknownJob(jobId);
		const execution = await store.execution(jobId, thing);
		if (execution === null) {
			throw new JobError(
				"unknown_execution",
				`${thing} has not been told of the job ${jobId}.`,
			);
		}
		return this.#viewOf(execution);
	}

	#viewOf(execution: Execution): ExecutionView {
		return { ...execution, waitsFor: this.#waitsFor(execution) };
	}

	/** What a device has to do before it. */
	#waitsFor({ jobId, thing, status }: Execution): string | null {
		if (status !== "QUEUED") return null;
		const queue = this.#book.pendingOf(thing);
		const at = queue.findIndex((one) => one.jobId === jobId);
		return queue[at - 1]?.jobId ?? null;
	}

	async cancel(jobId: string, force: boolean): Promise<JobView> {
		const isOpen = await this.#run((nowMs) => {
			const open = this.#book.jobs.get(jobId);
			if (open === undefined || open.job.status !== "IN_PROGRESS") return false;
			this.#cancel(open, "canceled", force, nowMs);
			return true;
		});
		const view = await this.show(jobId);
		if (!isOpen) {
			throw new JobError("wrong_state", `The job is ${view.status} already.`);
		}
		return view;
	}

	async delete(jobId: string, force: boolean): Promise<void> {
		if ((await this.#deps.store.job(jobId)) === null) throw unknownJob(jobId);
		await this.#run(() => {
			const open = this.#book.jobs.get(jobId);
			if (open !== undefined && !force) {
				throw new JobError(
					"wrong_state",
					"The job, or its execution on some thing, goes on: it is deleted by force only.",
				);
			}
			this.#book.deleteJob(jobId);
			this.#terms.delete(jobId);
		});
	}

	async get(device: string): Promise<readonly DeviceJob[] | null> {
		await this.#load();
		const executions = await this.#deps.store.ofThing(device, MAX_LATEST);
		if (executions.length === 0) {
			await this.#readFleet();
			if (!this.#fleet.some(({ name }) => name === device)) return null;
		}
		return executions.map((execution) => ({
			jobId: execution.jobId,
			status: execution.status,
			statusDetails: execution.statusDetails,
			atMs: execution.updatedMs,
			deleted: false,
			waitsFor: this.#waitsFor(execution),
		}));
	}

	/** A thing's executions that have not ended, those in progress first. @throws StoreError */
	pending(thing: string): Promise<readonly Execution[]> {
		return this.#run((nowMs) => {
			this.#expireOf(thing, nowMs);
			return this.#book.pendingOf(thing);
		});
	}

	/**
	 * The next execution, begun if it was not.
	 * @returns null when there is none
	 * @throws StoreError
	 */
	startNext(
		thing: string,
		begin: Pick<ExecutionUpdate, "statusDetails" | "stepTimeoutMinutes">,
	): Promise<Execution | null> {
		return this.#run((nowMs) => {
			this.#expireOf(thing, nowMs);
			const [next] = this.#book.pendingOf(thing);
			if (next === undefined) return null;
			const { statusDetails, stepTimeoutMinutes } = begin;
			if (next.status === "IN_PROGRESS") {
				if (stepTimeoutMinutes === undefined) return next;
				return this.#change(
					next,
					{ status: "IN_PROGRESS", stepTimeoutMinutes },
					nowMs,
				);
			}
			return this.#change(
				next,
				{
					status: "IN_PROGRESS",
					...(statusDetails === undefined ? {} : { statusDetails }),
					...(stepTimeoutMinutes === undefined ? {} : { stepTimeoutMinutes }),
				},
				nowMs,
			);
		});
	}

	/**
	 * @param jobId null for the next
	 * @returns null when the next is asked for and there is none
	 * @throws ExecutionRefusal, StoreError
	 */
	async describe(
		thing: string,
		jobId: string | null,
		executionNumber?: number,
	): Promise<Execution | null> {
		const found = await this.#run((nowMs) => {
			this.#expireOf(thing, nowMs);
			return jobId === null
				? (this.#book.pendingOf(thing)[0] ?? null)
				: this.#book.pendingExecution(thing, jobId);
		});
		if (found === null && jobId === null) return null;
		if (found === null || !isNumber(found, executionNumber)) {
			return this.#refuse(
				thing,
				jobId ?? "$next",
				executionNumber,
				"TerminalStateReached",
			);
		}
		return found;
	}

	/** @throws ExecutionRefusal, StoreError */
	async update(
		thing: string,
		jobId: string,
		update: ExecutionUpdate,
	): Promise<Execution> {
		const changed = await this.#run((nowMs) => {
			this.#expireOf(thing, nowMs);
			const execution = this.#book.pendingExecution(thing, jobId);
			if (execution === null || !isNumber(execution, update.executionNumber)) {
				return null;
			}
			requireVersion(execution, update.expectedVersion);
			return this.#change(execution, update, nowMs);
		});
		if (changed !== null) return changed;
		return this.#refuse(
			thing,
			jobId,
			update.executionNumber,
			"InvalidStateTransition",
			update.expectedVersion,
		);
	}

	/** A job's document; null for one that has been deleted meanwhile. @throws StoreError */
	async documentOf(jobId: string): Promise<string | null> {
		const open = this.#book.jobs.get(jobId);
		if (open !== undefined) return open.job.document;
		return (await this.#deps.store.job(jobId))?.document ?? null;
	}

	/** Of what is not pending: it has ended, or there is none. @throws ExecutionRefusal, always, or StoreError */
	async #refuse(
		thing: string,
		jobId: string,
		executionNumber: number | undefined,
		code: "TerminalStateReached" | "InvalidStateTransition",
		expectedVersion?: number,
	): Promise<never> {
		const ended = await this.#deps.store.execution(jobId, thing);
		if (ended === null || !isNumber(ended, executionNumber)) {
			throw new ExecutionRefusal(
				"ResourceNotFound",
				`There is no execution of the job ${jobId} on ${thing}.`,
				null,
			);
		}
		requireVersion(ended, expectedVersion);
		throw new ExecutionRefusal(
			code,
			`The execution of the job ${jobId} on ${thing} is ${ended.status}.`,
			ended,
		);
	}

	/** What a device has said, which is legal of what has not ended. */
	#change(
		before: Execution,
		update: ExecutionUpdate,
		nowMs: number,
	): Execution {
		const open = this.#open(before.jobId);
		const after = updated(before, update, open.job, nowMs);
		if (!isTerminal(after.status)) {
			this.#book.putExecution(after);
			return after;
		}
		return this.#end(open, after, nowMs);
	}

	/** An attempt has ended as its status says: it is made anew, or the execution has ended, and maybe the job. */
	#end(open: OpenJob, ended: Execution, nowMs: number): Execution {
		const { status } = ended;
		const settled = settledAs(ended);
		this.#book.putExecution(settled);
		if (this.#abortIfMet(open, nowMs)) return settled;
		const mayRetry =
			open.job.status === "IN_PROGRESS" &&
			(status === "FAILED" || status === "TIMED_OUT") &&
			hasRetryLeft(open.job, settled, status);
		if (mayRetry) {
			this.#book.putExecution({
				...settled,
				...fresh(this.#book.nextOrder(), nowMs),
				executionNumber: settled.executionNumber + 1,
				retried: {
					...settled.retried,
					[status]: settled.retried[status] + 1,
				},
			});
		} else this.#completeIfDone(open, nowMs);
		return settled;
	}

	/** @returns whether it was */
	#abortIfMet(open: OpenJob, nowMs: number): boolean {
		const { job, members, counts, failures } = open;
		if (job.status !== "IN_PROGRESS") return false;
		const reach = { notified: members.size, removed: counts.REMOVED };
		if (metCriterion(job.abort, reach, failures) === null) return false;
		this.#cancel(open, "aborted", false, nowMs);
		return true;
	}

	#cancel(
		open: OpenJob,
		reason: "canceled" | "aborted",
		force: boolean,
		nowMs: number,
	): void {
		const { jobId } = open.job;
		this.#book.putJob({
			...open.job,
			status: "CANCELED",
			reason,
			updatedMs: nowMs,
			endedMs: nowMs,
			dispatches: [],
		});
		this.#terms.delete(jobId);
		for (const execution of [...this.#book.pendingOfJob(jobId)]) {
			if (execution.status === "IN_PROGRESS" && !force) continue;
			this.#book.putExecution(closed(execution, "CANCELED", nowMs));
		}
	}

	/** A job that names its things has been done when all of them have ended. */
	#completeIfDone(open: OpenJob, nowMs: number): void {
		const { job, counts, members } = open;
		if (job.status !== "IN_PROGRESS" || !("things" in job.targets)) return;
		if (counts.QUEUED + counts.IN_PROGRESS > 0) return;
		// Who is named and not known may be there all the same: it is known within a second.
		const areAllTold = members.size >= job.targets.things.length;
		if (!areAllTold && this.#isFleetStale) return;
		if (this.#candidates(open).length > 0) return;
		this.#book.putJob({
			...job,
			status: "COMPLETED",
			updatedMs: nowMs,
			endedMs: nowMs,
			dispatches: [],
		});
	}

	/** Who is to be told of the job and has not been, or has been taken out of it and belongs to it again. */
	#candidates(
		{ job, members }: OpenJob,
		fleet = this.#fleet,
	): readonly string[] {
		const isUntold = (thing: string): boolean => {
			const member = members.get(thing);
			return member === undefined || member.status === "REMOVED";
		};
		if ("where" in job.targets) {
			const terms = this.#termsOf(job);
			return fleet
				.filter((device) => isUntold(device.name) && matches(terms, device))
				.map(({ name }) => name);
		}
		if (members.size >= job.targets.things.length) return [];
		const known = new Set(fleet.map(({ name }) => name));
		return job.targets.things.filter(
			(thing) => !members.has(thing) && known.has(thing),
		);
	}

	#termsOf(job: Job): readonly Term[] {
		const known = this.#terms.get(job.jobId);
		if (known !== undefined) return known;
		const terms = "where" in job.targets ? parseQuery(job.targets.where) : [];
		this.#terms.set(job.jobId, terms);
		return terms;
	}

	/** What has been proven of its stages stays so, whoever comes or goes. @returns the job as it is then */
	#noteProven(job: Job, reach: Reach): Job {
		const { provenTold: before = 0, rollout } = job;
		if (rollout?.stages === undefined) return job;
		const proven = provenTold(rollout.stages, stageReachOf(reach, before));
		if (proven === before) return job;
		const noted = { ...job, provenTold: proven };
		this.#book.putJob(noted);
		return noted;
	}

	/** Tells as many of those who are to be told as may be now. */
	#rollOut(open: OpenJob, nowMs: number): void {
		const { members } = open;
		if (open.job.status !== "IN_PROGRESS") return;
		const candidates = this.#candidates(open);
		const reach = reachOf(open, candidates);
		const job = this.#noteProven(open.job, reach);
		const told = candidates.slice(0, allowance(job, nowMs, reach));
		for (const thing of told) {
			this.#book.putExecution({
				...fresh(this.#book.nextOrder(), nowMs),
				jobId: job.jobId,
				thing,
				executionNumber: (members.get(thing)?.executionNumber ?? 0) + 1,
				failure: null,
				retried: { FAILED: 0, TIMED_OUT: 0 },
			});
		}
		if (told.length > 0 && job.rollout !== null) {
			this.#book.putJob({
				...job,
				dispatches: [...recent(job.dispatches, nowMs), [nowMs, told.length]],
			});
		}
		if (candidates.length === 0) this.#completeIfDone(open, nowMs);
		// A criterion may ask for a number of things that has just been reached.
		this.#abortIfMet(open, nowMs);
	}

	/** Takes out who is not there any more, or, before it has begun, no longer belongs to the job. */
	#takeOut(nowMs: number): void {
		const known = new Map(this.#fleet.map((device) => [device.name, device]));
		for (const execution of [...this.#book.allPending()]) {
			const open = this.#open(execution.jobId);
			const device = known.get(execution.thing);
			const reason =
				device === undefined
					? "thing_deleted"
					: execution.status === "QUEUED" &&
							"where" in open.job.targets &&
							!matches(this.#termsOf(open.job), device)
						? "no_target"
						: null;
			if (reason === null) continue;
			this.#book.putExecution({
				...closed(execution, "REMOVED", nowMs),
				statusDetails: { ...execution.statusDetails, reason },
			});
			this.#completeIfDone(open, nowMs);
		}
	}

	#expireOf(thing: string, nowMs: number): void {
		for (const execution of this.#book.pendingOf(thing)) {
			this.#expire(execution, nowMs);
		}
	}

	#expire(execution: Execution, nowMs: number): void {
		if (execution.status !== "IN_PROGRESS" || deadlineOf(execution) > nowMs) {
			return;
		}
		this.#end(
			this.#open(execution.jobId),
			{
				...execution,
				status: "TIMED_OUT",
				versionNumber: execution.versionNumber + 1,
				updatedMs: nowMs,
			},
			nowMs,
		);
	}

	#open(jobId: string): OpenJob {
		const open = this.#book.jobs.get(jobId);
		if (open === undefined) throw new Error(`The job ${jobId} is not open.`);
		return open;
	}

	/**
	 * Does something with the book, by itself. Resolves when what it changed is durable; whatever waits meanwhile is committed
	 * together afterwards. A body that throws must not have changed anything.
	 */
	async #run<T>(body: (nowMs: number) => T): Promise<T> {
		await this.#load();
		return new Promise<T>((resolve, reject) => {
			this.#waiting.push({
				body,
				resolve: resolve as (value: unknown) => void,
				reject,
			});
			this.#working ??= this.#work();
		});
	}

	async #work(): Promise<void> {
		// Whoever asks in this very turn is done with in the same commit.
		await Promise.resolve();
		while (this.#waiting.length > 0) await this.#workThrough();
		this.#working = null;
		this.#schedule();
	}

	async #workThrough(): Promise<void> {
		const batch = this.#waiting.splice(0);
		const nowMs = this.#deps.clock.nowMs();
		const done: (() => void)[] = [];
		const refused: (() => void)[] = [];
		for (const { body, resolve, reject } of batch) {
			try {
				const value = body(nowMs);
				done.push(() => resolve(value));
			} catch (error) {
				refused.push(() => reject(error));
			}
		}
		const change = this.#book.change();
		if (change !== null) {
			try {
				await this.#deps.store.commit(change);
			} catch (error) {
				this.#book.revert();
				this.#notBeforeMs = nowMs + RETRY_MS;
				for (const { reject } of batch) reject(error);
				return;
			}
		}
		const changes = [...this.#book.touched].map(([thing, before]) => ({
			thing,
			before,
			after: this.#book.pendingOf(thing),
		}));
		this.onPending(changes);
		this.#book.settle();
		for (const tell of [...refused, ...done]) tell();
	}

	#needsFleet(): boolean {
		const sinceMs = Math.abs(this.#deps.clock.nowMs() - this.#fleetMs);
		return this.#isFleetStale || sinceMs >= FLEET_EVERY_MS;
	}

	async #readFleet(): Promise<void> {
		this.#isFleetStale = false;
		try {
			this.#fleet = await this.#deps.fleet.list();
			this.#fleetMs = this.#deps.clock.nowMs();
		} catch (error) {
			this.#isFleetStale = true;
			throw error;
		}
	}

	/** What time brings: timers that expire, things to be told, devices that come to match. */
	async #tick(): Promise<void> {
		if (this.#book.jobs.size === 0) return;
		const isRead = this.#needsFleet();
		if (isRead) await this.#readFleet();
		await this.#run((nowMs) => {
			for (const execution of [...this.#book.allPending()]) {
				this.#expire(execution, nowMs);
			}
			if (isRead) this.#takeOut(nowMs);
			for (const open of [...this.#book.jobs.values()]) {
				this.#rollOut(open, nowMs);
			}
		});
	}

	#schedule(): void {
		if (!this.#isRunning || this.#book.jobs.size === 0) return;
		const nowMs = this.#deps.clock.nowMs();
		let atMs = Math.max(nowMs, this.#fleetMs + FLEET_EVERY_MS);
		for (const execution of this.#book.allPending()) {
			atMs = Math.min(atMs, deadlineOf(execution));
		}
		const isTelling = [...this.#book.jobs.values()].some(
			(open) =>
				open.job.status === "IN_PROGRESS" && this.#candidates(open).length > 0,
		);
		if (isTelling || this.#isFleetStale) atMs = Math.min(atMs, nowMs + STEP_MS);
		this.#wakeAt(Math.max(atMs, nowMs, this.#notBeforeMs));
	}

	#wakeAt(atMs: number): void {
		if (!this.#isRunning) return;
		if (this.#cancelTimer !== null && this.#timerMs <= atMs) return;
		this.#cancelTimer?.();
		this.#timerMs = atMs;
		const delayMs = Math.max(0, atMs - this.#deps.clock.nowMs());
		this.#cancelTimer = this.#deps.timers.after(delayMs, () => {
			this.#cancelTimer = null;
			this.#ticking = this.#tick().then(
				() => this.#schedule(),
				(error) => {
					this.#deps.onError(error);
					this.#wakeAt(this.#deps.clock.nowMs() + RETRY_MS);
				},
			);
		});
	}

	async #allExecutions(jobId: string): Promise<readonly Execution[]> {
		const all: Execution[] = [];
		let after: string | undefined;
		do {
			const page = await this.#deps.store.executions(jobId, {
				limit: 1000,
				...(after === undefined ? {} : { after }),
			});
			all.push(...page.executions);
			after = page.next ?? undefined;
		} while (after !== undefined);
		return all;
	}
}

function reachOf(
	{ members, counts }: OpenJob,
	candidates: readonly string[],
): Reach {
	return {
		notified: members.size,
		removed: counts.REMOVED,
		succeeded: counts.SUCCEEDED,
		untold: candidates.length,
	};
}

function exists(jobId: string): JobError {
	return new JobError("job_exists", `There is a job ${jobId} already.`);
}

function unknownJob(jobId: string): JobError {
	return new JobError("unknown_job", `There is no job ${jobId}.`);
}
