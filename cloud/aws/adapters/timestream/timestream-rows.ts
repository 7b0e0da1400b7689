import {
	RejectedRecordsException,
	type TimestreamWriteClient,
	ValidationException,
	WriteRecordsCommand,
} from "@aws-sdk/client-timestream-write";
import { StoreError } from "../../../core/ports.ts";
import {
	type BlockRows,
	type RejectedRows,
	type RowStore,
	RowsRejected,
} from "../../../core/row-ports.ts";
import { type Batch, type Origin, splitBatch, toBatches } from "./records.ts";

/** Requests under way at a time. */
const CONCURRENCY = 8;

/**
 * Keeps rows in Timestream for LiveAnalytics. Writing a block again changes nothing: its records have the version that
 * its sequence makes, and the same values ("Upserts" of WriteRecords in the API reference).
 * Without an endpoint of its own, the client asks for one by DescribeEndpoints, as the service wants it.
 */
export class TimestreamRows implements RowStore {
	readonly #client: Pick<TimestreamWriteClient, "send">;
	readonly #database: string;
	readonly #table: string;

	constructor(options: {
		readonly client: Pick<TimestreamWriteClient, "send">;
		readonly database: string;
		readonly table: string;
	}) {
		this.#client = options.client;
		this.#database = options.database;
		this.#table = options.table;
	}

	async write(blocks: readonly BlockRows[]): Promise<void> {
		const waiting = toBatches(blocks);
		const rejected: RejectedRows[] = [];
		let failure: unknown = null;
		const work = async (): Promise<void> => {
			for (;;) {
				const batch = failure === null ? waiting.shift() : undefined;
				if (batch === undefined) return;
				try {
					rejected.push(...(await this.#send(batch)));
				} catch (error) {
					failure ??= error;
				}
			}
		};
		await Promise.all(
			Array.from({ length: Math.min(CONCURRENCY, waiting.length) }, work),
		);
		if (failure !== null) throw failure;
		if (rejected.length > 0) throw new RowsRejected(rejected);
	}

	/**
	 * @returns what of it was refused; the rest is kept
	 * @throws StoreError
	 */
	async #send(batch: Batch): Promise<readonly RejectedRows[]> {
		try {
			await this.#client.send(
				new WriteRecordsCommand({
					DatabaseName: this.#database,
					TableName: this.#table,
					...batch.input,
				}),
			);
			return [];
		} catch (error) {
			if (error instanceof RejectedRecordsException) {
				return (error.RejectedRecords ?? []).map(
					({ RecordIndex = 0, Reason, ExistingVersion }) => {
						const reason = Reason ?? error.message;
						return refusal(
							batch.origins[RecordIndex],
							ExistingVersion === undefined
								? reason
								: `${reason} (version ${ExistingVersion} is there)`,
						);
					},
				);
			}
			if (!(error instanceof ValidationException)) throw toStoreError(error);
			// It is refused whole and does not say for which record.
			if (batch.origins.length === 1) {
				return [refusal(batch.origins[0], error.message)];
			}
			const rejected: RejectedRows[] = [];
			for (const half of splitBatch(batch)) {
				rejected.push(...(await this.#send(half)));
			}
			return rejected;
		}
	}
}

function refusal(origin: Origin | undefined, reason: string): RejectedRows {
	if (origin === undefined) {
		throw new StoreError(
			"unavailable",
			`Timestream refused a record that it was not sent: ${reason}`,
		);
	}
	const { thing, journalId, boot, sequence } = origin.block;
	return { thing, journalId, boot, sequence, timeMs: origin.timeMs, reason };
}

/** By the names of WriteRecords' errors; what has none of them did not reach the service. */
const CODES: Readonly<Record<string, string>> = {
	ThrottlingException: "throttled",
	AccessDeniedException: "denied",
	ResourceNotFoundException: "missing",
};

function toStoreError(error: unknown): StoreError {
	const { name, message } =
		error instanceof Error ? error : new Error(String(error));
	return new StoreError(
		CODES[name] ?? "unavailable",
		`Timestream has not taken the rows: ${name}: ${message}`,
		{ cause: error },
	);
}
