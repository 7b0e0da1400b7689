import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlashFolder, FlashFolderError } from "./flash-folder.ts";

describe("The folder of a board's flash", () => {
	let directory: string;
	beforeEach(() => {
		directory = mkdtempSync(join(tmpdir(), "thinghz-folder-"));
	});
	afterEach(() => rmSync(directory, { recursive: true }));

	const lockFile = () => join(directory, "lock.json");
	const refused = (error: unknown) =>
		error instanceof FlashFolderError &&
		error.code === "flash_in_use" &&
		error.message.includes(directory) &&
		error.message.includes(String(process.pid));

	it("is one board's at a time, and says whose", () => {
		const folder = new FlashFolder(directory);
		assert.throws(() => new FlashFolder(directory), refused);
		folder.release();
		new FlashFolder(directory).release();
		assert.deepEqual(readdirSync(directory), []);
	});

	it("is made where there is none", () => {
		const path = join(directory, "a", "b");
		const folder = new FlashFolder(path);
		assert.ok(existsSync(path));
		folder.release();
	});

	it("can be entered by its owner alone, also where it was there", () => {
		const path = join(directory, "a", "b");
		mkdirSync(path, { recursive: true, mode: 0o755 });
		for (const each of [path, join(directory, "c", "d")]) {
			new FlashFolder(each).release();
			assert.equal(statSync(each).mode & 0o777, 0o700);
		}
		assert.equal(statSync(join(directory, "c")).mode & 0o777, 0o700);
	});

	it("is taken over from a process that is gone", () => {
		const gone = spawnSync(process.execPath, ["-e", ""]).pid;
		writeFileSync(lockFile(), JSON.stringify({ pid: gone, started: "1" }));
		const folder = new FlashFolder(directory);
		assert.equal(JSON.parse(readFileSync(lockFile(), "utf8")).pid, process.pid);
		folder.release();
	});

	it("is taken over when another process has the id of the one that is gone", function () {
		if (process.platform !== "linux") {
			console.log("When a process started is known on Linux only, from /proc.");
			this.skip();
		}
		const { pid } = process;
		writeFileSync(lockFile(), JSON.stringify({ pid, started: "1" }));
		new FlashFolder(directory).release();
	});

	it("is taken over when what says whose it is has been damaged", () => {
		writeFileSync(lockFile(), "");
		new FlashFolder(directory).release();
	});

	it("stays another's when it is released twice", () => {
		const folder = new FlashFolder(directory);
		folder.release();
		const other = new FlashFolder(directory);
		folder.release();
		assert.throws(() => new FlashFolder(directory), refused);
		other.release();
	});
});
