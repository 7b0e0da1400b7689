/** The stores of a cloud on one machine: an SQLite database in the data folder. */
import { join } from "node:path";
import type { ClaimStore } from "../../core/claims.ts";
import type { JobStore } from "../../core/jobs/ports.ts";
import type { GrantStore } from "../../core/people.ts";
import type {
	AuthorityStores,
	BlockPage,
	Clock,
	NewBlock,
	RollupRow,
	StoreError,
} from "../../core/ports.ts";
import type { PendingCertificateStore } from "../../core/provisioning/ports.ts";
import type { ShadowStore } from "../../core/shadows/ports.ts";
import { DAY_MS } from "../../core/spans.ts";
import type { Arrivals } from "../arrivals.ts";
import { makePrivateFile, openDataFolder } from "../data-folder.ts";
import type { PersonStore } from "../people.ts";
import { GroupCommit } from "./group-commit.ts";
import {
	type Call,
	KINDS,
	type PackedPage,
	type PackedRollups,
	type ReadOperations,
	ROLLUP_FIELDS,
} from "./messages.ts";
import { packedCount, unpackBlock } from "./packing.ts";
import { DatabaseThread } from "./thread.ts";

export interface StoreOptions {
	/** How long to wait while another process writes, ms. Default 10 s. */
	readonly busyTimeoutMs?: number;
	/** How large the database may grow, in pages of 4 KB; without it, as large as the disk allows. */
	readonly maxPages?: number;
	/** What the history of alerts, logs and crashes are pruned by; the system's without it. */
	readonly clock?: Clock;
}

/** How long the history of alerts is kept, ms: as on AWS (`cloud/aws/runtime.ts`). */
export const ALERT_HISTORY_MS = 90 * DAY_MS;

export interface OpenStores extends AuthorityStores {
	readonly arrivals: Arrivals;
	readonly people: PersonStore;
	readonly grants: GrantStore;
	readonly shadows: ShadowStore;
	readonly jobs: JobStore;
	readonly claims: ClaimStore;
	readonly pendingCertificates: PendingCertificateStore;
	/**
	 * Resolves when a thread that holds the database ends without having been told to: whatever is asked from then on
	 * fails, and only opening the stores anew helps. Never resolves otherwise.
	 */
	readonly lost: Promise<StoreError>;
	/** Finishes what was asked for, then lets go of the files. Anything asked afterwards fails with StoreError. */
	close(): Promise<void>;
}

/** The file in the data folder, beside which SQLite keeps its log. */
export const DATABASE_FILE = "thinghz.db";

/**
 * Opens the stores in a folder, making both, for the owner alone, when they are not there. Several processes may have
 * the same folder open.
 * @throws StoreError "newer_version" when a later version of this program made the data, "unavailable" and others when
 * the folder cannot be used
 */
export async function openStores(
	dir: string,
	options: StoreOptions = {},
): Promise<OpenStores> {
	await openDataFolder(dir);
	await makePrivateFile(join(dir, DATABASE_FILE));
	const settings = {
		path: join(dir, DATABASE_FILE),
		busyTimeoutMs: options.busyTimeoutMs ?? 10_000,
		maxPages: options.maxPages ?? null,
	};
	// Together, since a thread takes a while to start.
	const [writer, reader] = await Promise.allSettled([
		DatabaseThread.open({ ...settings, role: "writer" }),
		DatabaseThread.open({ ...settings, role: "reader" }),
	]);
	if (writer.status === "fulfilled" && reader.status === "fulfilled") {
		const clock = options.clock ?? { nowMs: () => Date.now() };
		return connect(writer.value, reader.value, clock);
	}
	const reasons: unknown[] = [];
	for (const thread of [writer, reader]) {
		if (thread.status === "fulfilled") await thread.value.close();
		else reasons.push(thread.reason);
	}
	throw reasons[0];
}

function connect(
	writer: DatabaseThread,
	reader: DatabaseThread,
	clock: Clock,
): OpenStores {
	const commits = new GroupCommit(writer);
	const historyFromMs = () => clock.nowMs() - ALERT_HISTORY_MS;
	async function read<Name extends keyof ReadOperations>(
		name: Name,
		...parameters: Parameters<ReadOperations[Name]>
	): Promise<ReturnType<ReadOperations[Name]>> {
		const call = { name, parameters } as unknown as Call<ReadOperations>;
		return (await reader.ask({ read: call })) as ReturnType<
			ReadOperations[Name]
		>;
	}
	return {
		lost: Promise.race([writer.lost, reader.lost]),
		blocks: {
			put: (blocks) =>
				blocks.length === 0 ? Promise.resolve([]) : commits.put(blocks),
			range: async (thing, fromMs, toMs, limit, after) =>
				unpackPage(
					thing,
					await read("range", thing, fromMs, toMs, limit, after),
				),
			before: async (thing, beforeMs, limit, after) =>
				unpackPage(thing, await read("before", thing, beforeMs, limit, after)),
			untimed: async (thing, limit, after) => {
				const page = await read("untimed", thing, limit, after);
				const { blocks } = unpackPage(thing, page);
				return { blocks, next: page.next ?? "0" };
			},
			getUntimed: async (thing, identities) =>
				unpackPage(thing, await read("getUntimed", thing, identities)).blocks,
		},
		deadLetters: {
			add: (letter) => commits.call("addDeadLetter", letter),
			list: (options) => read("deadLetters", options),
			get: (id) => read("deadLetter", id),
			remove: (id) => commits.call("removeDeadLetter", id),
		},
		devices: {
			create: (name, createdMs) =>
				commits.call("createDevice", name, createdMs),
			get: (name) => read("device", name),
			list: () => read("devices"),
			update: (name, update) => commits.call("updateDevice", name, update),
			remove: (name) => commits.call("removeDevice", name),
		},
		bindings: {
			add: (thing, binding) => commits.call("addBinding", thing, binding),
			list: (thing, boot) => read("bindings", thing, boot),
			count: (thing) => read("bindingCount", thing),
		},
		rollups: {
			dirty: (thing, size, fromMs, toMs) =>
				read("dirty", thing, size, fromMs, toMs),
			allDirty: (beforeMs, limit) => read("allDirty", beforeMs, limit),
			replace: (thing, buckets) =>
				commits.call("replaceRollups", thing, buckets),
			range: async (thing, size, channels, fromMs, toMs) =>
				unpackRollups(
					channels,
					await read("rollups", thing, size, channels, fromMs, toMs),
				),
		},
		alerts: {
			putRule: (rule) => commits.call("putAlertRule", rule),
			getRule: (id) => read("alertRule", id),
			listRules: () => read("alertRules"),
			deleteRule: (id) => commits.call("deleteAlertRule", id),
			getState: (ruleId, device) => read("alertState", ruleId, device),
			listStates: (device) => read("alertStates", device),
			putState: (state) => commits.call("putAlertState", state),
			due: (nowMs, limit) => read("dueAlertStates", nowMs, limit),
			putEvent: (event) =>
				commits.call("putAlertEvent", event, clock.nowMs(), historyFromMs()),
			listEvents: (options) => read("alertEvents", options, historyFromMs()),
			putSubscription: (subscription) =>
				commits.call("putSubscription", subscription),
			listSubscriptions: (subject) => read("subscriptions", subject),
			deleteSubscription: (subject, id) =>
				commits.call("deleteSubscription", subject, id),
		},
		logs: {
			addLines: async (device, lines) => {
				if (lines.length === 0) return;
				await commits.call("addLogLines", device, lines, clock.nowMs());
			},
			lines: (device, options) =>
				read("logLines", device, options, clock.nowMs()),
			addCrash: (crash) => commits.call("addCrash", crash, clock.nowMs()),
			crashes: (options) => read("crashes", options, clock.nowMs()),
			removeThing: (device) => commits.call("removeLogs", device),
		},
		arrivals: {
			async blocks(afterId, limit) {
				const page = await read("arrivedBlocks", afterId, limit);
				const { packed, things, lastId } = page;
				const blocks = Array.from({ length: packedCount(packed) }, (_, i) =>
					unpackBlock(packed, i, (thing) => things[thing] ?? ""),
				);
				return { blocks, lastId };
			},
			bindings: (afterId, limit) => read("arrivedBindings", afterId, limit),
			position: (name) => read("arrivalPosition", name),
			setPosition: (name, position) =>
				commits.call("setArrivalPosition", name, position),
		},
		certificates: {
			add: (certificate) => commits.call("addCertificate", certificate),
			get: (certificateId) => read("certificate", certificateId),
			ofThing: (thing) => read("certificatesOf", thing),
			ofClaims: () => read("claimCertificates"),
			revoke: (certificateId) =>
				commits.call("revokeCertificate", certificateId),
		},
		pendingCertificates: {
			add: (pending, nowMs) => commits.call("addPending", pending, nowMs),
			get: (tokenHash, nowMs) => read("pending", tokenHash, nowMs),
			redeem: (tokenHash, certificate, askedWith, nowMs) =>
				commits.call("redeemPending", tokenHash, certificate, askedWith, nowMs),
		},
		claims: {
			allow: (name, allowedMs) => commits.call("allowClaim", name, allowedMs),
			get: (name) => read("claim", name),
			list: ({ limit, after = "" }) => read("claims", limit, after),
			revoke: (name) => commits.call("removeClaim", name),
			claim: (name, claimedMs) => commits.call("takeClaim", name, claimedMs),
		},
		people: {
			add: (person) => commits.call("addPerson", person),
			get: (subject) => read("person", subject),
			named: (name) => read("personNamed", name),
			list: () => read("people"),
			remove: (subject) => commits.call("removePerson", subject),
		},
		grants: {
			devicesOf: (subject) => read("devicesOf", subject),
			subjectsOf: (device) => read("subjectsOf", device),
			has: (subject, device) => read("hasGrant", subject, device),
			grant: (subject, device) => commits.call("grant", subject, device),
			revoke: (subject, device) => commits.call("revokeGrant", subject, device),
		},
		jobs: {
			commit: (change) => commits.call("commitJobs", change),
			jobs: () => read("allJobs"),
			job: (jobId) => read("jobById", jobId),
			execution: (jobId, thing) => read("jobExecution", jobId, thing),
			executions: (jobId, options) => read("jobExecutions", jobId, options),
			pending: () => read("pendingExecutions"),
			counts: (jobId) => read("jobCounts", jobId),
			ofThing: (thing, limit) => read("executionsOf", thing, limit),
			lastOrder: () => read("lastExecutionOrder"),
		},
		shadows: {
			get: (thing, name) => read("shadow", thing, name),
			replace: (thing, name, previous, next) =>
				commits.call("replaceShadow", thing, name, previous, next),
			names: (thing) => read("shadowNames", thing),
			removeThing: (thing) => commits.call("removeShadows", thing),
		},
		close: async () => {
			await commits.drained();
			// The writer last: the connection that goes last empties the write-ahead log into the database.
			await reader.close();
			await writer.close();
		},
	};
}

function unpackPage(thing: string, page: PackedPage): BlockPage {
	const blocks: NewBlock[] = [];
	const count = packedCount(page.packed);
	for (let i = 0; i < count; i++) {
		blocks.push(unpackBlock(page.packed, i, () => thing));
	}
	return { blocks, next: page.next };
}

function unpackRollups(
	channels: readonly string[],
	{ numbers, units }: PackedRollups,
): RollupRow[] {
	const rows: RollupRow[] = [];
	for (let at = 0; at < numbers.length; at += ROLLUP_FIELDS) {
		const [
			bucketMs,
			kind,
			exponent,
			count,
			first,
			last,
			min,
			max,
			sum,
			unit,
			channel,
		] = numbers.subarray(at, at + ROLLUP_FIELDS) as unknown as [
			number,
			number,
			number,
			number,
			number,
			number,
			number,
			number,
			number,
			number,
			number,
		];
		rows.push({
			channel: channels[channel] ?? "",
			kind: KINDS[kind] ?? "gauge",
			unit: units[unit] ?? "",
			bucketMs,
			exponent,
			count,
			first,
			last,
			min,
			max,
			sum,
		});
	}
	return rows;
}
