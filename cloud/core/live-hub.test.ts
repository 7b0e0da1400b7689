import assert from "node:assert/strict";
import { type LiveEvent, LiveHub } from "./live-hub.ts";

describe("LiveHub", () => {
	const live = (thing: string, ...bytes: number[]): LiveEvent => ({
		type: "live",
		thing,
		bytes: Uint8Array.from(bytes),
	});

	it("tells every listener until it leaves", () => {
		const hub = new LiveHub();
		const heard: string[] = [];
		const leave = hub.subscribe((event) => heard.push(`a ${event.thing}`));
		hub.subscribe((event) => heard.push(`b ${event.thing}`));
		hub.publish(live("roof", 1));
		leave();
		leave();
		hub.publish(live("boiler", 1));
		assert.deepEqual(heard, ["a roof", "b roof", "b boiler"]);
	});

	it("keeps the last 600 live messages of each thing, and no other events", () => {
		const hub = new LiveHub();
		for (let i = 0; i < 700; i++) hub.publish(live("roof", i & 255, i >> 8));
		hub.publish({ type: "block", thing: "boiler", startMs: 1, spanMs: 1 });
		const recent = hub.recent("roof");
		assert.equal(recent.length, 600);
		assert.deepEqual([...(recent[0] ?? [])], [100, 0]);
		assert.deepEqual(hub.recent("boiler"), []);
	});

	it("forgets the thing that has been silent longest when it keeps too much", () => {
		const hub = new LiveHub({ keptBytes: 10 });
		hub.publish(live("a", 1, 1, 1, 1));
		hub.publish(live("b", 2, 2, 2, 2));
		hub.publish(live("a", 3));
		hub.publish(live("c", 4, 4, 4, 4));
		assert.deepEqual(hub.recent("b"), []);
		assert.equal(hub.recent("a").length, 2);
		assert.equal(hub.recent("c").length, 1);
	});
});
