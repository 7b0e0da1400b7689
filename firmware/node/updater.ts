/**
 * Brings an update into the idle slot and has it started: manifest first, then range after range, of which each is kept when it is in
 * flash, and each sector as it is full, so that whatever cuts it off costs what was under way; then the whole image's hash, from flash; then the switch. What happens after the
 * restart is `UpdateTrial`'s.
 *
 * It knows neither jobs nor how ranges are fetched: `start` is called with what a job says, again for each time that it says it
 * (after a restart, or with new addresses), and goes on where it was.
 */
import type { UpdateManifest } from "../../protocol/update-manifest.ts";
import { backoffMs } from "./backoff.ts";
import { DeltaError } from "./delta.ts";
import {
	DeltaLoading,
	ImageLoading,
	type Loading,
	type ProgressKeeper,
} from "./loading.ts";
import type { System, TimerHandle, Timers } from "./ports.ts";
import {
	hexOf,
	judgeManifest,
	trustedBy,
	type UpdateSettings,
} from "./update-check.ts";
import type {
	ByteSource,
	Hasher,
	RangeRequest,
	RangeSink,
	RunningFirmware,
	SourceReason,
	UpdateCrypto,
	UpdateReason,
	UpdateSlots,
} from "./update-ports.ts";
import {
	type UpdateProgress,
	type UpdateRecord,
	UpdateStore,
} from "./update-record.ts";

export interface UpdaterParts {
	readonly system: Pick<System, "log" | "random">;
	readonly timers: Timers;
	readonly settings: UpdateSettings;
	readonly slots: UpdateSlots;
	readonly crypto: UpdateCrypto;
	readonly running: RunningFirmware;
	readonly events: UpdateEvents;
}

export interface UpdateEvents {
	/** Something is done that somebody may want to see; as often as once a range and once a sector. */
	onProgress(progress: UpdateStep): void;
	/** The addresses are good no more: `start` is to be called with others. */
	onExpired(): void;
	/** It is over, and the image that runs goes on. Nothing of the update is kept. */
	onFailed(reason: UpdateReason, detail: string): void;
	/** The new image is to be started: the node ends in good order and restarts. */
	onReady(): void;
}

export interface UpdateStep {
	readonly step: "checking" | "loading" | "verifying";
	readonly doneBytes: number;
	readonly sizeBytes: number;
	readonly kind: "image" | "delta";
	/** Of the image. */
	readonly version: string;
}

export interface UpdateOrder {
	/** The job's. */
	readonly id: string;
	readonly manifest: Uint8Array;
	/** r, s: 64 bytes. */
	readonly signature: Uint8Array;
	readonly image?: ByteSource;
	readonly delta?: ByteSource;
}

/** Read from flash in one go, between two of which the node does its other work. */
const SLICE_BYTES = 4096;
const READ_BYTES = 256;
const RETRY = { baseMs: 5000, capMs: 300_000, jitter: 0.5 } as const;
/** In a row, without anything that was kept between them. */
const MOST_FAILURES = 12;

/** No more than is needed to the end: it takes room in the node's heap for as long. */
interface Work {
	image: ByteSource | undefined;
	delta: ByteSource | undefined;
	readonly manifest: Pick<UpdateManifest, "sizeBytes" | "sha256" | "delta">;
	record: UpdateRecord;
}

export class Updater implements RangeSink, ProgressKeeper {
	readonly #parts: UpdaterParts;
	readonly #store: UpdateStore;
	#work: Work | null = null;
	#request: RangeRequest | null = null;
	/** Where what is fetched goes. */
	#loading: Loading | null = null;
	#source: ByteSource | null = null;
	/** Of what is fetched: how far it has come, where the range under way ends, and where all of it does. */
	#at = 0;
	#rangeEnd = 0;
	#endBytes = 0;
	/** Has come, and is taken in turns of their own. */
	#left: Uint8Array | null = null;
	#timer: TimerHandle | null = null;
	#failures = 0;
	/** Waits for other addresses. */
	#isExpired = false;

	constructor(parts: UpdaterParts) {
		this.#parts = parts;
		this.#store = new UpdateStore(parts.settings);
	}

	/** Id of the job whose update is under way. */
	get workingFor(): string | null {
		return this.#work?.record.id ?? null;
	}

	/**
	 * Begins, or goes on. With the id of the one that is under way it is given other addresses.
	 * @returns null, or why it is not begun: then no event follows
	 */
	start(order: UpdateOrder): UpdateReason | null {
		if (this.#work !== null) {
			if (this.#work.record.id !== order.id) return "busy";
			this.#work.image = order.image;
			this.#work.delta = order.delta;
			if (this.#isExpired) {
				this.#isExpired = false;
				this.load();
			}
			return null;
		}
		const before = this.#store.read();
		// The last one has not been reported yet, or is on trial.
		if (before !== null && before.phase !== "load") return "busy";
		const { slots, settings, running, crypto } = this.#parts;
		const verdict = judgeManifest(
			order.manifest,
			order.signature,
			{
				...running,
				...trustedBy(settings, running),
				slotBytes: slots.idle.sizeBytes,
			},
			crypto,
		);
		if ("refused" in verdict) return verdict.refused;
		const { ok: manifest, sha256 } = verdict;
		this.#failures = 0;
		if (
			before !== null &&
			before.sha256 === sha256 &&
			before.slot === slots.idleSlot &&
			order[before.kind] !== undefined
		) {
			this.take(order, manifest, { ...before, id: order.id });
			this.load();
			return null;
		}
		const record: UpdateRecord = {
			id: order.id,
			sha256,
			phase: "load",
			kind: "image",
			slot: slots.idleSlot,
			version: manifest.version,
			securityVersion: manifest.securityVersion,
			...(manifest.nextKey === undefined ? {} : { nextKey: manifest.nextKey }),
		};
		this.take(order, manifest, record);
		this.choose();
		return null;
	}

	private take(
		{ image, delta }: UpdateOrder,
		{ sizeBytes, sha256, delta: difference }: UpdateManifest,
		record: UpdateRecord,
	): void {
		const manifest = {
			sizeBytes,
			sha256,
			...(difference === undefined ? {} : { delta: difference }),
		};
		this.#work = {
			image,
			delta: difference === undefined ? undefined : delta,
			manifest,
			record,
		};
	}

	/** Gives up what is under way, if it is that job's. */
	cancel(id: string): void {
		if (this.workingFor === id)
			this.fail("cancelled", "The update was called off.");
	}

	/** The node ends: what is kept is gone on with after its next start. */
	stop(): void {
		this.rest();
		this.#work = null;
	}

	/** A difference is worth it where it is to the very image that runs. */
	private choose(): void {
		const work = this.need();
		const { running } = this.#parts.slots;
		const { delta } = work.manifest;
		if (
			delta === undefined ||
			work.delta === undefined ||
			delta.fromSizeBytes > running.sizeBytes
		) {
			this.chooseImage();
			return;
		}
		this.hash(
			"checking",
			(offset, into) => running.read(offset, into),
			delta.fromSizeBytes,
			(sha256) => {
				if (sha256 === delta.fromSha256) this.begin("delta");
				else this.chooseImage();
			},
		);
	}

	private chooseImage(): void {
		if (this.need().image === undefined)
			this.fail(
				"wrong_base",
				"There is no whole image, and no difference to the one that runs.",
			);
		else this.begin("image");
	}

	private begin(kind: "image" | "delta"): void {
		const work = this.need();
		work.record = { ...work.record, kind };
		const why = this.#store.begin(work.record);
		if (why !== null) this.fail("settings_failed", why);
		else this.load();
	}

	private load(): void {
		const { manifest, record } = this.need();
		let progress = this.#store.readProgress();
		const isOurs =
			progress.doneBytes <= manifest.sizeBytes &&
			(progress.delta !== undefined) === (record.kind === "delta");
		if (!isOurs) progress = { doneBytes: 0 };
		this.tell("loading", progress.doneBytes);
		this.attempt(() => {
			if (record.kind === "delta") this.loadDelta(progress);
			else this.loadImage(progress);
		});
	}

	private loadImage({ doneBytes }: UpdateProgress): void {
		const { manifest, image } = this.need();
		this.#loading = new ImageLoading(this.#parts.slots.idle, doneBytes, this);
		this.fetch(image, doneBytes, manifest.sizeBytes);
	}

	private loadDelta(progress: UpdateProgress): void {
		const { manifest, delta: source } = this.need();
		const wanted = manifest.delta;
		if (wanted === undefined)
			throw new DeltaError("delta_malformed", "There is no difference.");
		const loading = new DeltaLoading(
			this.#parts.slots,
			{
				fromSizeBytes: wanted.fromSizeBytes,
				imageBytes: manifest.sizeBytes,
			},
			progress,
			this,
		);
		this.#loading = loading;
		this.fetch(source, loading.takenBytes, wanted.sizeBytes);
	}

	/** Asks for range after range up to `endBytes`. */
	private fetch(
		source: ByteSource | undefined,
		from: number,
		endBytes: number,
	): void {
		if (source === undefined) {
			this.fail("not_found", "The job has no address for it any more.");
			return;
		}
		this.#endBytes = endBytes;
		this.#at = from;
		this.fetchNext(source);
	}

	private fetchNext(source: ByteSource): void {
		const at = this.#at;
		if (at >= this.#endBytes) {
			this.attempt(() => {
				this.#loading?.end();
				this.verify();
			});
			return;
		}
		// From the second on, ranges begin where those of a source of fixed blocks do.
		const { rangeBytes } = source;
		const range = Math.min(rangeBytes - (at % rangeBytes), this.#endBytes - at);
		this.#rangeEnd = at + range;
		this.#source = source;
		this.#request = source.fetch(at, range, this);
	}

	// What a sink of ranges does: there is one request at a time, and nothing comes of one that was called off

	onBytes(bytes: Uint8Array): void {
		if (this.#at + bytes.length > this.#rangeEnd) {
			this.lost("wrong_length");
			return;
		}
		this.#at += bytes.length;
		const loading = this.#loading;
		// A source that does not wait until what it brought is taken.
		this.drain();
		if (loading !== this.#loading) return;
		this.#left = this.pour(bytes)?.slice() ?? null;
		if (this.#left !== null) this.takeLater();
	}

	onEnd(): void {
		this.#request = null;
		if (this.#at < this.#rangeEnd) this.lost("wrong_length");
		else if (this.#left === null) this.takeLater();
	}

	/** @returns what is left to be taken in another turn, or null */
	private pour(bytes: Uint8Array): Uint8Array | null {
		const loading = this.#loading;
		try {
			const left = loading?.take(bytes) ?? null;
			// Whoever was told how far it is may have called it off.
			return loading === this.#loading ? left : null;
		} catch (error) {
			this.failBy(error);
			return null;
		}
	}

	/** Takes all that is left at once. */
	private drain(): void {
		while (this.#left !== null) this.#left = this.pour(this.#left);
	}

	/**
	 * A sector at a time, so that the node goes on with its work, and in a turn of its own: little of the stack is in use then, and nothing is
	 * held of the message that brought it.
	 */
	private takeLater(): void {
		this.after(0, () => {
			this.#left = this.#left === null ? null : this.pour(this.#left);
			if (this.#left !== null) this.takeLater();
			else if (this.#request === null) this.rangeTaken();
		});
	}

	private rangeTaken(): void {
		if (this.pause() && this.#source !== null) this.fetchNext(this.#source);
	}

	/** Keeps what has come. @returns whether it is gone on with */
	private pause(): boolean {
		const loading = this.#loading;
		this.drain();
		this.attempt(() => {
			if (loading === this.#loading) loading?.pause();
		});
		return loading === this.#loading;
	}

	onFailed(reason: SourceReason): void {
		this.lost(reason);
	}

	/** What a loading has in flash. @throws SettingsFailed */
	keep(progress: UpdateProgress): void {
		// A range may end where a sector does, and what is lost may have brought nothing.
		if (this.#store.hasProgress(progress)) return;
		const why = this.#store.writeProgress(progress);
		if (why !== null) throw new SettingsFailed(why);
		this.#failures = 0;
		this.tell("loading", progress.doneBytes);
	}

	private lost(reason: SourceReason): void {
		const isFinal =
			reason === "not_found" ||
			reason === "ranges_ignored" ||
			reason === "wrong_length";
		if (!isFinal && !this.pause()) return;
		this.rest();
		this.#failures++;
		if (isFinal && this.withoutDelta(reason)) return;
		if (isFinal || this.#failures >= MOST_FAILURES) {
			this.fail(reason, "What was asked for did not come.");
			return;
		}
		this.#parts.system.log("warn", `The update waits: ${reason}.`);
		if (reason === "url_expired") {
			this.#isExpired = true;
			this.#parts.events.onExpired();
			return;
		}
		const byte = new Uint8Array(1);
		this.#parts.system.random(byte);
		const delayMs = backoffMs(this.#failures, RETRY, (byte[0] ?? 0) / 256);
		this.after(delayMs, () => this.load());
	}

	private verify(): void {
		this.#loading = null;
		this.#source = null;
		const { manifest, record } = this.need();
		const { idle } = this.#parts.slots;
		this.hash(
			"verifying",
			(offset, into) => idle.read(offset, into),
			manifest.sizeBytes,
			(sha256) => {
				if (sha256 === manifest.sha256) this.switch();
				else if (!this.withoutDelta("hash_mismatch"))
					this.fail(
						"hash_mismatch",
						`What is in slot ${record.slot} is not the image of the manifest.`,
					);
			},
		);
	}

	private switch(): void {
		const work = this.need();
		work.record = { ...work.record, phase: "switch", tries: 1 };
		const why = this.#store.write(work.record);
		if (why !== null) {
			this.fail("settings_failed", why);
			return;
		}
		try {
			this.#parts.slots.activate();
		} catch (error) {
			this.fail("switch_failed", String(error));
			return;
		}
		this.#parts.system.log("info", `Starting version ${work.record.version}.`);
		// There is no calling it off any more: the next start is the new image's.
		this.#work = null;
		// On its own: what ends the node is no failure of the update.
		this.#parts.timers.set(() => this.#parts.events.onReady(), 0);
	}

	/** Hashes slice by slice, so that the node goes on with its work. */
	private hash(
		step: "checking" | "verifying",
		read: (offset: number, into: Uint8Array) => void,
		sizeBytes: number,
		then: (sha256: string) => void,
	): void {
		const hasher: Hasher = this.#parts.crypto.sha256();
		const buffer = new Uint8Array(READ_BYTES);
		let at = 0;
		const slice = () => {
			const end = Math.min(sizeBytes, at + SLICE_BYTES);
			while (at < end) {
				const piece = buffer.subarray(0, Math.min(READ_BYTES, end - at));
				read(at, piece);
				hasher.update(piece);
				at += piece.length;
			}
			if (at < sizeBytes) this.after(0, next);
			else then(hexOf(hasher.digest()));
		};
		const next = () => this.attempt(slice);
		this.tell(step, sizeBytes);
		this.after(0, next);
	}

	/** A difference that turns out wrong is no reason to stay without the update, where the image itself is to be had. */
	private withoutDelta(reason: UpdateReason): boolean {
		const { record, image } = this.need();
		if (record.kind !== "delta" || image === undefined) return false;
		this.#parts.system.log(
			"warn",
			`The difference is of no use (${reason}); the whole image is fetched.`,
		);
		this.rest();
		this.begin("image");
		return true;
	}

	/** Runs what may throw for a reason that has a name. */
	private attempt(act: () => void): void {
		if (this.#work === null) return;
		try {
			act();
		} catch (error) {
			this.failBy(error);
		}
	}

	private failBy(error: unknown): void {
		// It was called off by whoever was told how far it is.
		if (this.#work === null) return;
		if (error instanceof DeltaError) {
			if (!this.withoutDelta(error.code)) this.fail(error.code, error.message);
		} else if (error instanceof SettingsFailed)
			this.fail("settings_failed", error.message);
		else this.fail("flash_failed", String(error));
	}

	private fail(reason: UpdateReason, detail: string): void {
		this.rest();
		this.#work = null;
		const why = this.#store.clear();
		if (why !== null)
			this.#parts.system.log("error", `An update's record stays: ${why}`);
		this.#parts.system.log("error", `No update (${reason}): ${detail}`);
		this.#parts.events.onFailed(reason, detail);
	}

	/** Nothing that was set going comes back. */
	private rest(): void {
		this.#request?.cancel();
		this.#request = null;
		this.#loading = null;
		this.#source = null;
		this.#left = null;
		this.clearTimer();
		this.#isExpired = false;
	}

	private clearTimer(): void {
		if (this.#timer !== null) this.#parts.timers.clear(this.#timer);
		this.#timer = null;
	}

	/** In place of what was to be done later until now. */
	private after(delayMs: number, act: () => void): void {
		this.clearTimer();
		this.#timer = this.#parts.timers.set(() => {
			this.#timer = null;
			act();
		}, delayMs);
	}

	private tell(step: UpdateStep["step"], doneBytes: number): void {
		const { manifest, record } = this.need();
		const { sizeBytes } = manifest;
		const { kind, version } = record;
		this.#parts.events.onProgress({
			step,
			doneBytes,
			sizeBytes,
			kind,
			version,
		});
	}

	private need(): Work {
		if (this.#work === null) throw new Error("No update is under way.");
		return this.#work;
	}
}

/** Progress cannot be kept; the message is the reason that settings gave. */
class SettingsFailed extends Error {
	override readonly name = "SettingsFailed";
}
