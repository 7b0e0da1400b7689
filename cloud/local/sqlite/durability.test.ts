import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	mkdir,
	mkdtemp,
	open as openFile,
	rm,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import { someBlock, someBlocks } from "../../core/contracts/block-store.ts";
import { StoreError } from "../../core/ports.ts";
import { Connection } from "./connection.ts";
import { MIGRATIONS, openForWriting, SCHEMA_VERSION } from "./schema.ts";
import { DATABASE_FILE, type OpenStores, openStores } from "./stores.ts";

describe("SQLite stores, when things go wrong", () => {
	let dir: string;
	const opened: OpenStores[] = [];

	beforeEach(async () => {
		dir = await mkdtemp(join(tmpdir(), "thinghz-sqlite-"));
	});

	afterEach(async () => {
		for (const stores of opened.splice(0)) await stores.close();
		await rm(dir, { recursive: true });
	});

	async function open(
		options: Parameters<typeof openStores>[1] = {},
	): Promise<OpenStores> {
		const stores = await openStores(dir, options);
		opened.push(stores);
		return stores;
	}

	const hasCode =
		(code: string) =>
		(error: unknown): boolean =>
			error instanceof StoreError && error.code === code;

	/** Reads all sequence numbers of the one journal that `someBlock` names. */
	async function sequences(stores: OpenStores): Promise<number[]> {
		const all: number[] = [];
		let after: string | undefined;
		do {
			const page = await stores.blocks.range("boiler", 0, 9e15, 1000, after);
			all.push(...page.blocks.map((block) => block.sequence));
			after = page.next ?? undefined;
		} while (after !== undefined);
		return all;
	}

	/** Writes until nothing goes in any more. */
	async function fillDisk(path: string): Promise<void> {
		const file = await openFile(path, "w");
		try {
			for (;;) {
				const { bytesWritten } = await file.write(new Uint8Array(4096));
				if (bytesWritten < 4096) break;
			}
		} catch (error) {
			assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
		} finally {
			await file.close();
		}
	}

	it("have every acknowledged block once after SIGKILL in the midst of putting", async () => {
		// Three processes start from the sources; on a busy machine that takes a while.
		const acknowledged = new Set<number>();
		for (const killAfter of [1, 40, 333]) {
			const child = spawn(
				process.execPath,
				[
					"--import=tsx",
					fileURLToPath(new URL("./fakes/put-blocks.ts", import.meta.url)),
					dir,
					String(acknowledged.size),
				],
				{ stdio: ["ignore", "pipe", "inherit"] },
			);
			const exited = once(child, "exit");
			let heard = 0;
			for await (const line of createInterface({ input: child.stdout })) {
				acknowledged.add(Number(line));
				if (++heard === killAfter) child.kill("SIGKILL");
			}
			const [, signal] = await exited;
			assert.equal(signal, "SIGKILL");
			assert.ok(heard >= killAfter);
		}
		const stored = await sequences(await open());
		assert.equal(new Set(stored).size, stored.length, "none is there twice");
		const there = new Set(stored);
		const lost = [...acknowledged].filter((sequence) => !there.has(sequence));
		assert.deepEqual(lost, []);
	});

	it("refuse blocks while the disk is full, and take them when there is room again", async () => {
		const full = await open({ maxPages: 40 });
		const blocks = someBlocks(200).map((block) => ({
			...block,
			bytes: new Uint8Array(2000).fill(block.sequence),
		}));
		await assert.rejects(full.blocks.put(blocks), hasCode("disk_full"));
		assert.deepEqual(await sequences(full), [], "a put is whole or not at all");
		await assert.rejects(
			Promise.all(blocks.map((block) => full.blocks.put([block]))),
			hasCode("disk_full"),
		);
		await full.close();
		opened.pop();
		const roomy = await open();
		const outcomes = await roomy.blocks.put(blocks);
		assert.ok(outcomes.every((outcome) => outcome === "stored"));
	});

	it("take blocks again as soon as somebody makes room on a full disk", async function () {
		// Only root may mount; the test before this one needs no disk of its own.
		const mount = spawnSync("mount", [
			"-t",
			"tmpfs",
			"-o",
			"size=2m,mode=0700",
			"tmpfs",
			dir,
		]);
		if (mount.status !== 0) {
			console.log("A small disk needs root, to mount a tmpfs: sudo make test");
			this.skip();
		}
		try {
			const stores = await openStores(dir);
			const ballast = join(dir, "ballast");
			const blocks = someBlocks(500).map((block) => ({
				...block,
				bytes: new Uint8Array(1000).fill(block.sequence),
			}));
			await stores.blocks.put(blocks.slice(0, 1));
			await fillDisk(ballast);
			await assert.rejects(stores.blocks.put(blocks), hasCode("disk_full"));
			await rm(ballast);
			const outcomes = await stores.blocks.put(blocks);
			assert.equal(outcomes.filter((one) => one === "stored").length, 499);
			assert.equal((await sequences(stores)).length, 500);
			await stores.close();
		} finally {
			spawnSync("umount", ["--lazy", dir]);
		}
	});

	it("go on with small writes after a write that did not fit", async () => {
		const stores = await open({ maxPages: 60 });
		const big = someBlock({ bytes: new Uint8Array(1_000_000) });
		await assert.rejects(stores.blocks.put([big]), hasCode("disk_full"));
		const outcomes = await stores.blocks.put([
			someBlock(),
			someBlock({ boot: 2 }),
		]);
		assert.deepEqual(outcomes, ["stored", "stored"]);
		assert.deepEqual(await sequences(stores), [1, 1]);
	});

	it("do not let a write that cannot be done take those of its group along", async () => {
		const stores = await open();
		const nameless = { certificateId: null as unknown as string };
		const [put, refused, created] = await Promise.allSettled([
			stores.blocks.put([someBlock()]),
			stores.certificates.add({
				...nameless,
				thing: "boiler",
				status: "ACTIVE",
				createdMs: 1,
			}),
			stores.devices.create("boiler", 1),
		]);
		assert.deepEqual(put, { status: "fulfilled", value: ["stored"] });
		assert.deepEqual(created, { status: "fulfilled", value: true });
		assert.equal(refused.status, "rejected");
		assert.deepEqual(await sequences(stores), [1]);
	});

	it("take over data of the first version, and count its rollups anew with their units", async () => {
		const db = new Connection(join(dir, DATABASE_FILE));
		db.exec(MIGRATIONS[0] ?? "");
		db.exec(`
			PRAGMA user_version = 1;
			INSERT INTO things VALUES (1, 'boiler', 1000);
			INSERT INTO journals VALUES (1, 1, '00000000000000a1');
			INSERT INTO blocks VALUES (1, 1, 7200000, 1000, 1, 1, 1, 9, x'01'), (2, 1, NULL, 1000, 1, 1, 2, 9, x'02');
			INSERT INTO channels VALUES (1, 't');
			INSERT INTO rollups VALUES (1, 0, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1), (1, 0, 1, 3, 0, 0, 1, 1, 1, 1, 1, 1);
			INSERT INTO dirty_rollups VALUES (1, 0, 3, 7);
		`);
		db.close();
		const stores = await open();
		const { blocks } = await stores.blocks.untimed("boiler", 10);
		assert.deepEqual(
			blocks.map(({ sequence }) => sequence),
			[2],
		);
		assert.deepEqual(
			await stores.rollups.range("boiler", "hour", ["t"], 0, 9e12),
			[],
		);
		assert.deepEqual(
			(await stores.rollups.dirty("boiler", "hour", 0, 9e12)).map(
				({ bucketMs, mark }) => [bucketMs / 3_600_000, mark],
			),
			[
				[2, 0],
				[3, 7],
			],
		);
	});

	it("refuse data of a newer version, and leave them as they are", async () => {
		const db = new Connection(join(dir, DATABASE_FILE));
		db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
		db.close();
		await assert.rejects(
			open(),
			(error: unknown) =>
				hasCode("newer_version")(error) &&
				/Update thinghz/.test((error as Error).message),
		);
		const again = new Connection(join(dir, DATABASE_FILE));
		assert.equal(again.value("PRAGMA user_version"), SCHEMA_VERSION + 1);
		again.close();
	});

	it("refuse a file that is no database", async () => {
		await writeFile(join(dir, DATABASE_FILE), "x".repeat(4096));
		await assert.rejects(open(), hasCode("corrupt"));
	});

	it("refuse a data folder that is a file, and a database that is a folder", async () => {
		await writeFile(join(dir, "file"), "");
		await assert.rejects(openStores(join(dir, "file")), hasCode("unavailable"));
		await mkdir(join(dir, "data", DATABASE_FILE), { recursive: true });
		await assert.rejects(openStores(join(dir, "data")), StoreError);
	});

	it("serve several who have the same folder open", async () => {
		const [one, other] = [await open(), await open()];
		const blocks = someBlocks(40);
		const half = blocks.length / 2;
		await Promise.all([
			...blocks.slice(0, half + 5).map((block) => one.blocks.put([block])),
			...blocks.slice(half - 5).map((block) => other.blocks.put([block])),
		]);
		for (const stores of [one, other]) {
			assert.equal((await sequences(stores)).length, blocks.length);
		}
		assert.deepEqual(await other.blocks.put(blocks.slice(0, 1)), ["duplicate"]);
	});

	it("keep everything over closing and opening, and finish what was asked before closing", async () => {
		const before = await open();
		const puts = someBlocks(50).map((block) => before.blocks.put([block]));
		const closed = before.close();
		await Promise.all(puts);
		await closed;
		opened.pop();
		await assert.rejects(before.blocks.put([someBlock()]), StoreError);
		await assert.rejects(before.devices.list(), StoreError);
		assert.equal((await sequences(await open())).length, 50);
	});

	for (const [at, role] of ["writer", "reader"].entries()) {
		it(`say so when the ${role}'s thread is lost, and fail what is asked of it`, async () => {
			const workers: Worker[] = [];
			const note = (worker: Worker): unknown => workers.push(worker);
			process.on("worker", note);
			const stores = await open();
			process.off("worker", note);
			await workers[at]?.terminate();
			const reason = await stores.lost;
			assert.equal(reason.code, "unavailable");
			assert.match(reason.message, /ended with code 1/);
			await assert.rejects(
				role === "writer"
					? stores.devices.create("a", 1)
					: stores.devices.list(),
				hasCode("unavailable"),
			);
		});
	}

	it("are not lost when they are closed", async () => {
		const stores = await open();
		let isLost = false;
		void stores.lost.then(() => {
			isLost = true;
		});
		await stores.close();
		await new Promise(setImmediate);
		assert.equal(isLost, false);
	});

	it("refuse a cursor that is not theirs", async () => {
		const stores = await open();
		await stores.blocks.put([someBlock()]);
		await assert.rejects(
			stores.blocks.range("boiler", 0, 9e15, 10, "1:2; DROP TABLE blocks"),
			hasCode("bad_cursor"),
		);
	});

	it("sync the log at each commit", () => {
		const db = openForWriting(join(dir, DATABASE_FILE), {
			busyTimeoutMs: 1000,
		});
		assert.equal(db.value("PRAGMA journal_mode"), "wal");
		assert.equal(db.value("PRAGMA synchronous"), 2, "FULL");
		db.close();
	});
});
