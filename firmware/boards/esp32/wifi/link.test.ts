import assert from "node:assert/strict";
import { VirtualTimers } from "../../../node/fakes/virtual-timers.ts";
import type { Station } from "../../../node/ports.ts";
import { FakeRadio } from "../testing/fake-wifi.ts";
import { WifiLink } from "./link.ts";
import type { WifiReason } from "./reason.ts";

describe("the Wi-Fi link", () => {
	function setup(
		station: Station | undefined = { ssid: "lab", password: "p" },
		notBeforeMs?: number,
	) {
		const timers = new VirtualTimers();
		const radio = new FakeRadio();
		const world: { station: Station | undefined; reason: WifiReason } = {
			station,
			reason: "wifi",
		};
		const link = new WifiLink({
			io: radio.io,
			station: () => world.station,
			timers,
			reason: () => world.reason,
			log: () => undefined,
			...(notBeforeMs === undefined ? {} : { notBeforeMs }),
		});
		const heard: (WifiReason | "up")[] = [];
		const want = () => link.whenUp((failure) => heard.push(failure ?? "up"));
		return { timers, radio, world, link, heard, want };
	}

	it("leaves the radio alone until somebody wants it", () => {
		const { radio, timers } = setup();
		timers.advance(3_600_000);
		assert.equal(radio.open, 0);
	});

	it("joins with the station's name and password, and calls back when there is an address", () => {
		const { radio, timers, want, heard, link } = setup();
		want();
		assert.deepEqual(heard, []);
		timers.advance(0);
		assert.deepEqual(radio.attempts, [{ SSID: "lab", password: "p" }]);
		radio.become(400);
		assert.deepEqual(heard, []);
		assert.equal(link.up, false);
		radio.become(500);
		assert.deepEqual(heard, ["up"]);
		assert.equal(link.up, true);
		assert.equal(link.rssi(), -61);
	});

	it("leaves the network it has for another one that it is told, and comes back when told", () => {
		const { radio, timers, want, heard, link } = setup();
		want();
		timers.advance(0);
		radio.become(500);
		link.use({ ssid: "other", password: "q" });
		assert.equal(link.up, false);
		want();
		timers.advance(5000);
		assert.deepEqual(radio.attempts[1], { SSID: "other", password: "q" });
		radio.become(500);
		assert.deepEqual(heard, ["up", "up"]);
		link.use(null);
		want();
		timers.advance(5000);
		assert.deepEqual(radio.attempts[2], { SSID: "lab", password: "p" });
	});

	it("does not take the network that it is to leave for the other one", () => {
		const { radio, timers, want, heard, link } = setup();
		want();
		timers.advance(0);
		radio.become(500);
		link.use({ ssid: "other" });
		// The radio has not let go yet.
		radio.connection = 500;
		want();
		timers.advance(0);
		assert.notEqual(heard[heard.length - 1], "up");
		assert.equal(radio.attempts.length, 1);
		timers.advance(5000);
		want();
		timers.advance(5000);
		assert.deepEqual(radio.attempts[1], { SSID: "other" });
	});

	it("only remembers another network while the link is not wanted", () => {
		const { radio, timers, want, link } = setup();
		link.use({ ssid: "other" });
		timers.advance(60_000);
		assert.equal(radio.open, 0);
		want();
		timers.advance(0);
		assert.deepEqual(radio.attempts, [{ SSID: "other" }]);
	});

	it("joins an open network without a password", () => {
		const { radio, timers, want } = setup({ ssid: "open" });
		want();
		timers.advance(0);
		assert.deepEqual(radio.attempts, [{ SSID: "open" }]);
	});

	it("calls back later when it is up already", () => {
		const { radio, timers, want, heard } = setup();
		want();
		timers.advance(0);
		radio.become(500);
		want();
		assert.deepEqual(heard, ["up"]);
		timers.advance(0);
		assert.deepEqual(heard, ["up", "up"]);
		assert.equal(radio.attempts.length, 1);
	});

	it("finds a station that is joined already", () => {
		const { radio, timers, want, heard } = setup();
		radio.connection = 500;
		want();
		timers.advance(0);
		assert.deepEqual(heard, ["up"]);
		assert.equal(radio.attempts.length, 0);
	});

	for (const reason of ["wifi_password", "wifi_not_found", "wifi"] as const) {
		it(`tells ${reason} to all who wait`, () => {
			const { radio, timers, world, want, heard, link } = setup();
			world.reason = reason;
			want();
			want();
			timers.advance(0);
			radio.become(200);
			assert.deepEqual(heard, [reason, reason]);
			assert.equal(link.reason, reason);
			assert.equal(link.rssi(), undefined);
		});
	}

	it("says that no network is configured as one that is not found, and joins when there is one", () => {
		const { radio, timers, world, want, heard } = setup();
		world.station = undefined;
		want();
		timers.advance(0);
		assert.deepEqual(heard, ["wifi_not_found"]);
		world.station = { ssid: "lab" };
		timers.advance(2000);
		assert.deepEqual(radio.attempts, [{ SSID: "lab" }]);
	});

	it("gives up an attempt that gets no address, and says so once", () => {
		const { radio, timers, want, heard } = setup();
		want();
		timers.advance(0);
		radio.become(400);
		timers.advance(20_000);
		assert.deepEqual(heard, ["wifi"]);
		assert.equal(radio.disconnects, 1);
		radio.become(200);
		assert.deepEqual(heard, ["wifi"]);
	});

	it("fails, and tries again, when the SDK throws", () => {
		const { radio, timers, want, heard } = setup();
		radio.refusal = new Error("connect failed");
		want();
		timers.advance(0);
		assert.deepEqual(heard, ["wifi"]);
		radio.refusal = undefined;
		timers.advance(2000);
		assert.equal(radio.attempts.length, 1);
	});

	it("fails, and tries again, when the station cannot be read", () => {
		const timers = new VirtualTimers();
		const radio = new FakeRadio();
		let readable = false;
		const link = new WifiLink({
			io: radio.io,
			station: () => {
				if (!readable) throw new Error("nvs_open fail");
				return { ssid: "lab" };
			},
			timers,
			reason: () => "wifi",
			log: () => undefined,
		});
		const heard: (WifiReason | undefined)[] = [];
		link.whenUp((failure) => heard.push(failure));
		timers.advance(0);
		assert.deepEqual(heard, ["wifi"]);
		readable = true;
		timers.advance(2000);
		assert.equal(radio.attempts.length, 1);
	});

	it("joins again by itself with back-off, at most a minute and a quarter apart", () => {
		const { radio, timers, want } = setup();
		want();
		timers.advance(0);
		const waitsMs: number[] = [];
		for (let attempt = 2; attempt <= 12; attempt++) {
			const failedAtMs = timers.uptimeMs();
			radio.become(200);
			while (radio.attempts.length < attempt) timers.advance(10);
			waitsMs.push(timers.uptimeMs() - failedAtMs);
		}
		assert.ok((waitsMs[0] ?? 0) >= 1000 && (waitsMs[0] ?? 0) <= 1260);
		for (const waitMs of waitsMs) assert.ok(waitMs <= 75_010);
		assert.ok((waitsMs.at(-1) ?? 0) >= 60_000);
	});

	it("starts its back-off anew after it was up", () => {
		const { radio, timers, want } = setup();
		want();
		timers.advance(0);
		for (let n = 0; n < 8; n++) {
			radio.become(200);
			timers.advance(80_000);
		}
		radio.become(500);
		radio.become(200);
		const attempts = radio.attempts.length;
		timers.advance(1260);
		assert.equal(radio.attempts.length, attempts + 1);
	});

	it("tries at once when somebody wants it while it waits", () => {
		const { radio, timers, want } = setup();
		want();
		timers.advance(0);
		for (let n = 0; n < 8; n++) {
			radio.become(200);
			timers.advance(80_000);
		}
		radio.become(200);
		const attempts = radio.attempts.length;
		want();
		timers.advance(0);
		assert.equal(radio.attempts.length, attempts + 1);
	});

	it("does not disturb an attempt under way for one more who wants it", () => {
		const { radio, timers, want } = setup();
		want();
		timers.advance(0);
		want();
		timers.advance(1000);
		assert.equal(radio.attempts.length, 1);
	});

	it("does not call who has taken the wish back", () => {
		const { radio, timers, want, heard } = setup();
		const first = want();
		timers.advance(0);
		first();
		radio.become(500);
		const second = want();
		second();
		timers.advance(1000);
		assert.deepEqual(heard, []);
	});

	it("tells listeners of each change, until they stop listening", () => {
		const { radio, timers, want, link, world } = setup();
		const changes: (WifiReason | undefined)[] = [];
		const end = link.onChange((reason) => changes.push(reason));
		want();
		timers.advance(0);
		radio.become(500);
		world.reason = "wifi_not_found";
		radio.become(200);
		end();
		timers.advance(2000);
		radio.become(500);
		assert.deepEqual(changes, [undefined, "wifi_not_found"]);
	});

	it("does not start the radio before it may, however often it is wanted", () => {
		const { radio, timers, want, heard } = setup({ ssid: "lab" }, 60_000);
		want();
		timers.advance(30_000);
		want();
		timers.advance(29_999);
		assert.deepEqual([radio.open, heard], [0, []]);
		timers.advance(1);
		assert.equal(radio.attempts.length, 1);
		radio.become(500);
		assert.deepEqual(heard, ["up", "up"]);
	});

	it("starts the radio at once when the time before which it may not has passed", () => {
		const { radio, timers, want } = setup({ ssid: "lab" }, 60_000);
		timers.advance(60_000);
		want();
		timers.advance(0);
		assert.equal(radio.attempts.length, 1);
	});

	it("does not start the radio after the rest when it was stopped meanwhile", () => {
		const { radio, timers, want, link } = setup({ ssid: "lab" }, 60_000);
		want();
		link.stop();
		timers.advance(600_000);
		assert.equal(radio.open, 0);
	});

	it("lets go of the radio when it is stopped, and joins anew when it is wanted again", () => {
		const { radio, timers, want, heard, link } = setup();
		want();
		timers.advance(0);
		link.stop();
		timers.advance(600_000);
		assert.deepEqual(heard, []);
		assert.equal(radio.open, 0);
		assert.equal(radio.disconnects, 1);
		want();
		timers.advance(0);
		radio.become(500);
		assert.deepEqual(heard, ["up"]);
		assert.equal(radio.open, 1);
	});
});
