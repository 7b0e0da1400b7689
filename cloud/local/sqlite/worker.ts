/**
 * The thread that holds a connection to the database: one for writing, which commits group after group, and one for
 * reading, so that a long read never holds up a commit, nor a commit the main thread.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { AlertReader, AlertWriter } from "./alerts.ts";
import { ArrivalReader, ArrivalWriter } from "./arrivals.ts";
import { type Connection, toStoreError } from "./connection.ts";
import { IdentityReader, IdentityWriter } from "./identities.ts";
import { JobReader, JobWriter } from "./jobs.ts";
import { LogReader, LogWriter } from "./logs.ts";
import type {
	Call,
	GroupResult,
	PackedPage,
	PackedRollups,
	ReadOperations,
	Request,
	Response,
	Settled,
	WorkerSettings,
	WriteGroup,
	WriteOperations,
} from "./messages.ts";
import { Reader } from "./reader.ts";
import { openForReading, openForWriting } from "./schema.ts";
import { ShadowReader, ShadowWriter } from "./shadows.ts";
import { Writer } from "./writer.ts";

function attempt(work: () => unknown): Settled {
	try {
		return { ok: true, value: work() };
	} catch (error) {
		const { code, message } = toStoreError(error);
		return { ok: false, failure: { code, message } };
	}
}

/** @param targets each has some of the operations */
function call<Operations>(
	targets: readonly Partial<Operations>[],
	{ name, parameters }: Call<Operations>,
): unknown {
	const target = targets.find((one) => one[name] !== undefined);
	const method = target?.[name] as (
		...parameters: readonly unknown[]
	) => unknown;
	return method.apply(target, parameters);
}

interface Writers {
	readonly writer: Writer;
	readonly targets: readonly Partial<WriteOperations>[];
}

/** All of a group in one transaction; if that fails for a reason of one of its parts, each in its own. */
function writeGroup(
	db: Connection,
	{ writer, targets }: Writers,
	group: WriteGroup,
): GroupResult {
	const putBlocks = (): unknown =>
		group.packed === null
			? new Uint8Array(0)
			: writer.putBlocks(group.packed, group.things);
	const together = attempt(() =>
		db.transact(() => ({
			blocks: { ok: true, value: putBlocks() },
			calls: group.calls.map((one) => ({
				ok: true,
				value: call<WriteOperations>(targets, one),
			})),
		})),
	);
	if (together.ok) return together.value as GroupResult;
	writer.forget();
	if (together.failure.code !== "unavailable") {
		return { blocks: together, calls: group.calls.map(() => together) };
	}
	const alone = (work: () => unknown): Settled => {
		const settled = attempt(() => db.transact(work));
		if (!settled.ok) writer.forget();
		return settled;
	};
	return {
		blocks: alone(putBlocks),
		calls: group.calls.map((one) =>
			alone(() => call<WriteOperations>(targets, one)),
		),
	};
}

function transferable(value: unknown): ArrayBuffer[] {
	if (typeof value !== "object" || value === null) return [];
	if ("numbers" in value) return [(value as PackedRollups).numbers.buffer];
	if ("packed" in value) {
		const { packed } = value as PackedPage;
		return packed.numbers.length === 0
			? []
			: [packed.numbers.buffer, packed.bytes.buffer];
	}
	return [];
}

function serve(settings: WorkerSettings): void {
	if (parentPort === null) throw new Error("worker.ts runs as a worker only");
	const port = parentPort;
	const reply = (response: Response, transfer: ArrayBuffer[] = []): void =>
		port.postMessage(response, transfer);
	const options = {
		busyTimeoutMs: settings.busyTimeoutMs,
		...(settings.maxPages === null ? {} : { maxPages: settings.maxPages }),
	};
	if (settings.role === "writer") {
		const opened = attempt(() => openForWriting(settings.path, options));
		reply({ id: 0, result: opened.ok ? DONE : opened });
		if (opened.ok) serveWriter(port, opened.value as Connection);
	} else {
		reply({ id: 0, result: DONE });
		serveReader(port, () => openForReading(settings.path, options));
	}

	function serveWriter(port: MessagePort, db: Connection): void {
		const writer = new Writer(db);
		const writers = {
			writer,
			targets: [
				writer,
				new AlertWriter(db),
				new ArrivalWriter(db),
				new IdentityWriter(db),
				new ShadowWriter(db),
				new JobWriter(db),
				new LogWriter(db),
			],
		};
		port.on("message", (request: Request) => {
			const result = attempt(() => {
				if ("group" in request) return writeGroup(db, writers, request.group);
				return "close" in request ? db.close() : undefined;
			});
			reply({ id: request.id, result });
			if ("close" in request) port.close();
		});
	}

	/** Opens at the first request: by then the writer has made the tables. */
	function serveReader(port: MessagePort, open: () => Connection): void {
		let db: Connection | null = null;
		let readers: readonly Partial<ReadOperations>[] | null = null;
		port.on("message", (request: Request) => {
			const result = attempt(() => {
				if ("close" in request) return db?.close();
				if (!("read" in request)) return undefined;
				db ??= open();
				readers ??= [
					new Reader(db),
					new AlertReader(db),
					new ArrivalReader(db),
					new IdentityReader(db),
					new ShadowReader(db),
					new JobReader(db),
					new LogReader(db),
				];
				return call<ReadOperations>(readers, request.read);
			});
			reply(
				{ id: request.id, result },
				result.ok ? transferable(result.value) : [],
			);
			if ("close" in request) port.close();
		});
	}
}

const DONE: Settled = { ok: true, value: undefined };

serve(workerData as WorkerSettings);
