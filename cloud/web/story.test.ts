import assert from "node:assert/strict";
import { crashText, goingOn, jobText } from "./story.ts";
import type { CrashInfo, JobInfo } from "./story-client.ts";

function job(change: Partial<JobInfo>): JobInfo {
	return {
		job: "update",
		status: "QUEUED",
		statusDetails: {},
		at: "2026-03-01T12:00:00.000Z",
		waitsFor: null,
		...change,
	};
}

describe("A device's job in words", () => {
	for (const [change, isOnline, text] of [
		[{}, true, "is about to begin"],
		[{}, false, "waits until the device is back"],
		[{ waitsFor: "update-1" }, false, "waits for update-1"],
		[{ status: "IN_PROGRESS" }, true, "in progress"],
		[
			{
				status: "IN_PROGRESS",
				statusDetails: { step: "loading", version: "1.2.0", progress: "40" },
			},
			true,
			"loading 1.2.0, 40 %",
		],
		[
			{
				status: "IN_PROGRESS",
				statusDetails: { step: "checking", progress: "a lot" },
			},
			true,
			"checking",
		],
		[{ status: "SUCCEEDED" }, true, "succeeded"],
		[{ status: "TIMED_OUT" }, true, "timed out"],
		[
			{
				status: "FAILED",
				statusDetails: { reason: "not_sent", detail: "No." },
			},
			true,
			"failed: not_sent: No.",
		],
	] as const) {
		it(`is "${text}"`, () => {
			assert.equal(jobText(job(change), isOnline), text);
		});
	}

	it("stands before those that the device does later", () => {
		const jobs = goingOn([
			job({ job: "c", at: "2026-03-01T12:00:02.000Z", waitsFor: "b" }),
			job({ job: "d", status: "FAILED" }),
			job({ job: "b", at: "2026-03-01T12:00:01.000Z", waitsFor: "a" }),
			job({ job: "a", status: "IN_PROGRESS", at: "2026-03-01T13:00:00.000Z" }),
		]);
		assert.deepEqual(
			jobs.map((one) => one.job),
			["a", "b", "c"],
		);
	});
});

describe("A crash in words", () => {
	const CRASH: CrashInfo = {
		told: "2026-03-01T12:00:00.000Z",
		time: null,
		reason: "watchdog",
		boot: 3,
		uptimeMs: null,
		firmware: null,
		freeBytes: null,
		cause: null,
		untold: 0,
	};

	it("leaves out what nobody knows", () => {
		assert.equal(crashText(CRASH), "");
	});

	it("has uptime in its largest unit, the heap, the version, and how many came before", () => {
		const text = crashText({
			...CRASH,
			uptimeMs: 7_300_000,
			freeBytes: 20_480,
			firmware: "1.0.0",
			untold: 2,
		});
		assert.equal(
			text,
			"after 2 h, 20,480 B free, firmware 1.0.0, 2 more before it",
		);
		assert.equal(crashText({ ...CRASH, uptimeMs: 900 }), "after 900 ms");
	});
});
