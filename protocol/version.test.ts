import assert from "node:assert/strict";
import fc from "fast-check";
import { compareVersions, parseVersion } from "./version.ts";

const arbitraryVersion = fc
	.tuple(fc.nat(65535), fc.nat(65535), fc.nat(65535))
	.map((numbers) => numbers.join("."));

describe("a version", () => {
	it("is three numbers", () => {
		assert.deepEqual(parseVersion("1.20.3"), [1, 20, 3]);
		assert.deepEqual(parseVersion("0.0.65535"), [0, 0, 65535]);
	});

	for (const text of [
		"",
		"1",
		"1.2",
		"1.2.3.4",
		"1.2.",
		"1.2.x",
		"v1.2.3",
		"1.2.-3",
		"1.2.3-rc1",
		"01.2.3",
		"1.2.65536",
		"1.2.999999999999",
		"1.2.3 ",
		"1.2.3e1",
	])
		it(`is not "${text}"`, () => {
			assert.equal(parseVersion(text), null);
		});

	it("is compared number by number, the first that differs", () => {
		fc.assert(
			fc.property(arbitraryVersion, arbitraryVersion, (a, b) => {
				const [x = 0, y = 0, z = 0] = parseVersion(a) ?? [];
				const [p = 0, q = 0, r = 0] = parseVersion(b) ?? [];
				const expected = x - p || y - q || z - r;
				assert.equal(Math.sign(compareVersions(a, b)), Math.sign(expected));
			}),
		);
		assert.ok(compareVersions("1.10.0", "1.9.9") > 0);
	});

	it("is newer than what is none, and two that are none are the same", () => {
		assert.ok(compareVersions("0.0.0", "built by hand") > 0);
		assert.ok(compareVersions("built by hand", "0.0.0") < 0);
		assert.equal(compareVersions("a", "b"), 0);
	});
});
