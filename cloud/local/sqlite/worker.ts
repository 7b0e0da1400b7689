/**
 * The thread that holds a connection to the database: one for writing, which commits group after group, and one for
 * reading, so that a long read never holds up a commit, nor a commit the main thread.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type Connection, toStoreError } from "./connection.ts";
import type {
	Call,
	GroupResult,
	PackedPage,
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
import { Writer } from "./writer.ts";

function attempt(work: () => unknown): Settled {
	try {
		return { ok: true, value: work() };
	} catch (error) {
		const { code, message } = toStoreError(error);
		return { ok: false, failure: { code, message } };
	}
}

function call<Operations>(
	target: Operations,
	{ name, parameters }: Call<Operations>,
): unknown {
	const method = target[name] as (...parameters: readonly unknown[]) => unknown;
	return method.apply(target, parameters);
}

/** All of a group in one transaction; if that fails for a reason of one of its parts, each in its own. */
function writeGroup(
	db: Connection,
	writer: Writer,
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
				value: call<WriteOperations>(writer, one),
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
			alone(() => call<WriteOperations>(writer, one)),
		),
	};
}

function transferable(value: unknown): ArrayBuffer[] {
	if (value instanceof Float64Array) return [value.buffer as ArrayBuffer];
	if (typeof value === "object" && value !== null && "packed" in value) {
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
	const writing = settings.role === "writer";
	let db: Connection | null = null;
	const opened = attempt(() => {
		db = writing
			? openForWriting(settings.path, options)
			: openForReading(settings.path, options);
	});
	reply({ id: 0, result: opened });
	if (db === null) return;
	const connection: Connection = db;
	const writer = writing ? new Writer(connection) : null;
	const reader = writing ? null : new Reader(connection);
	port.on("message", (request: Request) => {
		const result = attempt(() => {
			if ("group" in request && writer !== null) {
				return writeGroup(connection, writer, request.group);
			}
			if ("read" in request && reader !== null) {
				return call<ReadOperations>(reader, request.read);
			}
			return connection.close();
		});
		reply(
			{ id: request.id, result },
			result.ok ? transferable(result.value) : [],
		);
		if ("close" in request) port.close();
	});
}

serve(workerData as WorkerSettings);
