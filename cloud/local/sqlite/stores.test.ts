import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventId } from "../../core/alerts/events.ts";
import {
	alertStoreContract,
	someEvent,
} from "../../core/contracts/alert-store.ts";
import {
	blockStoreContract,
	ONE_COMMIT,
} from "../../core/contracts/block-store.ts";
import { certificateStoreContract } from "../../core/contracts/certificate-store.ts";
import { claimStoreContract } from "../../core/contracts/claim-store.ts";
import { grantStoreContract } from "../../core/contracts/grant-store.ts";
import { jobStoreContract } from "../../core/contracts/job-store.ts";
import { logStoreContract } from "../../core/contracts/log-store.ts";
import { movableClock } from "../../core/contracts/movable-clock.ts";
import { pendingCertificateStoreContract } from "../../core/contracts/pending-certificate-store.ts";
import { queriesContract } from "../../core/contracts/queries.ts";
import { recordStoresContract } from "../../core/contracts/record-stores.ts";
import { rollupStoreContract } from "../../core/contracts/rollup-store.ts";
import { shadowStoreContract } from "../../core/contracts/shadow-store.ts";
import type { Clock } from "../../core/ports.ts";
import { DAY_MS } from "../../core/spans.ts";
import { Connection } from "./connection.ts";
import {
	ALERT_HISTORY_MS,
	DATABASE_FILE,
	type OpenStores,
	openStores,
} from "./stores.ts";

describe("SQLite", () => {
	const opened: { stores: OpenStores; dir: string }[] = [];

	async function makeStores(
		clock: Clock = movableClock(),
	): Promise<OpenStores> {
		const dir = await mkdtemp(join(tmpdir(), "thinghz-sqlite-"));
		const stores = await openStores(dir, { clock });
		opened.push({ stores, dir });
		return stores;
	}

	afterEach(async () => {
		for (const { stores, dir } of opened.splice(0)) {
			await stores.close();
			await rm(dir, { recursive: true });
		}
	});

	blockStoreContract("SQLite", makeStores, ONE_COMMIT);
	rollupStoreContract("SQLite", makeStores, ONE_COMMIT);
	recordStoresContract("SQLite", makeStores);
	alertStoreContract("SQLite", async () => (await makeStores()).alerts);
	logStoreContract("SQLite", async (nowMs) => {
		const stores = await makeStores({ nowMs: () => nowMs });
		return stores.logs;
	});
	certificateStoreContract(
		"SQLite",
		async () => (await makeStores()).certificates,
	);
	jobStoreContract("SQLite", async () => (await makeStores()).jobs);
	claimStoreContract("SQLite", async () => (await makeStores()).claims);
	pendingCertificateStoreContract("SQLite", async () => {
		const { pendingCertificates, certificates } = await makeStores();
		return { pending: pendingCertificates, certificates };
	});
	grantStoreContract("SQLite", async () => (await makeStores()).grants);
	shadowStoreContract("SQLite", async () => (await makeStores()).shadows);
	describe("logs and crashes", () => {
		it("are kept for 30 and 90 days, and removed by and by with what is new", async () => {
			const clock = movableClock();
			const { logs } = await makeStores(clock);
			const startMs = clock.nowMs();
			const line = (number: number) => ({
				boot: 1,
				number,
				uptimeMs: 0,
				atMs: clock.nowMs(),
				isLatest: false,
				level: "info" as const,
				text: "",
				receivedMs: clock.nowMs(),
			});
			const crash = (boot: number) => ({
				device: "roof",
				boot,
				uptimeMs: 5,
				reason: "crash" as const,
				board: "virtual",
				firmware: null,
				atMs: null,
				freeBytes: null,
				cause: null,
				untold: 0,
				toldMs: clock.nowMs(),
			});
			await logs.addLines("roof", [line(1)]);
			await logs.addCrash(crash(1));
			clock.now = startMs + 30 * DAY_MS + 1;
			assert.deepEqual(await logs.lines("roof", { limit: 9 }), []);
			await logs.addLines("roof", [line(2)]);
			assert.equal((await logs.lines("roof", { limit: 9 })).length, 1);
			assert.equal((await logs.crashes({ limit: 9 })).length, 1);
			clock.now = startMs + 90 * DAY_MS + 1;
			assert.deepEqual(await logs.crashes({ limit: 9 }), []);
			assert.deepEqual(await logs.crashes({ limit: 9, device: "roof" }), []);
			await logs.addCrash(crash(2));
			clock.now = startMs;
			// What was over is gone for good.
			assert.deepEqual(
				(await logs.crashes({ limit: 9 })).map(({ boot }) => boot),
				[2],
			);
			assert.deepEqual(
				(await logs.lines("roof", { limit: 9 })).map(({ number }) => number),
				[2],
			);
		});
	});
	describe("history of alerts", () => {
		const eventAt = (atMs: number, device = "boiler") =>
			someEvent({
				id: eventId({
					ruleId: "00000000000000a1",
					device,
					status: "firing",
					atMs,
				}),
				atMs,
				device,
			});
		const kept = (dir: string): number => {
			const db = new Connection(join(dir, DATABASE_FILE));
			try {
				return Number(db.value("SELECT count(*) FROM alert_events"));
			} finally {
				db.close();
			}
		};

		it("shows what has been kept for no more than ninety days, to the millisecond, whatever a node's clock said", async () => {
			const clock = movableClock();
			const { alerts } = await makeStores(clock);
			await alerts.putEvent(eventAt(1, "boiler"));
			await alerts.putEvent(eventAt(1, "roof"));
			clock.now += 1;
			await alerts.putEvent(eventAt(0, "roof"));
			const times = async (device?: string) => {
				const options = device === undefined ? {} : { device };
				const events = await alerts.listEvents({ limit: 9, ...options });
				return events.map(({ atMs }) => atMs);
			};
			clock.now += ALERT_HISTORY_MS - 1;
			assert.deepEqual(await times(), [1, 1, 0]);
			clock.now += 1;
			assert.deepEqual(await times(), [0]);
			assert.deepEqual(await times("boiler"), []);
			assert.deepEqual(await times("roof"), [0]);
			clock.now += 1;
			assert.deepEqual(await times(), []);
		});

		it("keeps no more than that by and by, and nothing of it that is younger goes", async () => {
			const clock = movableClock();
			const { alerts } = await makeStores(clock);
			const dir = opened.at(-1)?.dir ?? "";
			const old = Array.from({ length: 150 }, (_, i) => eventAt(i));
			await Promise.all(old.map((event) => alerts.putEvent(event)));
			clock.now += 1;
			await alerts.putEvent(eventAt(150));
			assert.equal(kept(dir), 151);
			clock.now += ALERT_HISTORY_MS;
			for (let i = 0; i < 3; i++) await alerts.putEvent(eventAt(1_000 + i));
			assert.equal(kept(dir), 4);
			const [, , , oldest] = await alerts.listEvents({ limit: 9 });
			assert.equal(oldest?.atMs, 150);
		});
	});

	queriesContract("SQLite", makeStores, { numRuns: 15 });
});
