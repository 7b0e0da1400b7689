import assert from "node:assert/strict";
import { AlertSchedule, SWEEP_EVERY_MS } from "./schedule.ts";

describe("The schedule of alerts", () => {
	/** What waits for its time, soonest first. */
	let waiting: { readonly atMs: number; readonly run: () => void }[];
	let now: number;
	let calls: string[];
	let errors: unknown[];
	let alerts: ConstructorParameters<typeof AlertSchedule>[0]["alerts"];
	let schedule: AlertSchedule;

	beforeEach(() => {
		waiting = [];
		now = 1000;
		calls = [];
		errors = [];
		alerts = {
			onOutbox: () => undefined,
			listenFrom: (timeMs) => calls.push(`listen ${timeMs}`),
			resume: async () => {
				calls.push("resume");
			},
			sweep: async () => {
				calls.push("sweep");
			},
			deliverDue: async () => {
				calls.push("deliver");
				return false;
			},
		};
		schedule = new AlertSchedule({
			alerts,
			clock: { nowMs: () => now },
			timers: {
				after(delayMs, run) {
					const one = { atMs: now + delayMs, run };
					waiting.push(one);
					return () => {
						waiting = waiting.filter((other) => other !== one);
					};
				},
			},
			onError: (error) => errors.push(error),
		});
	});

	/** Lets time pass until what is next. */
	async function next(): Promise<void> {
		const [one] = waiting.splice(0, 1);
		assert.ok(one, "something waits");
		now = Math.max(now, one.atMs);
		one.run();
		await new Promise(setImmediate);
		assert.equal(waiting.length, 1, "one thing waits at a time");
	}

	it("sweeps and delivers at once and then again and again, listening from its start", async () => {
		schedule.start();
		schedule.start();
		await next();
		await next();
		assert.deepEqual(calls, [
			"listen 1000",
			"resume",
			"sweep",
			"deliver",
			"sweep",
			"deliver",
		]);
		assert.equal(now, 1000 + SWEEP_EVERY_MS);
	});

	it("delivers at once what there is to deliver, and sweeps no sooner for it", async () => {
		schedule.start();
		await next();
		calls = [];
		now += 500;
		alerts.onOutbox();
		alerts.onOutbox();
		await next();
		assert.equal(now, 1500);
		assert.deepEqual(calls, ["deliver"]);
		await next();
		assert.equal(now, 1000 + SWEEP_EVERY_MS);
	});

	it("delivers once more for what has come while it delivered, and while there is more", async () => {
		const answers = [true, false];
		alerts.deliverDue = async () => {
			calls.push("deliver");
			if (answers.length === 1) alerts.onOutbox();
			return answers.shift() ?? false;
		};
		schedule.start();
		await next();
		await next();
		await next();
		assert.equal(now, 1000);
		assert.deepEqual(calls, [
			"listen 1000",
			"resume",
			"sweep",
			"deliver",
			"deliver",
			"deliver",
		]);
	});

	it("tells of what fails, and goes on", async () => {
		alerts.sweep = () => Promise.reject(new Error("sweep"));
		alerts.deliverDue = () => Promise.reject(new Error("deliver"));
		schedule.start();
		await next();
		await next();
		assert.deepEqual(
			errors.map((error) => (error as Error).message),
			["sweep", "deliver", "sweep", "deliver"],
		);
	});

	it("does nothing any more once it has been stopped, and ends what it does first", async () => {
		let end: () => void = () => undefined;
		alerts.deliverDue = () =>
			new Promise((resolve) => {
				end = () => resolve(false);
			});
		schedule.start();
		const [one] = waiting.splice(0, 1);
		one?.run();
		await new Promise(setImmediate);
		let isStopped = false;
		const stopped = schedule.stop().then(() => {
			isStopped = true;
		});
		await new Promise(setImmediate);
		assert.equal(isStopped, false);
		end();
		await stopped;
		alerts.onOutbox();
		assert.equal(waiting.length, 0);
	});
});
