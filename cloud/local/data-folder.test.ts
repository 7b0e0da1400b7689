import assert from "node:assert/strict";
import {
	chmodSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makePrivateFile, openDataFolder } from "./data-folder.ts";
import { openStores } from "./sqlite/stores.ts";

describe("the data folder", () => {
	let parent: string;
	beforeEach(() => {
		parent = mkdtempSync(join(tmpdir(), "thinghz-folder-"));
	});
	afterEach(() => rmSync(parent, { recursive: true }));

	const modeOf = (path: string) => statSync(path).mode & 0o777;

	it("is made for its owner alone, with the database in it", async () => {
		const dir = join(parent, "a", "b");
		const stores = await openStores(dir);
		try {
			await stores.devices.create("porch", 0);
			assert.equal(modeOf(dir), 0o700);
			for (const file of ["thinghz.db", "thinghz.db-wal", "thinghz.db-shm"]) {
				assert.equal(modeOf(join(dir, file)), 0o600, file);
			}
		} finally {
			await stores.close();
		}
	});

	it("is closed to others when it was open to them", async () => {
		const dir = join(parent, "loose");
		mkdirSync(dir);
		chmodSync(dir, 0o755);
		writeFileSync(join(dir, "thinghz.db"), "", { mode: 0o644 });
		const stores = await openStores(dir);
		await stores.close();
		assert.equal(modeOf(dir), 0o700);
		assert.equal(modeOf(join(dir, "thinghz.db")), 0o600);
	});

	it("cannot be one that all users share", async () => {
		const shared = join(parent, "shared");
		mkdirSync(shared);
		chmodSync(shared, 0o1777);
		await assert.rejects(openDataFolder(shared), {
			code: "unavailable",
			message: /shared by all users/,
		});
		assert.equal(statSync(shared).mode & 0o7777, 0o1777);
	});

	it("cannot be one that serves something else", async () => {
		const served = join(parent, "served");
		mkdirSync(served);
		chmodSync(served, 0o755);
		writeFileSync(join(served, "index.html"), "");
		await assert.rejects(openDataFolder(served), {
			code: "unavailable",
			message: /holds other files/,
		});
		assert.equal(modeOf(served), 0o755);
	});

	it("may be one that exists and is empty, or is closed to others already", async () => {
		const empty = join(parent, "empty");
		mkdirSync(empty);
		chmodSync(empty, 0o755);
		await openDataFolder(empty);
		assert.equal(modeOf(empty), 0o700);
		writeFileSync(join(empty, "notes.txt"), "");
		await openDataFolder(empty);
	});

	it("cannot be a file", async () => {
		const path = join(parent, "file");
		writeFileSync(path, "");
		await assert.rejects(openDataFolder(join(path, "below")), {
			code: "unavailable",
		});
	});

	it("leaves what a private file holds as it is", async () => {
		const path = join(parent, "kept");
		writeFileSync(path, "text", { mode: 0o666 });
		await makePrivateFile(path);
		assert.equal(modeOf(path), 0o600);
		assert.equal(statSync(path).size, 4);
	});
});
