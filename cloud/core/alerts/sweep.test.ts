import assert from "node:assert/strict";
import { blockOf, DAY, gauge } from "../contracts/fixtures.ts";
import { type AlertCloud, alertCloud } from "../fakes/alert-cloud.ts";
import { StoreError } from "../ports.ts";
import type { AlertCondition } from "./ports.ts";

const MINUTE = 60_000;
const OFFLINE: AlertCondition = { type: "offline", forMs: 10 * MINUTE };
const NO_DATA: AlertCondition = {
	type: "no_data",
	channel: null,
	forMs: 10 * MINUTE,
};

describe("A sweep", () => {
	let cloud: AlertCloud;

	beforeEach(async () => {
		cloud = alertCloud(DAY);
		await cloud.stores.devices.create("boiler", DAY);
	});

	/** Sweeps at a minute of the day. */
	async function sweepAt(minute: number): Promise<void> {
		cloud.clock.now = DAY + minute * MINUTE;
		await cloud.alerts.sweep();
	}

	/** A block whose last sample is at that minute. */
	async function sendAt(minute: number, thing = "boiler"): Promise<void> {
		cloud.clock.now = DAY + minute * MINUTE;
		await cloud.accept(
			blockOf([1, 1], {
				sequence: minute,
				startUptimeMs: minute * MINUTE - 1000,
			}),
			thing,
		);
	}

	describe("for devices that are offline", () => {
		const seenAt = (minute: number, online: boolean) =>
			cloud.stores.devices.update("boiler", {
				online,
				lastSeenMs: DAY + minute * MINUTE,
			});

		it("fires when one has not been connected for so long, once, and ends when it is", async () => {
			await cloud.rule({ condition: OFFLINE });
			await seenAt(1, true);
			await sweepAt(30);
			await seenAt(31, false);
			await sweepAt(40);
			assert.deepEqual(await cloud.history(), []);
			await sweepAt(41);
			await sweepAt(42);
			assert.deepEqual(await cloud.history(), ["firing boiler"]);
			await seenAt(50, true);
			await sweepAt(50);
			await sweepAt(51);
			const [resolved, fired] = await cloud.stores.alerts.listEvents({
				limit: 9,
			});
			assert.equal(fired?.text, "It has not been connected for 10 min.");
			assert.equal(resolved?.text, "It has been connected again, after 9 min.");
			assert.equal(resolved.value, null);
		});

		it("takes one that comes and goes for short for connected", async () => {
			await cloud.rule({ condition: OFFLINE });
			for (let minute = 0; minute < 60; minute += 9) {
				await seenAt(minute, false);
				await sweepAt(minute + 9);
			}
			assert.deepEqual(await cloud.history(), []);
		});

		it("fires for one that has never been connected", async () => {
			await cloud.rule({ condition: OFFLINE });
			await sweepAt(9);
			assert.deepEqual(await cloud.history(), []);
			await sweepAt(10);
			assert.deepEqual(await cloud.history(), ["firing boiler"]);
		});

		it("finds none offline for the time that the cloud was off, and ends nothing by that", async () => {
			await cloud.rule({ condition: OFFLINE });
			await cloud.stores.devices.create("roof", DAY);
			const all = await cloud.rule({ condition: OFFLINE, device: null });
			await cloud.stores.devices.update("roof", {
				online: true,
				lastSeenMs: DAY + 15 * MINUTE,
			});
			await sweepAt(15);
			assert.deepEqual(await cloud.history(), [
				"firing boiler",
				"firing boiler",
			]);
			// Off until the 60th minute; devices connect again soon after.
			await cloud.stores.devices.update("roof", { online: false });
			cloud.alerts.listenFrom(DAY + 60 * MINUTE);
			await sweepAt(60);
			await sweepAt(69);
			assert.equal((await cloud.history()).length, 2);
			await sweepAt(70);
			assert.equal((await cloud.history()).length, 3);
			assert.equal((await cloud.state(all, "roof"))?.status, "firing");
		});

		it("asks for all devices that a rule is for", async () => {
			await cloud.stores.devices.create("roof", DAY);
			await cloud.rule({ condition: OFFLINE, device: null });
			await cloud.rule({ condition: OFFLINE, device: "roof", enabled: false });
			await sweepAt(10);
			assert.deepEqual((await cloud.history()).sort(), [
				"firing boiler",
				"firing roof",
			]);
		});
	});

	describe("for devices without data", () => {
		it("fires when there has been no reading for so long, and ends when there is one", async () => {
			await cloud.rule({ condition: NO_DATA });
			await sendAt(5);
			await sweepAt(14);
			assert.deepEqual(await cloud.history(), []);
			await sweepAt(15);
			await sweepAt(20);
			assert.deepEqual(await cloud.history(), ["firing boiler"]);
			await sendAt(21);
			await sweepAt(21);
			const [resolved, fired] = await cloud.stores.alerts.listEvents({
				limit: 9,
			});
			assert.equal(fired?.text, "There has been no reading for 10 min.");
			assert.equal(resolved?.text, "There are readings again, after 6 min.");
		});

		it("counts only readings of the channel, and no missing samples", async () => {
			const t: AlertCondition = { ...NO_DATA, channel: "t" };
			const rule = await cloud.rule({ condition: t });
			await sendAt(5);
			for (let minute = 6; minute < 30; minute++) {
				cloud.clock.now = DAY + minute * MINUTE;
				await cloud.accept(
					blockOf([1, null], {
						sequence: minute,
						startUptimeMs: minute * MINUTE - 1000,
						channels: [gauge("other"), gauge("t")],
						columns: [
							Int32Array.of(1, 1),
							Int32Array.of(-0x8000_0000, -0x8000_0000),
						],
					}),
				);
			}
			await sweepAt(14);
			assert.equal(await cloud.state(rule), null);
			await sweepAt(15);
			assert.equal((await cloud.state(rule))?.status, "firing");
			const [fired] = await cloud.stores.alerts.listEvents({ limit: 1 });
			assert.equal(fired?.text, "There has been no reading of t for 10 min.");
			await sendAt(31);
			await sweepAt(31);
			assert.equal((await cloud.state(rule))?.status, "resolved");
		});

		it("finds a reading in a long block that began before many short ones", async () => {
			const rule = await cloud.rule({
				condition: { ...NO_DATA, channel: "t" },
			});
			cloud.clock.now = DAY + 60 * MINUTE;
			const hour = Array.from({ length: 3600 }, () => 1);
			await cloud.accept(blockOf(hour, { sequence: 900 }));
			for (let i = 0; i < 20; i++) {
				await cloud.accept(
					blockOf([1], {
						sequence: i,
						startUptimeMs: 50 * MINUTE + i * 1000,
						channels: [gauge("other")],
					}),
				);
			}
			await sweepAt(69);
			assert.equal(await cloud.state(rule), null);
			await sweepAt(70);
			assert.equal((await cloud.state(rule))?.status, "firing");
		});

		it("counts readings whose time nobody knows from when they came", async () => {
			const rule = await cloud.rule({ condition: NO_DATA });
			const send = (minute: number) => {
				cloud.clock.now = DAY + minute * MINUTE;
				return cloud.accept(blockOf([1], { sequence: minute, clock: null }));
			};
			await send(1);
			await send(5);
			await sweepAt(14);
			assert.equal(await cloud.state(rule), null);
			await sweepAt(15);
			assert.equal((await cloud.state(rule))?.status, "firing");
			await send(16);
			await sweepAt(17);
			assert.equal((await cloud.state(rule))?.status, "resolved");
		});

		it("asks the store of a device that sends once in the time that it may be silent", async () => {
			await cloud.rule({ condition: NO_DATA });
			const { before } = cloud.stores.blocks;
			let asked = 0;
			cloud.stores.blocks.before = (...query) => {
				asked++;
				return before(...query);
			};
			for (let minute = 11; minute < 71; minute++) {
				await sendAt(minute);
				await sweepAt(minute);
			}
			assert.ok(asked <= 7, `${asked}`);
			assert.deepEqual(await cloud.history(), []);
		});
	});

	it("ends what nothing stands behind any more, and says why", async () => {
		const off = await cloud.rule();
		const moved = await cloud.rule();
		const changed = await cloud.rule();
		const gone = await cloud.rule({ device: null });
		const stays = await cloud.rule();
		const warm = (thing: string) =>
			cloud.accept(blockOf([40], { sequence: 1 }), thing);
		await warm("boiler");
		await warm("ghost");
		const { putRule } = cloud.stores.alerts;
		await putRule({ ...off, enabled: false });
		await putRule({ ...moved, device: "roof" });
		await putRule({
			...changed,
			condition: { ...changed.condition, forMs: 9 },
		});
		await sweepAt(1);
		await sweepAt(2);
		const ends = (await cloud.stores.alerts.listEvents({ limit: 99 })).filter(
			({ status }) => status === "resolved",
		);
		assert.deepEqual(
			ends.map(({ ruleId, device, text }) => [ruleId, device, text]).sort(),
			[
				[off.id, "boiler", "The rule has been turned off."],
				[moved.id, "boiler", "The rule is for another device now."],
				[
					changed.id,
					"boiler",
					"The rule has been changed, and is judged anew.",
				],
				[gone.id, "ghost", "There is no such device any more."],
			],
		);
		assert.equal((await cloud.state(stays))?.status, "firing");
		assert.equal((await cloud.state(gone))?.status, "firing");
	});

	it("removes what was judged by a rule that had just been removed", async () => {
		const rule = await cloud.rule();
		await cloud.accept(blockOf([40]));
		const state = await cloud.state(rule);
		await cloud.stores.alerts.deleteRule(rule.id);
		await cloud.stores.alerts.putState({
			...(state ?? assert.fail()),
			version: 1,
		});
		await sweepAt(1);
		assert.equal(await cloud.state(rule), null);
	});

	it("looks at the other devices when one cannot be looked at, and says so then", async () => {
		await cloud.stores.devices.create("roof", DAY);
		await cloud.rule({ condition: NO_DATA, device: null });
		const { before } = cloud.stores.blocks;
		cloud.stores.blocks.before = (thing, ...rest) =>
			thing === "boiler"
				? Promise.reject(new StoreError("unavailable", "No."))
				: before(thing, ...rest);
		await assert.rejects(sweepAt(10), StoreError);
		assert.deepEqual(await cloud.history(), ["firing roof"]);
	});

	it("looks at many devices at a time, not at all of them, and leaves none out", async () => {
		for (let i = 0; i < 99; i++) {
			await cloud.stores.devices.create(`roof-${i}`, DAY);
		}
		await cloud.rule({ condition: NO_DATA, device: null });
		const { before } = cloud.stores.blocks;
		let [underWay, most] = [0, 0];
		cloud.stores.blocks.before = async (...query) => {
			most = Math.max(most, ++underWay);
			await new Promise(setImmediate);
			underWay--;
			return before(...query);
		};
		await sweepAt(10);
		assert.equal(most, 32);
		assert.equal((await cloud.stores.alerts.listStates()).length, 100);
	});

	it("changes nothing more when two sweep at once", async () => {
		await cloud.rule({ condition: OFFLINE });
		cloud.clock.now = DAY + 10 * MINUTE;
		await Promise.all([cloud.alerts.sweep(), cloud.alerts.sweep()]);
		assert.deepEqual(await cloud.history(), ["firing boiler"]);
	});

	it("asks for no device where no rule needs it", async () => {
		await cloud.rule();
		cloud.stores.devices.list = () => assert.fail("It was asked.");
		await sweepAt(10);
	});
});
