/**
 * A cloud in memory with devices that have a past and go on sending: the real API, core and page, and blocks made here.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { getCookie } from "hono/cookie";
import { createApi } from "../../cloud/api/app.ts";
import type { AuthEnv } from "../../cloud/api/auth.ts";
import { CognitoAuth } from "../../cloud/aws/adapters/cognito/authenticator.ts";
import type { FakeUserPool } from "../../cloud/aws/fakes/fake-user-pool.ts";
import { fetchByLambda } from "../../cloud/aws/fakes/http-event.ts";
import { httpHandler } from "../../cloud/aws/lambda-http.ts";
import { Access } from "../../cloud/core/access.ts";
import { Alerts } from "../../cloud/core/alerts/alerts.ts";
import { PushSubscriptions } from "../../cloud/core/alerts/push-subscriptions.ts";
import { Devices } from "../../cloud/core/devices.ts";
import { UnknownDevice } from "../../cloud/core/errors.ts";
import { FakeNotifier } from "../../cloud/core/fakes/alert-cloud.ts";
import { memoryFirmware } from "../../cloud/core/fakes/memory-firmware.ts";
import { memoryGrants } from "../../cloud/core/fakes/memory-grants.ts";
import { memoryJobs } from "../../cloud/core/fakes/memory-jobs.ts";
import { MemoryShadows } from "../../cloud/core/fakes/memory-shadows.ts";
import { memoryStores } from "../../cloud/core/fakes/memory-stores.ts";
import { Ingest } from "../../cloud/core/ingest.ts";
import { fleetOf } from "../../cloud/core/jobs/fleet.ts";
import { Jobs } from "../../cloud/core/jobs/jobs.ts";
import { LiveHub } from "../../cloud/core/live-hub.ts";
import type { GrantStore } from "../../cloud/core/people.ts";
import type { Clock } from "../../cloud/core/ports.ts";
import { Queries } from "../../cloud/core/queries.ts";
import { Redrive } from "../../cloud/core/redrive.ts";
import { Releases } from "../../cloud/core/releases/releases.ts";
import { Rollups } from "../../cloud/core/rollups.ts";
import { Shadows } from "../../cloud/core/shadows/shadows.ts";
import { LocalAuth, loadSecret } from "../../cloud/local/auth.ts";
import { startHttp } from "../../cloud/local/http.ts";
import { loadPushKeys } from "../../cloud/local/notify/secrets.ts";
import {
	type BlockInput,
	type Channel,
	type ClockSource,
	MAX_CHANNELS,
	MISSING,
} from "../../protocol/block.ts";
import type { EventDocument } from "../../protocol/documents.ts";
import { encodeBlock, maxEncodedSize } from "../../protocol/encode.ts";
import { LINK_CODES } from "../../protocol/health-states.ts";
import { blockTopic, eventTopic, liveTopic } from "../../protocol/topics.ts";
import { buildWeb } from "../../tools/build/web.ts";

const SPAN_S = 300;
const HEALTH_SAMPLES = 600;
const LIVE_EVERY_MS = 250;
/** Two days, and a while into the block that is open. */
const PAST_MS = 2 * 86_400_000 + 137_000;

const MEASURED: readonly Channel[] = [
	{ id: "temperature", unit: "°C", exponent: -2, kind: "gauge" },
	{ id: "pressure", unit: "hPa", exponent: -2, kind: "gauge" },
	{ id: "wind", unit: "m/s", exponent: -2, kind: "gauge" },
];
/** As many as a node has: together with what is measured, more than a query may name. */
const HEALTH: readonly Channel[] = [
	{ id: "health.heap_free", unit: "B", exponent: 0, kind: "gauge" },
	{ id: "health.reconnects", unit: "", exponent: 0, kind: "counter" },
	...["link", "reset", "clock", "sensors", "settings", "journal", "boot"].map(
		(name): Channel => gauge(`health.${name}`),
	),
	...Array.from(
		{ length: MAX_CHANNELS - 9 },
		(_, i): Channel => gauge(`health.figure_${i + 1}`),
	),
];

export interface DemoCloud {
	readonly url: string;
	readonly grants: GrantStore;
	readonly jobs: Jobs;
	/** As if the device had sent it. */
	sendEvent(device: string, event: EventDocument): Promise<void>;
	/** Each device stores what it has measured since its last block. */
	sendBlock(): Promise<void>;
	/** A fresh link: it works once. */
	signInUrl(): string;
	/** Takes the HTTP server away. @returns what brings it back, on the same port */
	interrupt(): Promise<() => Promise<void>>;
	close(): Promise<void>;
}

/** @param devices their names; none for a cloud that has just been set up */
export async function startDemoCloud(
	devices: readonly string[],
	options: {
		readonly port?: number;
		/** In the shape that it has on AWS: a function behind an HTTP API and CloudFront, people from this user pool. */
		readonly userPool?: FakeUserPool;
	} = {},
): Promise<DemoCloud> {
	const { userPool } = options;
	const dir = mkdtempSync(join(tmpdir(), "thinghz-page-"));
	await buildWeb(join(dir, "web"));
	const stores = memoryStores();
	const hub = new LiveHub();
	const clock = { nowMs: () => Date.now() };
	const registry = new Devices({ stores, hub, clock });
	const errors: unknown[] = [];
	const alerts = new Alerts({
		stores,
		hub,
		clock,
		notifier: new FakeNotifier(),
		onError: (error) => errors.push(error),
	});
	const ingest = new Ingest(
		{ stores, hub, clock },
		{ onBlock: alerts.onBlock },
	);
	const rollups = new Rollups({
		stores,
		clock,
		timers: { after: () => () => undefined },
		onError: (error) => errors.push(error),
	});
	const auth = new LocalAuth({ secret: loadSecret(dir), clock });
	const grants = memoryGrants();
	const jobs = new Jobs({
		store: memoryJobs(),
		fleet: fleetOf(stores.devices),
		clock,
		timers: { after: () => () => undefined },
		onError: (error) => errors.push(error),
	});
	const firmware = memoryFirmware();
	const app = createApi({
		releases: new Releases({ ...firmware, streams: null, clock }),
		uploads: firmware.uploads,
		jobs,
		deviceJobs: jobs,
		tagger: registry,
		devices: registry,
		// The page removes none.
		removal: { remove: (name) => Promise.reject(new UnknownDevice(name)) },
		queries: new Queries({ stores, rollups }),
		shadows: new Shadows({
			store: new MemoryShadows(),
			clock,
			sender: { send: async () => undefined },
		}),
		hub: userPool === undefined ? hub : null,
		deadLetters: stores.deadLetters,
		logs: stores.logs,
		redrive: new Redrive({ deadLetters: stores.deadLetters, ingest }),
		alerts,
		push: new PushSubscriptions({
			store: stores.alerts,
			clock,
			webKey: loadPushKeys(dir).publicKey,
			platforms: [],
		}),
		auth: userPool === undefined ? auth : authOf(userPool, clock),
		access: new Access(grants),
		clock,
		version: "0.0.0-test",
		onError: (error) => errors.push(error),
	});
	const nodes: DemoNode[] = [];
	for (const [index, name] of devices.entries()) {
		await registry.create(name);
		const node = new DemoNode(name, index, ingest, Date.now() - PAST_MS);
		await node.boot();
		await node.sendPast();
		await registry.connected(name);
		nodes.push(node);
	}
	const timer = setInterval(() => {
		for (const node of nodes) void node.sendLive();
	}, LIVE_EVERY_MS);
	if (userPool !== undefined) {
		const { signInUrl, clientIds } = userPool.pool;
		const config = { signInUrl, clientId: clientIds[0], live: "poll" };
		writeFileSync(join(dir, "web", "config.json"), JSON.stringify(config));
	}
	const front = userPool === undefined ? app : behindCloudFront(app);
	const serve = (port: number) =>
		startHttp({
			app: front,
			webDir: join(dir, "web"),
			host: "127.0.0.1",
			port,
		});
	let http = await serve(options.port ?? 0);
	return {
		url: http.url,
		grants,
		jobs,
		async sendEvent(device, event) {
			await ingest.accept({
				thing: device,
				topic: eventTopic(device),
				payload: new TextEncoder().encode(JSON.stringify(event)),
			});
		},
		async sendBlock() {
			for (const node of nodes) await node.sendBlock();
		},
		signInUrl: () => `${http.url}/#signin=${auth.issueSignIn()}`,
		async interrupt() {
			await http.close();
			return async () => {
				http = await serve(http.port);
			};
		},
		async close() {
			clearInterval(timer);
			await http.close();
			rmSync(dir, { recursive: true, force: true });
			if (errors.length > 0) throw errors[0];
		},
	};
}

function authOf(userPool: FakeUserPool, clock: Clock): CognitoAuth {
	return new CognitoAuth({
		pool: userPool.pool,
		clock,
		keysUrl: userPool.keysUrl,
	});
}

/** What CloudFront, its function for the cookie (`cloud/aws/stack/session-cookie.js`) and the HTTP API do with a request. */
function behindCloudFront(app: ReturnType<typeof createApi>): Hono<AuthEnv> {
	const answer = fetchByLambda(httpHandler(app));
	const front = new Hono<AuthEnv>();
	front.all("/v1/*", async (c) => {
		const headers = new Headers(c.req.raw.headers);
		const cookie = getCookie(c, "thinghz_session");
		if (cookie !== undefined) headers.set("authorization", `Bearer ${cookie}`);
		const response = await answer(new Request(c.req.raw, { headers }));
		return new Response(response.body, response);
	});
	return front;
}

/** Sends what a node would have sent since its boot: weather, some of it missing, and how it is doing itself. */
class DemoNode {
	readonly #name: string;
	readonly #index: number;
	readonly #ingest: Ingest;
	readonly #bootMs: number;
	readonly #out = new Uint8Array(maxEncodedSize(MAX_CHANNELS, HEALTH_SAMPLES));
	#sequence = 0;
	#knowsTime = true;
	#lastLiveS = 0;

	constructor(name: string, index: number, ingest: Ingest, bootMs: number) {
		this.#name = name;
		this.#index = index;
		this.#ingest = ingest;
		this.#bootMs = Math.floor(bootMs / 1000) * 1000;
	}

	async boot(): Promise<void> {
		const event = {
			type: "boot",
			journalId: this.#journalId,
			boot: 2,
			resetReason: "power_on",
			board: "virtual",
			firmware: "0.1.0",
			uptimeMs: 1200,
		};
		await this.#ingest.accept({
			thing: this.#name,
			topic: eventTopic(this.#name),
			payload: new TextEncoder().encode(JSON.stringify(event)),
		});
	}

	async sendPast(): Promise<void> {
		const uptimeS = Math.floor((Date.now() - this.#bootMs) / 1000);
		const closed = Math.floor(uptimeS / SPAN_S);
		const offlineFrom = closed - 9;
		for (let i = 0; i < closed; i++) {
			this.#sequence++;
			// One device was away for a quarter of an hour.
			if (this.#index === 1 && i >= offlineFrom && i < offlineFrom + 3)
				continue;
			// Until two hours ago, the third one remembered the time over a restart instead of knowing it.
			this.#knowsTime = this.#index !== 2 || i >= closed - 24;
			await this.#sendBlock(i * SPAN_S, SPAN_S, false);
		}
		await this.#sendHealth(uptimeS);
		this.#sequence++;
		this.#lastLiveS = closed * SPAN_S - 1;
		while (this.#lastLiveS < uptimeS - 1) await this.sendLive();
	}

	/** The next sample, if its time has come. */
	async sendLive(): Promise<void> {
		const nextS = this.#lastLiveS + 1;
		if (this.#bootMs + nextS * 1000 > Date.now()) return;
		this.#lastLiveS = nextS;
		if (nextS % SPAN_S === 0) {
			await this.#sendBlock(nextS - SPAN_S, SPAN_S, false);
			this.#sequence++;
		}
		await this.#sendBlock(nextS, 1, true);
	}

	/** Closes the open block before its span is over. */
	async sendBlock(): Promise<void> {
		const fromS = this.#lastBlockS;
		this.#sequence++;
		await this.#sendBlock(fromS, this.#lastLiveS - fromS + 1, false);
	}

	get #lastBlockS(): number {
		return Math.floor((this.#lastLiveS + 1) / SPAN_S) * SPAN_S;
	}

	get #journalId(): string {
		return `00000000000000${String(this.#index).padStart(2, "0")}`;
	}

	#sendBlock(startS: number, count: number, live: boolean): Promise<void> {
		const columns = MEASURED.map((_, channel) =>
			Int32Array.from({ length: count }, (_, i) =>
				weather(this.#index, channel, this.#bootMs / 1000 + startS + i),
			),
		);
		return this.#send(MEASURED, columns, startS, 1000, {
			live,
			source: this.#knowsTime ? "network" : "stored",
		});
	}

	#sendHealth(uptimeS: number): Promise<void> {
		this.#sequence++;
		const count = Math.min(HEALTH_SAMPLES, Math.floor(uptimeS / 60));
		const columns = [
			Int32Array.from({ length: count }, (_, i) => 41_000 - (i % 50) * 37),
			Int32Array.from({ length: count }, (_, i) => Math.floor(i / 200)),
			new Int32Array(count).fill(LINK_CODES.wifi_not_found),
			...HEALTH.slice(3).map(() => new Int32Array(count)),
		];
		return this.#send(HEALTH, columns, uptimeS - count * 60, 60_000, {
			live: false,
			source: "network",
		});
	}

	async #send(
		channels: readonly Channel[],
		columns: readonly Int32Array[],
		startS: number,
		intervalMs: number,
		how: { readonly live: boolean; readonly source: ClockSource },
	): Promise<void> {
		const input: BlockInput = {
			journalId: this.#journalId,
			boot: this.#knowsTime ? 2 : 1,
			sequence: this.#sequence,
			live: how.live,
			startUptimeMs: startS * 1000,
			intervalMs,
			sampleCount: columns[0]?.length ?? 0,
			clock: { bootTimeMs: this.#bootMs, source: how.source },
			channels,
			columns,
		};
		const size = encodeBlock(input, this.#out);
		await this.#ingest.accept({
			thing: this.#name,
			topic: how.live ? liveTopic(this.#name) : blockTopic(this.#name),
			payload: this.#out.slice(0, size),
		});
	}
}

function gauge(id: string): Channel {
	return { id, unit: "", exponent: 0, kind: "gauge" };
}

/** Slow waves with a little noise; the third channel's sensor fails for half a minute in every ten. */
function weather(device: number, channel: number, timeS: number): number {
	if (channel === 2 && timeS % 600 < 30) return MISSING;
	const day = (2 * Math.PI * timeS) / 86_400;
	const noise = (((timeS * 2_654_435_761) >>> 8) % 5) - 2;
	const wave = Math.sin(timeS / 290 + device) + Math.sin(timeS / 71) / 3;
	const level = [
		1850 + 600 * Math.sin(day - 2 + device / 3) + 45 * wave,
		101_325 + 420 * Math.sin(day / 3 + device) + 30 * wave,
		460 + 210 * Math.sin(day * 2 + device) + 90 * wave + 12 * noise,
	];
	return Math.round((level[channel] ?? 0) + 1.5 * noise);
}
