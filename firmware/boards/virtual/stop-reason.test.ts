import assert from "node:assert/strict";
import { isResetReason, stopReason } from "./stop-reason.ts";
import { ExitCode } from "./wire.ts";

describe("why a machine stopped", () => {
	it("is what was done to it, before what its process says", () => {
		assert.equal(stopReason(null, "power_cut", true), "power_cut");
		assert.equal(stopReason(ExitCode.RESTART, undefined, true), "watchdog");
		assert.equal(stopReason(null, "unresponsive", false), "unresponsive");
	});

	it("is what its process says where nothing was done to it, or it crashed when it was asked to end", () => {
		for (const [code, reason] of [
			[ExitCode.RESTART, "restart"],
			[ExitCode.STOPPED, "stopped"],
			[ExitCode.OUT_OF_MEMORY, "out_of_memory"],
			[ExitCode.STACK_OVERFLOW, "stack_overflow"],
			[99, "crash"],
		] as const)
			for (const ending of [undefined, "stopped"] as const)
				assert.equal(stopReason(code, ending, false), reason);
	});

	it("is unknown where somebody else killed it", () => {
		assert.equal(stopReason(null, undefined, false), "unknown");
		assert.equal(stopReason(null, "stopped", false), "unknown");
	});

	it("is a reason for a reset where it was not meant to stop", () => {
		assert.ok(isResetReason("crash") && isResetReason("unknown"));
		assert.ok(!isResetReason("stopped") && !isResetReason("power_cut"));
	});
});
