import assert from "node:assert/strict";
import { isIPv4 } from "node:net";
import { hostname } from "node:os";
import { UsageError } from "./errors.ts";
import { hostAndPort, parseHost } from "./host.ts";

describe("the address that a cloud binds to", () => {
	for (const [text, host] of [
		["127.0.0.1", "127.0.0.1"],
		["localhost", "localhost"],
		["::1", "::1"],
		["[::1]", "::1"],
		["0:0:0:0:0:0:0:1", "::1"],
		["192.0.2.2", "192.0.2.2"],
		["cloud.example", "cloud.example"],
	] as const) {
		it(`${text} is reached as ${host} from everywhere`, () => {
			assert.deepEqual(parseHost(text, "--host"), {
				bind: host,
				local: host,
				device: host,
				names: [],
			});
		});
	}

	for (const [text, bind, local] of [
		["0.0.0.0", "0.0.0.0", "127.0.0.1"],
		["::", "::", "::1"],
		["[0:0::0]", "::", "::1"],
	] as const) {
		it(`${text} is reached by loopback here, and by an address of this machine from devices`, () => {
			const reach = parseHost(text, "--host");
			assert.deepEqual([reach.bind, reach.local], [bind, local]);
			assert.ok(!["0.0.0.0", "::", "127.0.0.1", "::1"].includes(reach.device));
			assert.ok(
				text !== "0.0.0.0" ||
					isIPv4(reach.device) ||
					reach.device === hostname(),
			);
		});
	}

	for (const text of [
		"",
		"a b",
		"http://x",
		"x/y",
		"a@b",
		"[::1",
		"::1::",
		"fe80::1%eth0",
		"x:8883",
	]) {
		it(`"${text}" is none`, () => {
			assert.throws(
				() => parseHost(text, "--host"),
				(error: unknown) => {
					assert.ok(error instanceof UsageError);
					assert.match(error.message, /^--host: /);
					return true;
				},
			);
		});
	}

	it("has names beside, of which devices are told the first", () => {
		const reach = parseHost("0.0.0.0", "--host", ["Cloud.example", "[::2]"]);
		assert.deepEqual(reach.names, ["cloud.example", "::2"]);
		assert.equal(reach.device, "cloud.example");
		assert.equal(reach.local, "127.0.0.1");
	});

	for (const name of ["cloud.example:8883", "mqtts://cloud.example", "0.0.0.0"])
		it(`has not the name "${name}"`, () => {
			assert.throws(
				() => parseHost("::", "--host", [name]),
				(error: unknown) => {
					assert.ok(error instanceof UsageError);
					assert.match(error.message, /^--name: /);
					return true;
				},
			);
		});

	it("stands in brackets before a port when it is IPv6", () => {
		assert.equal(hostAndPort("::1", 8883), "[::1]:8883");
		assert.equal(hostAndPort("127.0.0.1", 8883), "127.0.0.1:8883");
		assert.equal(hostAndPort("localhost", 8883), "localhost:8883");
	});
});
