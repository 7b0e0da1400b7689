import assert from "node:assert/strict";
import { memoryLatestExecutions } from "../core/fakes/memory-latest-executions.ts";
import {
	type MemoryStores,
	memoryStores,
} from "../core/fakes/memory-stores.ts";
import type { LatestExecutionStore } from "../core/jobs/latest.ts";
import { StoreError } from "../core/ports.ts";
import {
	eventRuleMessage,
	jobExecutionEvent,
	lambdaContext,
	lifecycleEvent,
	sqsEvent,
} from "./fakes/events.ts";
import { type MemoryLog, memoryLog } from "./fakes/memory-log.ts";
import { presenceHandler } from "./presence.ts";

const T = 1_790_000_000_000;

describe("The presence function", () => {
	let stores: MemoryStores;
	let latestExecutions: LatestExecutionStore;
	let log: MemoryLog;
	let run: ReturnType<typeof presenceHandler>;
	/** Things that came, and with which certificate. */
	const connected: string[] = [];
	/** Things that said that they have started, and what they run. */
	const started: string[] = [];
	const ended: string[] = [];
	let failure: Error | null = null;

	beforeEach(async () => {
		connected.length = 0;
		started.length = 0;
		ended.length = 0;
		failure = null;
		stores = memoryStores();
		latestExecutions = memoryLatestExecutions(stores.devices);
		log = memoryLog();
		run = presenceHandler({
			presence: stores.presence,
			latestExecutions,
			deadLetters: stores.deadLetters,
			async onConnected(thing, certificateId) {
				connected.push(`${thing} ${certificateId.slice(0, 4)}`);
				if (failure !== null) throw failure;
			},
			bootOf: async (thing) => (await stores.devices.get(thing))?.boot ?? null,
			async onBoot(thing, { board, firmware }) {
				started.push(`${thing} ${board} ${firmware}`);
				if (failure !== null) throw failure;
				return "noted";
			},
			async onExecutionEnded(thing) {
				ended.push(thing);
			},
			clock: { nowMs: () => T + 60_000 },
			log,
		});
		await stores.devices.create("boiler", 1);
		await stores.devices.create("roof", 1);
	});

	const handle = async (...messages: readonly unknown[]): Promise<string[]> => {
		const event = sqsEvent("thinghz-presence", messages);
		const response = await run(event, lambdaContext("presence"));
		return response.batchItemFailures.map((one) => one.itemIdentifier);
	};
	const up = (session: number, atMs: number, client = "boiler") =>
		lifecycleEvent("connected", client, session, atMs);
	const down = (session: number, atMs: number, client = "boiler") =>
		lifecycleEvent("disconnected", client, session, atMs);
	const online = async (name = "boiler") =>
		(await stores.devices.get(name))?.online;

	it("tells with which certificate a thing has come, and does it again where that fails", async () => {
		await handle(up(1, T), down(1, T + 1));
		assert.deepEqual(connected, ["boiler abab"]);
		failure = new StoreError("unavailable", "no");
		const [failed] = await handle(up(2, T + 2));
		assert.ok(failed !== undefined);
		failure = null;
		assert.deepEqual(await handle(up(2, T + 2)), []);
		const { principalIdentifier, ...unknown } = up(3, T + 3);
		assert.ok(principalIdentifier);
		assert.deepEqual(await handle(unknown), []);
		assert.equal(connected.length, 3);
	});

	const said = (event: unknown, atMs = T, thing = "boiler") =>
		eventRuleMessage(thing, Buffer.from(JSON.stringify(event)), atMs);
	const boot = (number: number, firmware: string) => ({
		type: "boot",
		journalId: "0123456789abcdef",
		boot: number,
		resetReason: "power_on",
		board: "esp32c3",
		firmware,
		uptimeMs: 5000,
	});

	it("notes what a thing runs as it starts, and does it again where that fails", async () => {
		assert.deepEqual(await handle(said(boot(1, "1.0.0"))), []);
		failure = new StoreError("throttled", "no");
		const [failed] = await handle(said(boot(1, "1.0.0")));
		assert.ok(failed !== undefined);
		assert.deepEqual(started, Array(2).fill("boiler esp32c3 1.0.0"));
		assert.deepEqual(await stores.deadLetters.list({ limit: 5 }), []);
	});

	it("takes no event of a boot before the one that is known", async () => {
		const { type: _, uptimeMs: __, ...known } = boot(3, "1.2.0");
		await stores.devices.update("boiler", {
			boot: { ...known, resetReason: "power_on", atMs: T },
		});
		await handle(said(boot(2, "1.0.0")), said(boot(3, "1.2.0")));
		await handle(said(boot(4, "1.3.0"), T + 1));
		assert.deepEqual(started, ["boiler esp32c3 1.2.0", "boiler esp32c3 1.3.0"]);
	});

	it("leaves to ingest what else a thing says, and what makes no sense", async () => {
		const refused = {
			type: "config_refused",
			boot: 1,
			uptimeMs: 1,
			reason: "x",
		};
		const another = { ...said(boot(1, "1.0.0")), topic: "roof/event" };
		for (const message of [said(refused), said("nonsense"), another]) {
			assert.deepEqual(await handle(message), []);
		}
		assert.deepEqual(started, []);
		assert.deepEqual(await stores.deadLetters.list({ limit: 5 }), []);
	});

	it("notes who has come and who has gone, and when", async () => {
		assert.deepEqual(await handle(up(1, T), up(7, T, "roof")), []);
		assert.deepEqual([await online(), await online("roof")], [true, true]);
		assert.deepEqual(await handle(down(1, T + 5000)), []);
		assert.deepEqual([await online(), await online("roof")], [false, true]);
		const device = await stores.devices.get("boiler");
		assert.equal(device?.lastSeenMs, T + 5000);
	});

	it("leaves a device online when the end of an older connection comes after its new one", async () => {
		await handle(up(1, T));
		await handle(up(2, T + 1000), down(1, T + 1100));
		assert.equal(await online(), true);
		await handle(down(1, T + 1100));
		assert.equal(await online(), true);
		assert.deepEqual(log.of("batch").at(-1)?.outcomes, { outdated: 1 });
	});

	it("leaves a device offline when the beginning of a connection comes after its end", async () => {
		await handle(down(1, T + 5000), up(1, T));
		assert.equal(await online(), false);
	});

	it("changes nothing by an event that comes twice", async () => {
		await handle(up(1, T), up(1, T), down(1, T + 9), down(1, T + 9));
		assert.deepEqual(log.of("batch")[0]?.outcomes, { changed: 2, outdated: 2 });
		assert.equal(await online(), false);
	});

	it("leaves other devices alone: it does not begin with all of them offline", async () => {
		await stores.devices.update("roof", { online: true });
		await handle(up(1, T));
		assert.equal(await online("roof"), true);
	});

	it("makes no device of a client, and passes over those whose names are no thing's", async () => {
		const clients = [
			up(1, T, "somebody"),
			up(1, T, "iotconsole-1511213971966-0/x"),
		];
		assert.deepEqual(await handle(...clients), []);
		assert.equal(await stores.devices.get("somebody"), null);
		assert.deepEqual(log.of("batch")[0]?.outcomes, { changed: 1, unknown: 1 });
	});

	it("gives an event back that could not be noted, and notes it when it comes again", async () => {
		stores.failing = true;
		assert.deepEqual(await handle(up(1, T)), ["message-0"]);
		stores.failing = false;
		assert.deepEqual(await handle(up(1, T)), []);
		assert.equal(await online(), true);
	});

	it("notes how jobs ended on a device, beside its connections", async () => {
		const reason = { reason: "bad_signature" };
		const failed = jobExecutionEvent("failed", "boiler", "update-1", T / 1000, {
			statusDetails: reason,
		});
		const gone = jobExecutionEvent("deleted", "roof", "rotate", T / 1000, {
			status: "SUCCEEDED",
		});
		const stranger = jobExecutionEvent("failed", "x", "update-1", T / 1000);
		assert.deepEqual(
			await handle(failed, up(1, T), failed, gone, stranger),
			[],
		);
		assert.deepEqual([...new Set(ended)].sort(), ["boiler", "roof", "x"]);
		assert.deepEqual(await latestExecutions.get("boiler"), [
			{
				jobId: "update-1",
				status: "FAILED",
				statusDetails: reason,
				atMs: T,
				deleted: false,
			},
		]);
		assert.deepEqual(await latestExecutions.get("roof"), [
			{
				jobId: "rotate",
				status: "SUCCEEDED",
				statusDetails: {},
				atMs: T,
				deleted: true,
			},
		]);
		assert.deepEqual(log.of("batch")[0]?.outcomes, {
			changed: 1,
			kept: 2,
			outdated: 1,
			unknown: 1,
		});
	});

	it("makes a dead letter of what is no lifecycle event, and notes the others", async () => {
		const other = { ...up(1, T), eventType: "subscribed" };
		assert.deepEqual(await handle(other, up(1, T), "null"), []);
		assert.equal(await online(), true);
		const letters = await stores.deadLetters.list({ limit: 10 });
		assert.deepEqual(
			letters.map(({ reason, thing }) => [reason, thing]),
			[
				["bad_envelope", "?"],
				["bad_envelope", "?"],
			],
		);
	});
});
