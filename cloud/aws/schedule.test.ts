import assert from "node:assert/strict";
import { StoreError } from "../core/ports.ts";
import { lambdaContext } from "./fakes/events.ts";
import { memoryLog } from "./fakes/memory-log.ts";
import { ScheduleFailed, scheduleHandler } from "./schedule.ts";

const SLICE_MS = 2000;

/** Everything that is done takes two seconds of the 55 that there are. */
function schedule(
	plan: {
		/** How many slices of rollups there are. */
		readonly slices?: number;
		/** How many rounds of deliveries there are. */
		readonly rounds?: number;
		readonly failing?: ReadonlySet<string>;
	} = {},
) {
	let { slices = 1, rounds = 1 } = plan;
	const { failing = new Set<string>() } = plan;
	let remainingMs = 55_000;
	const done: string[] = [];
	const log = memoryLog();
	async function step(what: string): Promise<void> {
		remainingMs -= SLICE_MS;
		if (failing.has(what)) throw new StoreError("throttled", `No ${what} now.`);
		done.push(what);
	}
	const run = scheduleHandler({
		alerts: {
			sweep: () => step("sweep"),
			async deliverDue() {
				await step("deliver");
				return --rounds > 0;
			},
		},
		rollups: {
			async refreshSome() {
				await step("rollups");
				return --slices > 0;
			},
		},
		log,
	});
	const context = lambdaContext("schedule", () => remainingMs);
	return { done, log, run: () => run({}, context), left: () => remainingMs };
}

describe("The schedule function", () => {
	it("delivers what is due, looks for silent devices and counts rollups, until there is no more", async () => {
		const { done, log, run } = schedule({ slices: 3, rounds: 2 });
		await run();
		assert.deepEqual(done, [
			...["deliver", "deliver"],
			"sweep",
			...["rollups", "rollups", "rollups"],
		]);
		assert.equal(log.of("scheduled")[0]?.slices, 3);
	});

	it("ends well before its time is over, and leaves the rest to the next minute", async () => {
		const { done, run, left } = schedule({ slices: 1000 });
		await run();
		assert.ok(left() > 5000 && left() <= 10_000, String(left()));
		assert.equal(done.length, 23);
	});

	it("does not let one that fails keep the others from their turn, and fails when all have had it", async () => {
		for (const what of ["sweep", "deliver"]) {
			const { done, log, run } = schedule({ failing: new Set([what]) });
			await assert.rejects(run(), (error) => {
				assert.ok(error instanceof ScheduleFailed);
				assert.ok(error.cause instanceof StoreError);
				return true;
			});
			assert.ok(done.includes("rollups"));
			assert.ok(!done.includes(what));
			assert.equal(
				log.lines.filter(({ level }) => level === "error").length,
				1,
			);
		}
	});

	it("goes on with other slices of rollups when one fails, but not for ever", async () => {
		const { log, run } = schedule({ failing: new Set(["rollups"]) });
		await assert.rejects(run(), ScheduleFailed);
		assert.equal(log.of("rollups_failed").length, 3);
		assert.equal(log.of("rollups_failed")[0]?.code, "throttled");
	});
});
