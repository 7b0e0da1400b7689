/** The stores in memory, for tests of what stands on them: they pass the same contracts as real ones. */
import type {
	AuthorityStores,
	BlockPage,
	BlockStore,
	BootBinding,
	BucketRows,
	DeadLetter,
	DeviceCertificate,
	NewBlock,
	PutOutcome,
	RollupRow,
	RollupSize,
	Stores,
} from "../ports.ts";
import { StoreError } from "../ports.ts";
import type { PresenceStore } from "../presence.ts";
import { floorTo, rollupSpanMs } from "../spans.ts";
import { memoryAlerts } from "./memory-alerts.ts";
import { memoryDevices } from "./memory-devices.ts";
import { memoryLogs } from "./memory-logs.ts";

export interface MemoryStores extends AuthorityStores {
	/** While it is true, every write fails with StoreError. */
	failing: boolean;
	/** How many times each device was updated. */
	readonly deviceUpdates: Map<string, number>;
	/** As where events tell of it: on AWS. */
	readonly presence: PresenceStore;
}

export function memoryStores(): MemoryStores {
	const dirty = new DirtyBuckets();
	const deviceUpdates = new Map<string, number>();
	const stores: MemoryStores = {
		failing: false,
		deviceUpdates,
		blocks: memoryBlocks(check, dirty),
		deadLetters: memoryDeadLetters(check),
		...memoryDevices(check, deviceUpdates),
		bindings: memoryBindings(check),
		rollups: memoryRollups(check, dirty),
		alerts: memoryAlerts(check),
		logs: memoryLogs(check),
		certificates: memoryCertificates(check),
	};
	function check(): void {
		if (stores.failing) {
			throw new StoreError("unavailable", "The store has been told to fail.");
		}
	}
	return stores;
}

type Check = () => void;
type BlockIdentity = Pick<NewBlock, "journalId" | "boot" | "sequence">;

class DirtyBuckets {
	readonly marks = new Map<string, number>();
	#last = 0;

	mark(thing: string, startMs: number, spanMs: number): void {
		for (const size of ["hour", "day"] as const) {
			const every = rollupSpanMs(size);
			const endMs = startMs + Math.max(spanMs, 1);
			for (let at = floorTo(startMs, every); at < endMs; at += every) {
				this.marks.set(`${thing}/${size}/${at}`, ++this.#last);
			}
		}
	}

	list(): {
		thing: string;
		size: RollupSize;
		bucketMs: number;
		mark: number;
	}[] {
		return [...this.marks]
			.map(([key, mark]) => {
				const [thing = "", size, bucket] = key.split("/");
				return {
					thing,
					size: size === "hour" ? ("hour" as const) : ("day" as const),
					bucketMs: Number(bucket),
					mark,
				};
			})
			.sort(
				(a, b) =>
					compare(a.thing, b.thing) ||
					compare(b.size, a.size) ||
					a.bucketMs - b.bucketMs,
			);
	}

	/** @returns whether it was out of date with that mark */
	clear(thing: string, { size, bucketMs, mark }: BucketRows): boolean {
		const key = `${thing}/${size}/${bucketMs}`;
		return this.marks.get(key) === mark && this.marks.delete(key);
	}
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

function byIdentity(a: BlockIdentity, b: BlockIdentity): number {
	return (
		compare(a.journalId, b.journalId) ||
		a.boot - b.boot ||
		a.sequence - b.sequence
	);
}

function memoryBlocks(check: Check, dirty: DirtyBuckets): BlockStore {
	const blocks: NewBlock[] = [];
	function find(thing: string, identity: BlockIdentity): NewBlock | undefined {
		return blocks.find(
			(block) => block.thing === thing && byIdentity(block, identity) === 0,
		);
	}
	function put(block: NewBlock): PutOutcome {
		const known = find(block.thing, block);
		if (known !== undefined) {
			return known.bytes.length === block.bytes.length &&
				known.bytes.every((byte, i) => byte === block.bytes[i])
				? "duplicate"
				: "conflict";
		}
		const { stampedMs: _, ...stored } = block;
		blocks.push({ ...stored, bytes: new Uint8Array(block.bytes) });
		if (block.startMs !== null) {
			dirty.mark(block.thing, block.startMs, block.spanMs);
		}
		return "stored";
	}
	return {
		async put(some) {
			check();
			return some.map(put);
		},
		async range(thing, fromMs, toMs, limit, after) {
			return pageOf(
				blocks
					.filter(
						(block) =>
							block.thing === thing &&
							block.startMs !== null &&
							block.startMs < toMs &&
							block.startMs + block.spanMs > fromMs,
					)
					.sort(
						(a, b) => (a.startMs ?? 0) - (b.startMs ?? 0) || byIdentity(a, b),
					),
				limit,
				after,
			);
		},
		async before(thing, beforeMs, limit, after) {
			return pageOf(
				blocks
					.filter(
						(block) =>
							block.thing === thing &&
							block.startMs !== null &&
							block.startMs < beforeMs,
					)
					.sort(
						(a, b) => (b.startMs ?? 0) - (a.startMs ?? 0) || byIdentity(b, a),
					),
				limit,
				after,
			);
		},
		async untimed(thing, limit, after) {
			const own = blocks.filter(
				(block) => block.thing === thing && block.startMs === null,
			);
			requireCursor(after, /^\d+$/);
			const from = Number(after ?? 0);
			const page = own.slice(from, from + limit);
			return { blocks: page, next: String(from + page.length) };
		},
		async getUntimed(thing, identities) {
			return identities.flatMap((identity) => {
				const block = find(thing, identity);
				return block?.startMs === null ? [block] : [];
			});
		},
	};
}

/** The cursor names the last block of the page before: blocks that come meanwhile neither hide nor repeat one. */
function pageOf(
	blocks: readonly NewBlock[],
	limit: number,
	after: string | undefined,
): BlockPage {
	requireCursor(after, /^[0-9a-f]{16}-\d+-\d+$/);
	const name = (block: NewBlock): string =>
		`${block.journalId}-${block.boot}-${block.sequence}`;
	const from =
		after === undefined
			? 0
			: blocks.findIndex((block) => name(block) === after) + 1;
	const page = blocks.slice(from, from + limit);
	const last = page[page.length - 1];
	return {
		blocks: page,
		next: last !== undefined && page.length === limit ? name(last) : null,
	};
}

function requireCursor(cursor: string | undefined, form: RegExp): void {
	if (cursor === undefined || form.test(cursor)) return;
	throw new StoreError(
		"bad_cursor",
		"The cursor is none that this store has made.",
	);
}

function memoryDeadLetters(check: Check): Stores["deadLetters"] {
	const letters: DeadLetter[] = [];
	let lastId = 0;
	return {
		async add(letter) {
			check();
			letters.push({ ...letter, id: ++lastId });
		},
		async get(id) {
			return letters.find((letter) => letter.id === id) ?? null;
		},
		async remove(id) {
			check();
			const index = letters.findIndex((letter) => letter.id === id);
			if (index >= 0) letters.splice(index, 1);
		},
		async list({ limit, beforeId = Number.POSITIVE_INFINITY, thing }) {
			return letters
				.filter(
					(letter) =>
						letter.id < beforeId &&
						(thing === undefined || letter.thing === thing),
				)
				.reverse()
				.slice(0, limit);
		},
	};
}

function memoryBindings(check: Check): Stores["bindings"] {
	const all = new Map<string, BootBinding[]>();
	return {
		async add(thing, binding) {
			check();
			const list = all.get(thing) ?? [];
			const inForce = list.findLast(
				(one) =>
					one.journalId === binding.journalId &&
					one.boot === binding.boot &&
					one.fromUptimeMs <= binding.fromUptimeMs,
			);
			if (
				inForce?.bootTimeMs === binding.bootTimeMs ||
				inForce?.fromUptimeMs === binding.fromUptimeMs
			) {
				return;
			}
			all.set(
				thing,
				[...list, binding].sort(
					(a, b) =>
						compare(a.journalId, b.journalId) ||
						a.boot - b.boot ||
						a.fromUptimeMs - b.fromUptimeMs,
				),
			);
		},
		async list(thing, boot) {
			const list = all.get(thing) ?? [];
			if (boot === undefined) return list;
			return list.filter(
				(one) => one.journalId === boot.journalId && one.boot === boot.boot,
			);
		},
		async count(thing) {
			return all.get(thing)?.length ?? 0;
		},
	};
}

function memoryRollups(check: Check, dirty: DirtyBuckets): Stores["rollups"] {
	const rows = new Map<string, readonly RollupRow[]>();
	return {
		async dirty(thing, size, fromMs, toMs) {
			return dirty
				.list()
				.filter(
					(bucket) =>
						bucket.thing === thing &&
						bucket.size === size &&
						bucket.bucketMs >= fromMs &&
						bucket.bucketMs < toMs,
				)
				.map(({ bucketMs, mark }) => ({ size, bucketMs, mark }));
		},
		async allDirty(beforeMs, limit) {
			return dirty
				.list()
				.filter(
					({ size, bucketMs }) => bucketMs + rollupSpanMs(size) <= beforeMs,
				)
				.slice(0, limit);
		},
		async replace(thing, buckets) {
			check();
			for (const bucket of buckets) {
				if (!dirty.clear(thing, bucket)) continue;
				rows.set(`${thing}/${bucket.size}/${bucket.bucketMs}`, bucket.rows);
			}
		},
		async range(thing, size, channels, fromMs, toMs) {
			return [...rows]
				.filter(([key]) => key.startsWith(`${thing}/${size}/`))
				.flatMap(([, bucket]) => bucket)
				.filter(
					(row) =>
						channels.includes(row.channel) &&
						row.bucketMs >= fromMs &&
						row.bucketMs < toMs,
				)
				.sort((a, b) => a.bucketMs - b.bucketMs);
		},
	};
}

function memoryCertificates(check: Check): AuthorityStores["certificates"] {
	const certificates = new Map<string, DeviceCertificate>();
	const listOf = (thing: string | null) =>
		[...certificates.values()]
			.filter((certificate) => certificate.thing === thing)
			.sort(
				(a, b) =>
					a.createdMs - b.createdMs ||
					compare(a.certificateId, b.certificateId),
			);
	return {
		async add(certificate) {
			check();
			if (!certificates.has(certificate.certificateId)) {
				certificates.set(certificate.certificateId, certificate);
			}
		},
		async get(certificateId) {
			return certificates.get(certificateId) ?? null;
		},
		ofThing: async (thing) => listOf(thing),
		ofClaims: async () => listOf(null),
		async revoke(certificateId) {
			check();
			const certificate = certificates.get(certificateId);
			if (certificate !== undefined) {
				certificates.set(certificateId, { ...certificate, status: "REVOKED" });
			}
		},
	};
}
