import assert from "node:assert/strict";
import fc from "fast-check";
import {
	FAKE_EPOCH_MS,
	type FakeBoard,
	makeBoard,
	makeDurable,
} from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { FakeJobs } from "./fakes/job-service.ts";
import { JOB_KEY } from "./jobs.ts";
import { startNode } from "./node.ts";
import type { Station } from "./ports.ts";
import { RESET_KEY } from "./restarts.ts";
import { WIFI_KEY, WIFI_TRIAL_MS } from "./wifi-change.ts";

const MINUTE_MS = 60_000;
const REBOOT = { operation: "reboot", version: 1 };
const WIFI = {
	operation: "wifi",
	version: 1,
	ssid: "new",
	password: "12345678",
};

class Restarted extends Error {
	override readonly name = "Restarted";
}

/** A node over its restarts, which its board does when it is told to, and its jobs. */
class Rig {
	readonly durable = makeDurable();
	readonly cloud = new FakeCloud();
	readonly jobs: FakeJobs;
	board: FakeBoard;
	boots = 0;
	/** What `WifiSwitch.use` was given, and which networks let the node through. */
	readonly used: (Station | null)[] = [];
	goodNetworks: readonly string[] = ["old"];
	hasWifi = true;
	now = 0;

	constructor(prepare: (rig: Rig) => void = () => undefined) {
		this.board = makeBoard(this.durable);
		this.jobs = new FakeJobs(this.board.network);
		prepare(this);
		this.boot();
	}

	get settings() {
		return this.durable.settings;
	}

	/** Starts anew, as after a loss of power. */
	boot(): void {
		this.boots++;
		this.board.timers.clearAll();
		this.board = makeBoard(
			this.durable,
			this.boots,
			FAKE_EPOCH_MS + this.boots * 86_400_000,
		);
		const { network, system } = this.board;
		this.jobs.network = network;
		network.grants = (filter) => (filter.includes("/jobs/") ? 1 : 0x80);
		network.onMessage = (message) => {
			if (message.topic.includes("/shadow/")) return;
			if (!this.jobs.take(message)) this.cloud.take(message);
		};
		system.resetReason = this.boots === 1 ? "power_on" : "restart";
		system.restart = () => {
			throw new Restarted();
		};
		const joined = (station: Station | null): void => {
			const ssid = station?.ssid ?? stored(this) ?? "old";
			network.failWith = this.goodNetworks.includes(ssid)
				? null
				: "wifi_not_found";
		};
		joined(null);
		const wifi = {
			use: (station: Station | null) => {
				this.used.push(station);
				joined(station);
			},
		};
		startNode({ ...this.board, ...(this.hasWifi ? { wifi } : {}) });
	}

	run(ms: number): void {
		const endMs = this.now + ms;
		while (this.now < endMs) {
			this.now += 100;
			try {
				this.board.timers.advance(100);
			} catch (error) {
				if (!(error instanceof Restarted)) throw error;
				this.boot();
			}
		}
	}
}

function stored({ settings }: Rig): string | undefined {
	const text = settings.get(WIFI_KEY);
	return text === undefined ? undefined : JSON.parse(text).ssid;
}

describe("the jobs of a node", () => {
	it("are asked for on each connection, and cost one question where there is none", () => {
		const rig = new Rig();
		rig.run(MINUTE_MS);
		const asked = () =>
			rig.board.network.messages.filter(({ topic }) => topic.includes("/jobs/"))
				.length;
		assert.equal(asked(), 1);
		rig.board.network.drop();
		rig.run(MINUTE_MS);
		assert.equal(asked(), 2);
	});

	it("are taken as soon as they are made, and one after the other", () => {
		const rig = new Rig();
		rig.run(5000);
		rig.jobs.make("a", { operation: "dance", version: 1 });
		rig.jobs.make("b", { operation: "dance", version: 1 });
		rig.run(5000);
		assert.deepEqual(rig.jobs.told, [
			"a REJECTED unknown_operation",
			"b REJECTED unknown_operation",
		]);
		assert.equal(rig.settings.get(JOB_KEY), undefined);
	});

	it("are rejected by the name of what is wrong with their documents", () => {
		for (const [document, reason] of [
			["text", "bad_document"],
			[{}, "bad_document"],
			[{ operation: "reboot", version: 2 }, "unknown_version"],
			[{ operation: "reboot", version: 1, when: "now" }, "bad_member"],
			[{ ...WIFI, password: "short" }, "bad_member"],
			// Known to the documents, and not to this firmware.
			[{ operation: "rotate", version: 1 }, "unknown_operation"],
			[
				{ operation: "reboot", version: 1, filler: "x".repeat(5000) },
				"document_too_long",
			],
		] as const) {
			const rig = new Rig();
			rig.jobs.make("a", document);
			rig.run(10_000);
			assert.deepEqual(rig.jobs.told, [`a REJECTED ${reason}`]);
			assert.equal(rig.boots, 1);
		}
	});

	it("reboot the node once, and succeed when it is back", () => {
		const rig = new Rig();
		rig.run(5000);
		rig.jobs.make("a", REBOOT);
		rig.run(MINUTE_MS);
		assert.equal(rig.boots, 2);
		assert.deepEqual(rig.jobs.told, ["a SUCCEEDED"]);
		assert.equal(rig.jobs.executions[0]?.statusDetails.resetReason, "restart");
		rig.run(5 * MINUTE_MS);
		assert.equal(rig.boots, 2);
	});

	it("do not reboot a node that could not remember it", () => {
		const rig = new Rig();
		rig.run(5000);
		rig.settings.set = () => {
			throw new Error("no space");
		};
		rig.jobs.make("a", REBOOT);
		rig.run(MINUTE_MS);
		assert.equal(rig.boots, 1);
		assert.deepEqual(rig.jobs.told, ["a FAILED not_stored"]);
	});

	it("tell how they ended until that is accepted, over lost answers, connections and power", () => {
		const rig = new Rig();
		rig.run(5000);
		rig.jobs.make("a", REBOOT);
		while (rig.boots < 2) rig.run(100);
		rig.jobs.rejectWith = "InternalError";
		rig.run(2 * MINUTE_MS);
		rig.board.network.drop();
		rig.boot();
		rig.run(MINUTE_MS);
		assert.deepEqual(rig.jobs.told, []);
		assert.notEqual(rig.settings.get(JOB_KEY), undefined);
		rig.jobs.rejectWith = null;
		rig.jobs.losesAnswer = () => true;
		rig.run(2 * MINUTE_MS);
		assert.deepEqual(rig.jobs.told, ["a SUCCEEDED"]);
		// It has been done, though the node has not heard of it.
		rig.jobs.losesAnswer = () => false;
		rig.run(5 * MINUTE_MS);
		assert.deepEqual(rig.jobs.told, ["a SUCCEEDED"]);
		assert.equal(rig.settings.get(JOB_KEY), undefined);
		assert.equal(rig.boots, 3);
	});

	it("are told although somebody has written to them meanwhile", () => {
		const rig = new Rig((at) => {
			at.goodNetworks = ["old", "new"];
		});
		rig.run(5000);
		const job = rig.jobs.make("a", WIFI);
		rig.run(100);
		job.versionNumber += 7;
		rig.run(MINUTE_MS);
		assert.deepEqual(rig.jobs.told, ["a SUCCEEDED"]);
	});

	it("that are damaged in the settings are forgotten, and given again", () => {
		for (const text of ["{", "[]", '{"id":3}', '{"id":"a","number":1}']) {
			const rig = new Rig((at) => at.settings.set(JOB_KEY, text));
			rig.jobs.make("a", REBOOT);
			rig.run(MINUTE_MS);
			assert.deepEqual(rig.jobs.told, ["a SUCCEEDED"], text);
		}
	});

	it("are asked for again where the service does not answer, less and less often", () => {
		const rig = new Rig();
		rig.jobs.losesAnswer = () => true;
		rig.run(10 * MINUTE_MS);
		const asked = rig.board.network.messages.filter(({ topic }) =>
			topic.endsWith("/start-next"),
		).length;
		assert.ok(asked >= 3 && asked < 9, `${asked} times`);
	});

	describe("that change its network", () => {
		it("use the new one from then on, over restarts", () => {
			const rig = new Rig((at) => {
				at.goodNetworks = ["old", "new"];
			});
			rig.run(5000);
			rig.jobs.make("a", WIFI);
			rig.run(MINUTE_MS);
			assert.deepEqual(rig.jobs.told, ["a SUCCEEDED"]);
			assert.deepEqual(rig.used, [{ ssid: "new", password: "12345678" }]);
			assert.equal(stored(rig), "new");
			assert.ok(!`${rig.settings.get(JOB_KEY)}`.includes("12345678"));
		});

		it("go back to the old one when the new one does not work in time, and say why", () => {
			const rig = new Rig();
			rig.run(5000);
			rig.jobs.make("a", WIFI);
			rig.run(WIFI_TRIAL_MS + MINUTE_MS);
			assert.deepEqual(rig.jobs.told, ["a FAILED wifi_not_found"]);
			assert.deepEqual(rig.used, [{ ssid: "new", password: "12345678" }, null]);
			assert.equal(stored(rig), undefined);
			assert.deepEqual(
				[...rig.board.sensor.given.keys()].length > 200,
				true,
				"it went on measuring",
			);
		});

		it("go back to the old one after a restart in the middle", () => {
			const rig = new Rig();
			rig.run(5000);
			rig.jobs.make("a", WIFI);
			rig.run(MINUTE_MS);
			rig.boot();
			rig.run(MINUTE_MS);
			assert.deepEqual(rig.jobs.told, ["a FAILED restarted"]);
			assert.equal(stored(rig), undefined);
		});

		it("go back to the old one when it cannot be stored, or the job is cancelled", () => {
			const full = new Rig((at) => {
				at.goodNetworks = ["old", "new"];
			});
			full.run(5000);
			const set = full.settings.set.bind(full.settings);
			full.settings.set = (key, value) => {
				if (key === WIFI_KEY) throw new Error("no space");
				set(key, value);
			};
			full.jobs.make("a", WIFI);
			full.run(MINUTE_MS);
			assert.deepEqual(full.jobs.told, ["a FAILED not_stored"]);
			assert.equal(full.used.length, 2);
			assert.equal(full.used[1], null);
		});

		it("are unknown to a board without Wi-Fi", () => {
			const rig = new Rig((at) => {
				at.hasWifi = false;
			});
			rig.jobs.make("a", WIFI);
			rig.run(5000);
			assert.deepEqual(rig.jobs.told, ["a REJECTED unknown_operation"]);
		});
	});

	describe("that reset it", () => {
		it("leave nothing of what it was told and measured, but identity and network", () => {
			const rig = new Rig((at) => {
				at.settings.set("config", '{"sampleIntervalMs":5000}');
				at.settings.set(WIFI_KEY, '{"ssid":"old"}');
			});
			rig.run(MINUTE_MS);
			const journals = () =>
				rig.cloud.events.map((event) =>
					event.type === "boot" ? event.journalId : "",
				);
			rig.jobs.make("a", { operation: "reset", version: 1 });
			rig.run(MINUTE_MS);
			assert.equal(rig.boots, 2);
			assert.deepEqual(rig.jobs.told, ["a SUCCEEDED"]);
			assert.equal(new Set(journals()).size, 2, "a new journal");
			assert.equal(rig.settings.get("config"), undefined);
			assert.equal(stored(rig), "old");
			assert.equal(rig.settings.get(RESET_KEY), undefined);
		});

		it("are done once and wholly, wherever power is cut", () => {
			fc.assert(
				fc.property(fc.nat(400), (eraseCount) => {
					const rig = new Rig();
					rig.run(5000);
					let left = eraseCount;
					const { journal, checkpoints } = rig.durable;
					for (const flash of [journal, checkpoints]) {
						const erase = flash.erase.bind(flash);
						flash.erase = (offset) => {
							if (left-- === 0) throw new Restarted();
							erase(offset);
						};
					}
					rig.jobs.make("a", { operation: "reset", version: 1 });
					rig.run(10_000);
					// Flash that fails in a reset is told; one that lost power is erased anew.
					assert.equal(rig.jobs.told.length, 1);
					assert.match(
						rig.jobs.told[0] ?? "",
						/^a (SUCCEEDED|FAILED not_erased)$/,
					);
					assert.ok(rig.boots <= 3);
				}),
				{ numRuns: 5 },
			);
		});
	});

	it("end once each, in order, whatever is lost and whenever power goes", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.record({
						what: fc.constantFrom("make", "boot", "drop", "cancel", "wait"),
						ms: fc.constantFrom(100, 400, 2000, 60_000),
					}),
					{ minLength: 3, maxLength: 10 },
				),
				fc.array(fc.boolean(), { maxLength: 12 }),
				(steps, losses) => {
					const rig = new Rig((at) => {
						at.goodNetworks = ["old", "new"];
						at.settings.set("config", '{"sampleIntervalMs":60000}');
					});
					// In a turn of the node's: it may be waiting for just that, to restart.
					const drop = () => {
						const { timers, network } = rig.board;
						timers.set(() => network.drop(), 0);
					};
					const losing = [...losses];
					rig.jobs.losesAnswer = () => losing.shift() ?? false;
					const documents = [REBOOT, WIFI, { operation: "x", version: 1 }];
					let made = 0;
					for (const { what, ms } of steps) {
						if (what === "make") {
							rig.jobs.make(`j${made}`, documents[made % documents.length]);
							made++;
						} else if (what === "boot") rig.boot();
						else if (what === "drop") drop();
						else if (what === "cancel") {
							const going = rig.jobs.executions.find(
								({ status }) => status === "IN_PROGRESS",
							);
							if (going !== undefined) rig.jobs.cancel(going.jobId);
						}
						rig.run(ms);
					}
					rig.jobs.losesAnswer = () => false;
					// A connection that is lost has the next one ask: a message of the last job may have been.
					drop();
					rig.run(3_600_000);
					for (const { jobId, status } of rig.jobs.executions)
						assert.ok(
							!["QUEUED", "IN_PROGRESS"].includes(status),
							`${jobId} is ${status}`,
						);
					assert.equal(new Set(rig.jobs.told).size, rig.jobs.told.length);
					assert.equal(rig.settings.get(JOB_KEY), undefined);
				},
			),
			{ numRuns: 6 },
		);
	});
});
