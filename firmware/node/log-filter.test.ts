import assert from "node:assert/strict";
import { FakeSystem } from "./fakes/board.ts";
import { LevelledSystem } from "./log-filter.ts";

describe("log filter", () => {
	it("lets through what is at least as grave as its level", () => {
		const system = new FakeSystem();
		const levelled = new LevelledSystem(system);
		for (const level of ["error", "warn", "info", "debug"] as const) {
			levelled.level = level;
			for (const of of ["error", "warn", "info", "debug"] as const)
				levelled.log(of, level);
		}
		const passed = (level: string): number =>
			system.logs.filter((line) => line.endsWith(`: ${level}`)).length;
		assert.deepEqual(
			["error", "warn", "info", "debug"].map(passed),
			[1, 2, 3, 4],
		);
	});

	it("passes everything else on to the board", () => {
		const system = new FakeSystem();
		const levelled = new LevelledSystem(system);
		levelled.report({ event: "online", boot: 1 });
		assert.equal(system.reportsOf("online").length, 1);
		assert.deepEqual(levelled.heap(), system.heap());
		assert.equal(levelled.firmware, "1.2.3");
		assert.throws(() => levelled.restart());
		const bytes = new Uint8Array(4);
		levelled.random(bytes);
		assert.ok(bytes.some((byte) => byte !== 0));
	});
});
