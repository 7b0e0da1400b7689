import assert from "node:assert/strict";
import { type HandOver, trustFor } from "./trust.ts";

const over = (
	version: string,
	key: string,
	nextKey: string,
	isWithdrawn = false,
): HandOver => ({ version, key, nextKey, isWithdrawn });
const keysFor = (version: string, ...handOvers: readonly HandOver[]) =>
	trustFor("a", handOvers, version).keys;

describe("The keys that count for a version", () => {
	it("are the cloud's own alone where nothing was handed over", () => {
		assert.deepEqual(trustFor("a", [], "1.0.0"), { keys: ["a"], ended: [] });
		assert.deepEqual(keysFor("2.0.0", over("1.0.0", "x", "y")), ["a"]);
	});

	it("change after the version that hands over, along the whole chain, in whatever order it is read", () => {
		const chain = [over("3.0.0", "b", "c"), over("2.0.0", "a", "b")];
		assert.deepEqual(keysFor("3.0.1", ...chain), ["c"]);
		assert.deepEqual(keysFor("3.0.0", ...chain), ["b", "c"]);
		assert.deepEqual(keysFor("2.0.0", ...chain), ["a", "b", "c"]);
		assert.deepEqual(trustFor("a", chain, "9.0.0").ended, chain);
	});

	it("are both where the one that handed over was withdrawn", () => {
		assert.deepEqual(keysFor("3.0.0", over("2.0.0", "a", "b", true)), [
			"a",
			"b",
		]);
	});

	it("can come back to one that has been", () => {
		const back = [over("2.0.0", "a", "b"), over("3.0.0", "b", "a")];
		assert.deepEqual(keysFor("2.5.0", ...back), ["b"]);
		assert.deepEqual(keysFor("4.0.0", ...back), ["a"]);
		const itself = over("2.0.0", "a", "a");
		assert.deepEqual(keysFor("3.0.0", itself), ["a"]);
	});

	it("are compared by version, not as text", () => {
		assert.deepEqual(keysFor("1.10.0", over("1.9.0", "a", "b")), ["b"]);
	});
});
