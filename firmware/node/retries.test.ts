import assert from "node:assert/strict";
import { LINK_CODES } from "../../protocol/health-states.ts";
import { Retries } from "./retries.ts";

const make = (): Retries => new Retries(() => 0);

describe("retries", () => {
	it("wait twice as long after each failure, up to five minutes", () => {
		const retries = make();
		const waits = Array.from({ length: 12 }, (_, n) =>
			retries.lost("tcp", 1000 * n, false),
		);
		assert.deepEqual(waits.slice(0, 4), [1000, 2000, 4000, 8000]);
		assert.equal(waits.at(-1), 300_000);
		assert.equal(retries.retryAtMs, 11_000 + 300_000);
	});

	it("wait from one minute up to an hour on a battery", () => {
		const retries = make();
		const waits = Array.from({ length: 9 }, () => retries.lost("tcp", 0, true));
		assert.deepEqual(waits.slice(0, 3), [60_000, 120_000, 240_000]);
		assert.equal(waits.at(-1), 3_600_000);
	});

	it("begin anew once a connection was good for something", () => {
		const retries = make();
		retries.lost("tcp", 0, false);
		retries.lost("tcp", 0, false);
		retries.proven();
		assert.equal(retries.lost("tls", 0, false), 1000);
		assert.equal(retries.lostBy, "tls");
	});

	it("can be cut short", () => {
		const retries = make();
		retries.lost("tls", 5000, true);
		retries.retryNow(6000);
		assert.equal(retries.retryAtMs, 6000);
	});

	it("go on after a sleep as if there had been none", () => {
		const before = make();
		before.connected();
		before.connected();
		before.lost("wifi_password", 0, true);
		before.lost("wifi_password", 60_000, true);
		const after = make();
		after.resume({ ...before.retained, askAtMs: 0 });
		assert.deepEqual(after.retained, before.retained);
		assert.equal(after.reconnects, 1);
		assert.equal(after.lostBy, "wifi_password");
		assert.equal(after.takeLinkState(), LINK_CODES.wifi_password);
		assert.equal(after.lost("tcp", 0, true), 240_000);
	});

	it("tell the link of a node that slept as it was at the last connection", () => {
		const before = make();
		before.lost("tcp", 0, true);
		before.connected();
		before.proven();
		const after = make();
		after.resume({ ...before.retained, askAtMs: 0 });
		assert.equal(after.takeLinkState(), LINK_CODES.online);
		assert.equal(make().takeLinkState(), LINK_CODES.connecting);
	});

	it("count the connections after the first", () => {
		const retries = make();
		assert.equal(retries.reconnects, 0);
		retries.connected();
		assert.equal(retries.reconnects, 0);
		retries.connected();
		assert.equal(retries.reconnects, 1);
	});
});
