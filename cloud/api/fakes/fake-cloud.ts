/** A cloud made of a few values, for testing the API alone: it answers what it was given and remembers what it was asked. */
import { Access } from "../../core/access.ts";
import { Alerts } from "../../core/alerts/alerts.ts";
import type { AlertStore } from "../../core/alerts/ports.ts";
import { PushSubscriptions } from "../../core/alerts/push-subscriptions.ts";
import { UnknownDevice } from "../../core/errors.ts";
import { FakeNotifier } from "../../core/fakes/alert-cloud.ts";
import { memoryAlerts } from "../../core/fakes/memory-alerts.ts";
import { memoryFirmware } from "../../core/fakes/memory-firmware.ts";
import { memoryGrants } from "../../core/fakes/memory-grants.ts";
import { memoryJobs } from "../../core/fakes/memory-jobs.ts";
import { MemoryShadows } from "../../core/fakes/memory-shadows.ts";
import { memoryStores } from "../../core/fakes/memory-stores.ts";
import { fleetOf } from "../../core/jobs/fleet.ts";
import { Jobs } from "../../core/jobs/jobs.ts";
import type { LiveEvent } from "../../core/live-hub.ts";
import type { LogStore } from "../../core/node-logs.ts";
import { type GrantStore, ROLES, type Role } from "../../core/people.ts";
import type { DeadLetter, Device } from "../../core/ports.ts";
import type { Aggregate, PlacedBlock, Reading } from "../../core/queries.ts";
import { Releases } from "../../core/releases/releases.ts";
import { Shadows } from "../../core/shadows/shadows.ts";
import { createApi } from "../app.ts";
import {
	AuthError,
	type Authenticator,
	type Identity,
	type Session,
} from "../authenticator.ts";
import type { ApiDeps } from "../ports.ts";

export const NOW = Date.UTC(2026, 2, 1, 12);
/** Of an administrator. */
export const GOOD_TOKEN = "good";
/** Of one person each; the viewer may see `boiler` unless grants are changed. */
export const TOKENS: Readonly<Record<Role, string>> = {
	admin: GOOD_TOKEN,
	operator: "good-operator",
	viewer: "good-viewer",
};

/** Of a program that only reads. */
export const READER_TOKEN = "good-reader";

export const BOILER: Device = {
	name: "boiler",
	createdMs: NOW - 86_400_000,
	online: true,
	lastSeenMs: NOW - 1_000,
	boot: {
		board: "esp32",
		firmware: "1.2.3",
		journalId: "00000000000000a1",
		boot: 7,
		resetReason: "brown_out",
		atMs: NOW - 3_600_000,
	},
	channels: [
		{ id: "temperature", unit: "°C", exponent: -2, kind: "gauge" },
		{ id: "energy", unit: "Wh", exponent: 0, kind: "counter" },
	],
	configRefused: null,
	tags: { site: "cellar" },
};

export const NEW_DEVICE: Device = {
	name: "new",
	createdMs: NOW,
	online: false,
	lastSeenMs: null,
	boot: null,
	channels: [],
	configRefused: "interval must be at least 10 ms",
	tags: {},
};

export class FakeHub {
	readonly listeners = new Set<(event: LiveEvent) => void>();
	readonly kept = new Map<string, Uint8Array[]>();

	subscribe(listener: (event: LiveEvent) => void): () => void {
		this.listeners.add(listener);
		return () => this.listeners.delete(listener);
	}

	recent(thing: string): readonly Uint8Array[] {
		return this.kept.get(thing) ?? [];
	}

	publish(event: LiveEvent): void {
		for (const listener of this.listeners) listener(event);
	}
}

class FakeAuth implements Authenticator {
	readonly used = new Set<string>();
	/** Subjects who are no longer let in. */
	readonly removed = new Set<string>();

	async verify(token: string): Promise<Identity> {
		if (token === "expired") {
			throw new AuthError("expired", "The token has expired.");
		}
		const expiresMs = NOW + 60_000;
		if (token === READER_TOKEN) {
			const subject = "reader";
			return {
				subject,
				name: subject,
				role: "viewer",
				onlyReads: true,
				expiresMs,
			};
		}
		const role = ROLES.find((role) => TOKENS[role] === token);
		const subject = role === "admin" ? "tester" : String(role);
		if (role === undefined || this.removed.has(subject)) {
			throw new AuthError("invalid", "The token is not valid here.");
		}
		return { subject, name: subject, role, expiresMs };
	}

	async exchange(token: string): Promise<Session> {
		if (this.used.has(token)) throw new AuthError("used", "It has been used.");
		if (token !== "once") throw new AuthError("invalid", "It is not ours.");
		this.used.add(token);
		return { token: GOOD_TOKEN, ...(await this.verify(GOOD_TOKEN)) };
	}
}

export interface FakeCloud {
	/** A request by someone who is signed in, unless `init` has headers of its own. */
	get(path: string, init?: RequestInit): Promise<Response>;
	/** A request by someone who has that role, or by a program that only reads. */
	getAs(
		who: Role | "reader",
		path: string,
		init?: RequestInit,
	): Promise<Response>;
	readonly app: ReturnType<typeof createApi>;
	readonly hub: FakeHub;
	/** What alerts are kept in. */
	readonly alerts: AlertStore;
	/** Logs and crashes of nodes. */
	readonly logs: LogStore;
	/** Delivers webhooks and e-mail, and has no way to push. */
	readonly notifier: FakeNotifier;
	readonly grants: GrantStore;
	/** Ends the sessions of a subject. */
	removePerson(subject: string): void;
	readonly clock: { now: number; nowMs(): number };
	/** What the queries were asked, latest last. */
	readonly asked: unknown[];
	/** What the API reported as unforeseen. */
	readonly errors: Error[];
	blocks: { blocks: readonly PlacedBlock[]; next: string | null };
	readings: {
		rows: readonly Reading[];
		next: string | null;
		unit: string;
		unreadable: number;
	};
	aggregate: Aggregate;
	deadLetters: readonly DeadLetter[];
	/** Thrown by every query while it is set. */
	failure: Error | null;
}

export function fakeCloud(changes: Partial<ApiDeps> = {}): FakeCloud {
	const hub = new FakeHub();
	const clock = { now: NOW, nowMs: () => clock.now };
	const devices = [BOILER, NEW_DEVICE];
	const auth = new FakeAuth();
	const stores = memoryStores();
	const shadows = new MemoryShadows();
	const notifier = new FakeNotifier();
	notifier.kinds = ["email", "webhook"];
	const grants = memoryGrants();
	// In memory it takes effect at once.
	void grants.grant("viewer", BOILER.name);
	function answer<T>(query: unknown, value: () => T): Promise<T> {
		cloud.asked.push(query);
		return cloud.failure === null
			? Promise.resolve(value())
			: Promise.reject(cloud.failure);
	}
	const jobs = new Jobs({
		store: memoryJobs(),
		fleet: fleetOf(changes.devices ?? { list: async () => devices }),
		clock,
		timers: { after: () => () => undefined },
		onError: (error) => cloud.errors.push(error as Error),
	});
	const firmware = memoryFirmware();
	async function getDevice(name: string): Promise<Device> {
		const device = devices.find((known) => known.name === name);
		if (device === undefined) throw new UnknownDevice(name);
		return device;
	}
	const app = createApi({
		releases: new Releases({ ...firmware, streams: null, clock }),
		uploads: firmware.uploads,
		jobs,
		deviceJobs: jobs,
		removal: {
			async remove(name) {
				await (changes.devices ?? { get: getDevice }).get(name);
				return answer({ removed: name }, () => ({
					certificates: ["c".repeat(64)],
					alertRules: [],
					people: 1,
				}));
			},
		},
		tagger: { tag: (name, tags) => answer({ name, tags }, () => undefined) },
		devices: {
			list: () => answer("list", () => devices),
			get: getDevice,
		},
		queries: {
			blocks: (query) => answer(query, () => cloud.blocks),
			readings: (query) => answer(query, () => cloud.readings),
			aggregate: (query) => answer(query, () => cloud.aggregate),
		},
		hub,
		shadows: new Shadows({
			store: shadows,
			clock,
			sender: { send: async () => undefined },
		}),
		alerts: new Alerts({
			stores,
			hub,
			clock,
			notifier,
			onError: (error) => cloud.errors.push(error as Error),
		}),
		deadLetters: {
			list: (query) =>
				answer(query, () =>
					cloud.deadLetters
						.filter(({ id }) => id < (query.beforeId ?? Number.MAX_VALUE))
						.slice(0, query.limit),
				),
		},
		logs: stores.logs,
		redrive: {
			run: (query) => answer(query, () => ({ taken: 0, kept: 0, next: null })),
		},
		push: new PushSubscriptions({
			store: memoryAlerts(() => undefined),
			clock,
			webKey: "a-key",
			platforms: ["fcm"],
		}),
		auth,
		access: new Access(grants),
		clock,
		version: "1.0.0",
		onError: (error) => cloud.errors.push(error),
		...changes,
	});
	const cloud: FakeCloud = {
		async get(path, init = {}) {
			const headers = { Authorization: `Bearer ${GOOD_TOKEN}` };
			return app.request(path, { headers, ...init });
		},
		async getAs(who, path, init = {}) {
			const headers = new Headers(init.headers);
			const token = who === "reader" ? READER_TOKEN : TOKENS[who];
			headers.set("Authorization", `Bearer ${token}`);
			return app.request(path, { ...init, headers });
		},
		app,
		hub,
		alerts: stores.alerts,
		logs: stores.logs,
		notifier,
		grants,
		removePerson: (subject) => auth.removed.add(subject),
		clock,
		asked: [],
		errors: [],
		blocks: { blocks: [], next: null },
		readings: { rows: [], next: null, unit: "°C", unreadable: 0 },
		aggregate: { everyMs: 60_000, bucketsMs: [], channels: {}, unreadable: 0 },
		deadLetters: [],
		failure: null,
	};
	return cloud;
}

/** A response's body, taken for what the test says it is. */
export async function jsonOf<T>(response: Response): Promise<T> {
	return (await response.json()) as T;
}

export interface ProblemDocument {
	readonly type: string;
	readonly title: string;
	readonly status: number;
	readonly detail: string;
	readonly instance: string;
	readonly errors?: readonly {
		readonly detail: string;
		readonly parameter?: string;
		readonly pointer?: string;
	}[];
}

/** A problem document, after checking that the response is one. */
export async function problemOf(response: Response): Promise<ProblemDocument> {
	const type = response.headers.get("content-type");
	if (type !== "application/problem+json") {
		throw new Error(`not a problem document: ${type}`);
	}
	return jsonOf(response);
}
