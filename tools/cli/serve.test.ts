import assert from "node:assert/strict";
import type { CommandError } from "./errors.ts";
import { Closing } from "./serve.ts";

describe("closing what was opened", () => {
	it("goes from the last to the first, and does nothing the second time", async () => {
		const closed: string[] = [];
		const closing = new Closing();
		for (const name of ["stores", "broker", "http"]) {
			closing.add(async () => {
				closed.push(name);
			});
		}
		await closing.closeAll();
		await closing.closeAll();
		assert.deepEqual(closed, ["http", "broker", "stores"]);
	});

	it("closes the rest when one fails, and says which failed", async () => {
		const closed: string[] = [];
		const closing = new Closing();
		closing.add(async () => {
			closed.push("stores");
		});
		closing.add(() => Promise.reject(new Error("The broker is stuck.")));
		closing.add(() => Promise.reject(new Error("So is HTTP.")));
		await assert.rejects(closing.closeAll(), (error: CommandError) => {
			assert.ok(error.cause instanceof AggregateError);
			assert.equal(error.cause.errors.length, 2);
			assert.match(error.message, /So is HTTP.*broker is stuck/);
			return true;
		});
		assert.deepEqual(closed, ["stores"]);
	});
});
