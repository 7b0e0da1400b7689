/** Jobs in the database: what is asked by stands in columns, the rest in documents. */
import {
	type Execution,
	type Job,
	type JobCounts,
	NO_COUNTS,
} from "../../core/jobs/job.ts";
import type { ExecutionPage, JobChange } from "../../core/jobs/ports.ts";
import {
	type ExecutionStatus,
	isExecutionStatus,
	isTerminal,
} from "../../core/jobs/statuses.ts";
import type { Connection, SqlRow, SqlValue } from "./connection.ts";

export interface JobWrites {
	commitJobs(change: JobChange): void;
}

export interface JobReads {
	allJobs(): readonly Job[];
	jobById(jobId: string): Job | null;
	jobExecution(jobId: string, thing: string): Execution | null;
	jobExecutions(
		jobId: string,
		options: {
			readonly limit: number;
			readonly after?: string;
			readonly status?: ExecutionStatus;
		},
	): ExecutionPage;
	pendingExecutions(): readonly Execution[];
	jobCounts(jobId: string): JobCounts;
	executionsOf(thing: string, limit: number): readonly Execution[];
	lastExecutionOrder(): number;
}

export class JobWriter implements JobWrites {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	commitJobs({ jobs, executions, deleted }: JobChange): void {
		for (const jobId of deleted) {
			this.#run("DELETE FROM jobs WHERE job = ?", [jobId]);
			this.#run("DELETE FROM job_executions WHERE job = ?", [jobId]);
		}
		for (const job of jobs) {
			this.#run(
				"INSERT OR REPLACE INTO jobs (job, created_ms, document) VALUES (?, ?, ?)",
				[job.jobId, job.createdMs, JSON.stringify(job)],
			);
		}
		for (const execution of executions) {
			const { jobId, thing, status, updatedMs, order } = execution;
			this.#run(
				"INSERT OR REPLACE INTO job_executions (job, thing, status, is_pending, updated_ms, position, document) VALUES (?, ?, ?, ?, ?, ?, ?)",
				[
					jobId,
					thing,
					status,
					isTerminal(status) ? 0 : 1,
					updatedMs,
					order,
					JSON.stringify(execution),
				],
			);
		}
	}

	#run(sql: string, parameters: readonly SqlValue[]): void {
		this.#db.statement(sql).run(parameters);
	}
}

export class JobReader implements JobReads {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	allJobs(): readonly Job[] {
		return this.#all(
			"SELECT document FROM jobs ORDER BY created_ms DESC, job",
			[],
		);
	}

	jobById(jobId: string): Job | null {
		return this.#one("SELECT document FROM jobs WHERE job = ?", [jobId]);
	}

	jobExecution(jobId: string, thing: string): Execution | null {
		return this.#one(
			"SELECT document FROM job_executions WHERE job = ? AND thing = ?",
			[jobId, thing],
		);
	}

	jobExecutions(
		jobId: string,
		{
			limit,
			after = "",
			status,
		}: {
			readonly limit: number;
			readonly after?: string;
			readonly status?: ExecutionStatus;
		},
	): ExecutionPage {
		const found = this.#all<Execution>(
			"SELECT document FROM job_executions WHERE job = ? AND thing > ? " +
				`${status === undefined ? "" : "AND status = ?"} ORDER BY thing LIMIT ?`,
			[jobId, after, ...(status === undefined ? [] : [status]), limit + 1],
		);
		const executions = found.slice(0, limit);
		const next =
			found.length > limit ? (executions.at(-1)?.thing ?? null) : null;
		return { executions, next };
	}

	pendingExecutions(): readonly Execution[] {
		return this.#all(
			"SELECT document FROM job_executions WHERE is_pending = 1 ORDER BY position",
			[],
		);
	}

	jobCounts(jobId: string): JobCounts {
		const counts = { ...NO_COUNTS };
		const rows = this.#db
			.statement(
				"SELECT status, count(*) FROM job_executions WHERE job = ? GROUP BY status",
			)
			.all([jobId]);
		for (const [status, count] of rows) {
			if (isExecutionStatus(status)) counts[status] = Number(count);
		}
		return counts;
	}

	executionsOf(thing: string, limit: number): readonly Execution[] {
		return this.#all(
			"SELECT document FROM job_executions WHERE thing = ? ORDER BY updated_ms DESC, position DESC LIMIT ?",
			[thing, limit],
		);
	}

	lastExecutionOrder(): number {
		const row = this.#db
			.statement("SELECT max(position) FROM job_executions")
			.get([]);
		return Number(row?.[0] ?? 0);
	}

	#one<T>(sql: string, parameters: readonly SqlValue[]): T | null {
		const row = this.#db.statement(sql).get(parameters);
		return row === undefined ? null : documentOf(row);
	}

	#all<T>(sql: string, parameters: readonly SqlValue[]): readonly T[] {
		return this.#db
			.statement(sql)
			.all(parameters)
			.map(documentOf<T>);
	}
}

/** What this program has written; its shape is that of the database's version. */
function documentOf<T>(row: SqlRow): T {
	return JSON.parse(String(row[0])) as T;
}
