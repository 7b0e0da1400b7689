/**
 * Held while the files of a thing are made: two who provision it at once would each make a certificate, and leave the key of one beside that
 * of the other. A lock is an empty SQLite database in an exclusive transaction, as `up.lock` is: the operating system lets go of it when its
 * process ends, however it ends, so that no lock is ever left behind.
 *
 * Opening one takes as long as a good part of the rest: there are some for all things of a folder, by their names, which stay open for as long
 * as somebody has things to provision.
 */
import { join } from "node:path";
import { IdentityError } from "../../cloud/local/identity/errors.ts";
import {
	makeFolder,
	SECRET_MODE,
	touch,
} from "../../cloud/local/identity/files.ts";
import { Connection } from "../../cloud/local/sqlite/connection.ts";
import { crc32 } from "../../protocol/crc32.ts";

/** No thing has such a name. */
const FOLDER = ".locks";
/** Some times as many as there are things under way at once. */
const COUNT = 256;
const LOOK_AGAIN_MS = 50;
/** On AWS, provisioning a thing takes some seconds, and longer where it is throttled. */
const WAIT_MS = 120_000;

export class ThingLocks {
	readonly #folder: string;
	readonly #locks = new Map<number, Lock>();

	/** @param things the folder in which each thing has its own */
	constructor(things: string) {
		this.#folder = join(things, FOLDER);
	}

	/**
	 * One after another for things whose lock it is, here and in other processes.
	 * @throws IdentityError busy, file_access; whatever `work` throws
	 */
	async hold<T>(
		thing: string,
		work: () => Promise<T>,
		waitMs = WAIT_MS,
	): Promise<T> {
		const number = crc32(Buffer.from(thing)) % COUNT;
		const lock = this.#locks.get(number) ?? new Lock(this.#folder, `${number}`);
		this.#locks.set(number, lock);
		return lock.hold(thing, work, waitMs);
	}

	/** When nothing is under way any more. */
	close(): void {
		for (const lock of this.#locks.values()) lock.close();
		this.#locks.clear();
	}
}

class Lock {
	readonly #folder: string;
	readonly #path: string;
	#db: Connection | null = null;
	#hasJournalInMemory = false;
	/** Whoever came last in this process. */
	#last: Promise<unknown> = Promise.resolve();

	constructor(folder: string, name: string) {
		this.#folder = folder;
		this.#path = join(folder, name);
	}

	hold<T>(thing: string, work: () => Promise<T>, waitMs: number): Promise<T> {
		const turn = this.#last.then(() => this.#run(thing, work, waitMs));
		this.#last = turn.catch(() => undefined);
		return turn;
	}

	close(): void {
		this.#db?.close();
		this.#db = null;
	}

	async #run<T>(
		thing: string,
		work: () => Promise<T>,
		waitMs: number,
	): Promise<T> {
		this.#db ??= await this.#open();
		const db = this.#db;
		for (let waitedMs = 0; !this.#begin(db); waitedMs += LOOK_AGAIN_MS) {
			if (waitedMs >= waitMs)
				throw new IdentityError(
					"busy",
					`Somebody else is provisioning ${thing}, or another thing of the same lock (${this.#path}). Wait for that to end, and try again.`,
				);
			await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
		}
		try {
			return await work();
		} finally {
			db.exec("COMMIT");
		}
	}

	async #open(): Promise<Connection> {
		await makeFolder(this.#folder);
		await touch(this.#path, SECRET_MODE);
		const db = new Connection(this.#path);
		// Waiting there would keep whoever holds it in this process from ending.
		db.exec("PRAGMA busy_timeout = 0");
		return db;
	}

	/** @returns false while another has it */
	#begin(db: Connection): boolean {
		try {
			// Nothing is ever written, so there is no journal to leave behind then.
			if (!this.#hasJournalInMemory) db.exec("PRAGMA journal_mode = MEMORY");
			this.#hasJournalInMemory = true;
			db.exec("BEGIN EXCLUSIVE");
			return true;
		} catch (cause) {
			const code = String((cause as { readonly code?: unknown }).code);
			if (code.startsWith("SQLITE_BUSY")) return false;
			throw new IdentityError(
				"file_access",
				`${this.#path} cannot be locked: ${(cause as Error).message}. Check that the folder belongs to you.`,
				{ cause },
			);
		}
	}
}
