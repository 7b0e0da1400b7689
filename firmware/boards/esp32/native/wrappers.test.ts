import assert from "node:assert/strict";
import { writeDescription } from "../../../image/app-image.ts";
import type { Flash } from "../../../node/ports.ts";
import { FakeNatives } from "../testing/fake-natives.ts";
import { updateKeyOf } from "../update-key.ts";
import { readDescription } from "./description.ts";
import { abortNote, RtcLastingMemory } from "./lasting.ts";
import { bufferOf, PlatformError, RESET_REASONS } from "./natives.ts";
import { type AbortHook, Platform } from "./platform.ts";
import { RtcDeepSleep } from "./sleep.ts";
import { OtaSlots } from "./slots.ts";
import { OtaUpdateSlots } from "./update-slots.ts";
import { TaskWatchdog } from "./watchdog.ts";

/** A failure of ESP-IDF with its code in number and words. */
function refusal(code: number): (error: unknown) => boolean {
	return (error) => {
		assert.ok(error instanceof PlatformError);
		assert.equal(error.code, code);
		assert.ok(error.message.includes(`0x${(code >>> 0).toString(16)}`));
		return true;
	};
}

/** For what has nothing to log. */
function unexpected(_level: string, message: string): never {
	throw new assert.AssertionError({ message });
}

describe("lasting memory", () => {
	it("gives back what was written, and takes a view's own bytes", () => {
		const natives = new FakeNatives();
		const memory = new RtcLastingMemory(natives);
		assert.equal(memory.sizeBytes, 2560);
		memory.write(2557, Uint8Array.of(0, 1, 2, 3, 0).subarray(1, 4));
		const into = new Uint8Array(4);
		memory.read(2556, into);
		assert.deepEqual(into, Uint8Array.of(0, 1, 2, 3));
	});

	it("refuses what lies outside, and says so when it cannot be used", () => {
		const natives = new FakeNatives();
		const memory = new RtcLastingMemory(natives);
		for (const [at, length] of [
			[-1, 1],
			[2560, 1],
			[2559, 2],
		] as const) {
			const bytes = new Uint8Array(length);
			assert.throws(() => memory.read(at, bytes), RangeError);
			assert.throws(() => memory.write(at, bytes), RangeError);
		}
		natives.error = 0x104;
		assert.throws(() => memory.read(0, new Uint8Array(1)), refusal(0x104));
		assert.throws(() => memory.write(0, new Uint8Array(1)), refusal(0x104));
	});

	it("has the note of an abort, where there is one", () => {
		const natives = new FakeNatives();
		assert.equal(abortNote(natives), undefined);
		const note = new Uint8Array(128);
		const view = new DataView(note.buffer);
		view.setFloat64(0, 5000, true);
		view.setUint32(8, 1234, true);
		view.setUint32(12, 5, true);
		note.set(Buffer.from("fatal and what is left"), 16);
		natives.abortNote = note;
		assert.deepEqual(abortNote(natives), {
			cause: "fatal",
			uptimeMs: 5000,
			freeBytes: 1234,
		});
	});
});

describe("deep sleep", () => {
	it("gives back what was retained", () => {
		const natives = new FakeNatives();
		natives.wokenWith = Uint8Array.of(1, 2, 3);
		assert.deepEqual(
			new RtcDeepSleep(natives).retained(),
			Uint8Array.of(1, 2, 3),
		);
	});

	it("gives back nothing after another start, and no bytes when none were retained", () => {
		const natives = new FakeNatives();
		const sleep = new RtcDeepSleep(natives);
		assert.equal(sleep.retained(), undefined);
		natives.wokenWith = new Uint8Array(0);
		assert.deepEqual(sleep.retained(), new Uint8Array(0));
	});

	it("retains a view's own bytes, not those beside it in its buffer", () => {
		const natives = new FakeNatives();
		const bytes = Uint8Array.of(9, 1, 2, 9).subarray(1, 3);
		new RtcDeepSleep(natives).retain(bytes);
		assert.deepEqual(natives.retained, Uint8Array.of(1, 2));
	});

	it("refuses to retain more than there is room for", () => {
		const natives = new FakeNatives();
		const sleep = new RtcDeepSleep(natives);
		sleep.retain(new Uint8Array(sleep.retainedBytes));
		assert.throws(
			() => sleep.retain(new Uint8Array(sleep.retainedBytes + 1)),
			RangeError,
		);
		assert.equal(natives.retained?.length, 4096);
	});

	it("says so when retaining failed", () => {
		const natives = new FakeNatives();
		natives.error = 0x104;
		assert.throws(
			() => new RtcDeepSleep(natives).retain(new Uint8Array(1)),
			refusal(0x104),
		);
	});

	it("sleeps as long as it is told, at least a millisecond and at most a day", () => {
		const natives = new FakeNatives();
		const sleep = new RtcDeepSleep(natives);
		// The chip does not come back from it; the stand-in does.
		const durationsMs = [60_000, 0, -5, Number.NaN, Number.POSITIVE_INFINITY];
		for (const durationMs of durationsMs)
			assert.throws(() => sleep.sleep(durationMs), PlatformError);
		assert.deepEqual(natives.calls, [
			"sleep 60000",
			"sleep 1",
			"sleep 1",
			"sleep 1",
			"sleep 86400000",
		]);
	});
});

describe("the application slots", () => {
	it("tell of a trial, which a confirmation ends", () => {
		const natives = new FakeNatives();
		natives.onTrial = 1;
		const slots = new OtaSlots(natives, unexpected);
		assert.equal(slots.onTrial, true);
		slots.confirm();
		assert.equal(slots.onTrial, false);
		assert.deepEqual(natives.calls, ["confirm"]);
	});

	it("are on trial still when the confirmation could not be written", () => {
		const natives = new FakeNatives();
		natives.onTrial = 1;
		const slots = new OtaSlots(natives, unexpected);
		natives.error = -1;
		assert.throws(() => slots.confirm(), refusal(-1));
		assert.equal(slots.onTrial, true);
	});

	it("know of no trial where there is none", () => {
		assert.equal(new OtaSlots(new FakeNatives(), unexpected).onTrial, false);
	});

	it("that cannot be read are on no trial, and that is logged with the code", () => {
		const natives = new FakeNatives();
		natives.onTrial = 1;
		natives.error = 0x102;
		const logged: string[] = [];
		const slots = new OtaSlots(natives, (_, message) => logged.push(message));
		assert.equal(slots.onTrial, false);
		assert.equal(logged.length, 1);
		assert.match(logged[0]!, /0x102/);
	});

	it("go back, or say why not", () => {
		const natives = new FakeNatives();
		const slots = new OtaSlots(natives, unexpected);
		natives.error = 0x1503;
		assert.throws(() => slots.rollBack(), refusal(0x1503));
		assert.deepEqual(natives.calls, ["roll back"]);
	});
});

describe("the slots of an update", () => {
	const open = (path: string): Flash =>
		({ path }) as unknown as Flash & { path: string };

	it("are the one that runs and the one that ESP-IDF would update next, opened once and not before", () => {
		const natives = new FakeNatives();
		natives.slot = 1;
		const opened: string[] = [];
		const slots = new OtaUpdateSlots(
			natives,
			(path) => {
				opened.push(path);
				return open(path);
			},
			unexpected,
		);
		assert.deepEqual([slots.runningSlot, slots.idleSlot], [1, 0]);
		assert.deepEqual(opened, []);
		assert.equal(slots.idle, slots.idle);
		assert.equal(slots.running, slots.running);
		assert.deepEqual(opened, ["nextota", "running"]);
	});

	it("switch, or say why not", () => {
		const natives = new FakeNatives();
		const slots = new OtaUpdateSlots(natives, open, unexpected);
		slots.activate();
		natives.error = 0x1503;
		assert.throws(() => slots.activate(), refusal(0x1503));
		assert.deepEqual(natives.calls, ["activate", "activate"]);
	});

	it("run an image that says what it is", () => {
		const natives = new FakeNatives();
		natives.description = writeDescription({
			secureVersion: 3,
			version: "1.20.3",
			project: "p".repeat(31),
			time: "",
			date: "",
			idfVersion: "v6.0",
			elfSha256: new Uint8Array(32),
		});
		assert.deepEqual(readDescription(natives), {
			project: "p".repeat(31),
			version: "1.20.3",
			securityVersion: 3,
		});
	});
});

describe("the key of updates", () => {
	const key = `04${"0a".repeat(64)}`;

	it("is the manifest's, where there is one", () => {
		assert.equal(updateKeyOf({ updateKey: key }, unexpected), key);
		for (const none of [undefined, {}, { updateKey: "" }])
			assert.equal(updateKeyOf(none, unexpected), undefined);
	});

	it("is none that is no point, and that is logged", () => {
		for (const wrong of ["04", key.slice(2), `${key}0`, 7, null]) {
			const logged: string[] = [];
			const found = updateKeyOf({ updateKey: wrong }, (_, message) =>
				logged.push(message),
			);
			assert.equal(found, undefined);
			assert.equal(logged.length, 1, String(wrong));
		}
	});
});

describe("the task watchdog", () => {
	it("is fed, within the time that it says", () => {
		const natives = new FakeNatives();
		const watchdog = new TaskWatchdog(natives, unexpected);
		watchdog.feed();
		assert.equal(watchdog.timeoutMs, 60_000);
		assert.deepEqual(natives.calls, ["feed"]);
	});

	it("logs once that it cannot be armed, and does not end the node for it", () => {
		const natives = new FakeNatives();
		natives.error = 0x103;
		const logged: string[] = [];
		const watchdog = new TaskWatchdog(natives, (_, message) =>
			logged.push(message),
		);
		watchdog.feed();
		watchdog.feed();
		assert.equal(logged.length, 1);
		assert.match(logged[0]!, /0x103/);
		assert.equal(natives.calls.length, 2);
	});
});

describe("the platform", () => {
	it("tells each reset reason by name, and one it does not know as unknown", () => {
		const natives = new FakeNatives();
		RESET_REASONS.forEach((name, code) => {
			natives.resetReason = code;
			assert.equal(new Platform(natives).resetReason, name);
		});
		natives.resetReason = 77;
		assert.equal(new Platform(natives).resetReason, "unknown");
	});

	it("tells that NVS was erased", () => {
		const natives = new FakeNatives();
		assert.equal(new Platform(natives).settingsErased, false);
		natives.settingsErased = 1;
		assert.equal(new Platform(natives).settingsErased, true);
	});

	it("tells what of XS's heap is live, after a collection, and was at most", () => {
		const natives = new FakeNatives();
		const platform = new Platform(natives);
		natives.xsHeap = [50_000, 65_536, 94_208];
		platform.heap();
		natives.xsHeap = [40_000, 65_536, 94_208];
		assert.deepEqual(platform.heap(), {
			usedBytes: 40_000,
			peakBytes: 50_000,
			limitBytes: 94_208,
		});
		assert.deepEqual(natives.calls, ["collect", "collect"]);
	});

	it("counts what the system has free to a heap that grows", () => {
		const natives = new FakeNatives();
		natives.xsHeap = [40_000, 65_536, 0];
		natives.systemFree = 100_000;
		assert.equal(new Platform(natives).heap().limitBytes, 165_536);
	});

	it("fills a view with chance, and nothing beside it", () => {
		const bytes = new Uint8Array(4);
		new Platform(new FakeNatives()).random(bytes.subarray(1, 3));
		assert.deepEqual(bytes, Uint8Array.of(0, 0x5a, 0x5a, 0));
	});

	it("tells the chip's number, or why it cannot", () => {
		const natives = new FakeNatives();
		assert.equal(new Platform(natives).serial(), "246f2800a1b2");
		natives.serialError = 0x101;
		assert.throws(() => new Platform(natives).serial(), PlatformError);
	});

	it("goes by the natives' time", () => {
		const natives = new FakeNatives();
		natives.uptimeMs = 1234;
		assert.equal(new Platform(natives).uptimeMs(), 1234);
	});

	it("keeps why XS aborts", () => {
		const natives = new FakeNatives();
		const global: { abort?: AbortHook } = {};
		new Platform(natives).watchAborts(global);
		global.abort?.("memory full");
		assert.deepEqual(natives.calls, ["aborting: memory full, 1234 free"]);
	});

	it("keeps what was thrown, where XS gives it, unless there is no memory to do so", () => {
		const natives = new FakeNatives();
		const global: { abort?: AbortHook } = {};
		new Platform(natives).watchAborts(global);
		global.abort?.("memory full", new Error("x"));
		global.abort?.("unhandled exception", "no error");
		const error = new Error("odd");
		error.stack = "at f (m.js:3)";
		global.abort?.("unhandled exception", error);
		assert.deepEqual(natives.calls, [
			"aborting: memory full, 1234 free",
			"aborting: unhandled exception, 1234 free",
			"aborting: unhandled exception, 1234 free",
			"aborting: unhandled exception: odd at f (m.js:3), 1234 free",
		]);
	});

	it("restarts", () => {
		const natives = new FakeNatives();
		assert.throws(() => new Platform(natives).restart(), PlatformError);
		assert.deepEqual(natives.calls, ["restart"]);
	});
});

describe("a buffer for FFI", () => {
	it("is a copy of the view's bytes alone", () => {
		const whole = Uint8Array.of(1, 2, 3, 4);
		const buffer = bufferOf(whole.subarray(1, 3));
		assert.deepEqual(new Uint8Array(buffer), Uint8Array.of(2, 3));
		new Uint8Array(buffer).fill(0);
		assert.deepEqual(whole, Uint8Array.of(1, 2, 3, 4));
	});
});
