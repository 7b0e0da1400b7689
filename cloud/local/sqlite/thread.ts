import { renameSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { StoreError } from "../../core/ports.ts";
import type { Request, Response, WorkerSettings } from "./messages.ts";

/** Distributes over the union, as `Omit` does not. */
type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

interface Waiting {
	resolve(value: unknown): void;
	reject(error: StoreError): void;
}

/** A worker that holds a database connection, and the requests it has not answered yet. */
export class DatabaseThread {
	readonly #worker: Worker;
	readonly #waiting = new Map<number, Waiting>();
	#lastId = 0;
	#gone: StoreError | null = null;
	#closing = false;
	/** Resolves, with the reason, when the thread ends without having been told to; else never. */
	readonly lost: Promise<StoreError>;
	readonly #lose: (reason: StoreError) => void;

	private constructor(settings: WorkerSettings) {
		const { promise, resolve } = withResolve<StoreError>();
		this.lost = promise;
		this.#lose = resolve;
		this.#worker = startWorker(settings);
		this.#worker.on("message", ({ id, result }: Response) => {
			const waiting = this.#waiting.get(id);
			this.#waiting.delete(id);
			if (result.ok) waiting?.resolve(result.value);
			else {
				const { code, message } = result.failure;
				waiting?.reject(new StoreError(code, message));
			}
		});
		this.#worker.on("error", (error) =>
			this.#end(`The thread that holds the database failed: ${error.message}`, {
				cause: error,
			}),
		);
		this.#worker.on("exit", (code) =>
			this.#end(
				this.#closing
					? "The database is closed."
					: `The thread that holds the database ended with code ${code}.`,
			),
		);
	}

	/** @throws StoreError when the database cannot be opened */
	static async open(settings: WorkerSettings): Promise<DatabaseThread> {
		const thread = new DatabaseThread(settings);
		try {
			await new Promise<unknown>((resolve, reject) => {
				thread.#waiting.set(0, { resolve, reject });
			});
			return thread;
		} catch (error) {
			thread.#closing = true;
			await thread.#worker.terminate();
			throw error;
		}
	}

	/** @throws StoreError when it was not done, or when nobody can say whether it was */
	ask(
		request: WithoutId<Request>,
		transfer: readonly ArrayBuffer[] = [],
	): Promise<unknown> {
		if (this.#gone !== null) return Promise.reject(this.#gone);
		return new Promise((resolve, reject) => {
			const id = ++this.#lastId;
			this.#waiting.set(id, { resolve, reject });
			this.#worker.postMessage({ ...request, id }, [...transfer]);
		});
	}

	/** Answers what was asked before, then closes the connection and ends the thread. */
	async close(): Promise<void> {
		this.#closing = true;
		if (this.#gone !== null) return;
		const exited = new Promise<void>((resolve) => {
			this.#worker.once("exit", () => resolve());
		});
		await this.ask({ close: true });
		await exited;
	}

	#end(message: string, options?: ErrorOptions): void {
		this.#gone ??= new StoreError("unavailable", message, options);
		for (const waiting of this.#waiting.values()) waiting.reject(this.#gone);
		this.#waiting.clear();
		if (!this.#closing) this.#lose(this.#gone);
	}
}

function withResolve<T>(): {
	readonly promise: Promise<T>;
	readonly resolve: (value: T) => void;
} {
	let resolve: (value: T) => void = () => undefined;
	const promise = new Promise<T>((resolvePromise) => {
		resolve = resolvePromise;
	});
	return { promise, resolve };
}

/** Beside a bundle the worker is `sqlite-worker.js`; from the sources it is bundled first. */
function startWorker(settings: WorkerSettings): Worker {
	const options = { workerData: settings };
	if (!import.meta.url.endsWith(".ts")) {
		return new Worker(new URL("./sqlite-worker.js", import.meta.url), options);
	}
	// What compiles sources as they are loaded is not loaded: half of what a thread's start takes.
	return new Worker(bundledWorker(), { ...options, execArgv: [] });
}

let bundled: string | undefined;

/**
 * A thread would compile all its sources each time that it is started, since `--import` does not reach it (Node 20), which
 * takes longer than all that most tests then do with it: so they are compiled once a process.
 */
function bundledWorker(): string {
	if (bundled !== undefined) return bundled;
	const { buildSync } = createRequire(import.meta.url)("esbuild");
	const path = fileURLToPath(
		new URL("../../../dist/from-sources/sqlite-worker.mjs", import.meta.url),
	);
	// Another process may be reading the file, so it is put in place whole.
	const mine = path.replace(/mjs$/, `${process.pid}.mjs`);
	buildSync({
		entryPoints: [fileURLToPath(new URL("./worker.ts", import.meta.url))],
		outfile: mine,
		bundle: true,
		format: "esm",
		platform: "node",
		packages: "external",
		sourcemap: "inline",
		logLevel: "error",
	});
	renameSync(mine, path);
	bundled = path;
	return path;
}
