import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	findRunning,
	type RunningCloud,
	removeRunning,
	writeRunning,
} from "./runtime-file.ts";
import { isUpLocked, takeUpLock, type UpLock } from "./up-lock.ts";

const RUNNING: RunningCloud = {
	pid: process.pid,
	http: "http://[::1]:8080",
	mqtt: "mqtts://[::1]:8883",
	endpoint: "mqtts://[2001:db8::1]:8883",
};

describe("finding the cloud that runs on a folder", () => {
	let dir: string;
	let lock: UpLock | null;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-up-"));
		lock = null;
	});
	afterEach(() => {
		lock?.release();
		rmSync(dir, { recursive: true });
	});

	it("finds it by its file while it holds the lock", async () => {
		lock = await takeUpLock(dir);
		assert.equal(findRunning(dir), null);
		writeRunning(dir, RUNNING);
		assert.deepEqual(findRunning(dir), RUNNING);
		removeRunning(dir);
		assert.equal(findRunning(dir), null);
	});

	it("finds none where a killed one left its file, whoever has its process id now", async () => {
		for (const pid of [process.pid, 1]) {
			writeRunning(dir, { ...RUNNING, pid });
			assert.equal(findRunning(dir), null);
		}
		(await takeUpLock(dir)).release();
		assert.equal(findRunning(dir), null);
	});

	it("takes a file that says nothing for none", async () => {
		lock = await takeUpLock(dir);
		for (const text of [
			"",
			"{",
			"null",
			"7",
			"[]",
			'{"pid":1}',
			'{"pid":1,"http":"x","mqtt":"y","endpoint":"z"}',
		]) {
			writeFileSync(join(dir, "up.json"), text);
			assert.equal(findRunning(dir), null, text);
		}
	});
});

describe("the lock of a running cloud", () => {
	let dir: string;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-up-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	it("is had by one, and by the next when it was released", async () => {
		const first = await takeUpLock(dir);
		assert.equal(isUpLocked(dir), true);
		await assert.rejects(takeUpLock(dir), /already runs on/);
		assert.equal(isUpLocked(dir), true, "an attempt takes nothing away");
		first.release();
		assert.equal(isUpLocked(dir), false);
		const second = await takeUpLock(dir);
		second.release();
	});

	it("is had by one of many that ask at once", async () => {
		const outcomes = await Promise.allSettled(
			Array.from({ length: 5 }, () => takeUpLock(dir)),
		);
		const locks = outcomes.flatMap((outcome) =>
			outcome.status === "fulfilled" ? [outcome.value] : [],
		);
		assert.equal(locks.length, 1);
		locks[0]?.release();
	});

	it("is nobody's where there is no folder, and looking makes none", () => {
		const nowhere = join(dir, "nowhere");
		assert.equal(isUpLocked(nowhere), false);
		assert.throws(() => statSync(nowhere), { code: "ENOENT" });
	});

	it("says so when its file is something else", async () => {
		writeFileSync(
			join(dir, "up.lock"),
			"not a database, and long enough ".repeat(40),
		);
		await assert.rejects(takeUpLock(dir), /cannot be locked/);
	});
});
