/**
 * A board with two slots, otadata and settings on one supply, whose bootloader keeps ESP-IDF's rules, and a server of images. Boots
 * run one after the other, each until it restarts, loses its power or has nothing more to do.
 */
import {
	createHash,
	createPublicKey,
	generateKeyPairSync,
	sign,
	verify,
} from "node:crypto";
import {
	encodeManifest,
	type UpdateManifest,
} from "../../../protocol/update-manifest.ts";
import {
	FlashSupply,
	NorFlash,
	PowerCut,
	SECTOR_BYTES,
} from "../../boards/virtual/peripherals/flash.ts";
import { SeededRandom } from "../../boards/virtual/peripherals/random.ts";
import { PoweredSettings } from "../../boards/virtual/peripherals/settings.ts";
import {
	CHIP_IDS,
	DESCRIPTION_BYTES,
	describeApp,
	readAppImage,
	writeAppImage,
	writeDescription,
} from "../../image/app-image.ts";
import { FlashFormatError } from "../../image/errors.ts";
import {
	activeEntry,
	applyChange,
	decideBoot,
	OTADATA_BYTES,
	type OtadataChange,
	OtaState,
	readOtadata,
	selectSlot,
	writeOtadata,
	writeOtaSelect,
} from "../../image/otadata.ts";
import { NodeSettings } from "../settings.ts";
import { Trial } from "../trial.ts";
import type {
	ByteSource,
	RangeSink,
	SourceReason,
	UpdateCrypto,
	UpdateReason,
	UpdateSlots,
} from "../update-ports.ts";
import { type UpdateOutcome, UpdateTrial } from "../update-trial.ts";
import { type UpdateOrder, Updater, type UpdateStep } from "../updater.ts";
import { FakeSettings, FakeSystem } from "./board.ts";
import { VirtualTimers } from "./virtual-timers.ts";

export const SLOT_BYTES = 4 * SECTOR_BYTES;
/** Where in an image's code is what is like nothing else. */
const NEW_AT = 3000;

const SPKI_PREFIX = Buffer.from(
	"3059301306072a8648ce3d020106082a8648ce3d030107034200",
	"hex",
);

export const nodeCrypto: UpdateCrypto = {
	sha256() {
		const hash = createHash("sha256");
		return {
			update: (bytes) => void hash.update(bytes),
			digest: () => new Uint8Array(hash.digest()),
		};
	},
	verifyP256(point, hash, signature) {
		if (hash.length !== 32) throw new Error("A hash has 32 bytes.");
		const key = createPublicKey({
			key: Buffer.concat([SPKI_PREFIX, point]),
			format: "der",
			type: "spki",
		});
		const signed = hashedBytes.get(Buffer.from(hash).toString("hex"));
		if (signed === undefined) return false;
		return verify(
			"sha256",
			signed,
			{ key, dsaEncoding: "ieee-p1363" },
			signature,
		);
	},
};

/** Node's crypto signs and checks what has not been hashed yet: which bytes a hash is of. */
const hashedBytes = new Map<string, Uint8Array>();

export interface FakeKey {
	readonly point: string;
	sign(bytes: Uint8Array): Uint8Array;
}

export function makeKey(): FakeKey {
	const { publicKey, privateKey } = generateKeyPairSync("ec", {
		namedCurve: "P-256",
	});
	const spki = publicKey.export({ type: "spki", format: "der" });
	return {
		point: spki.subarray(SPKI_PREFIX.length).toString("hex"),
		sign(bytes) {
			hashedBytes.set(sha256Of(bytes), bytes.slice());
			return new Uint8Array(
				sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" }),
			);
		},
	};
}

export function sha256Of(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

/** An application image of `bytes` of code that the version decides, for the most part. @param newBytes of it are like nothing else */
export function makeImage(
	version: string,
	bytes: number,
	newBytes = 0,
): Uint8Array {
	const data = new Uint8Array(DESCRIPTION_BYTES + bytes - (bytes % 4));
	for (let i = 0; i < data.length; i++) data[i] = (i * i) >> 4;
	const random = new SeededRandom(newBytes);
	for (let i = 0; i < newBytes; i++) data[NEW_AT + i] = random.below(256);
	for (let i = 700; i < data.length; i += 911)
		data[i] = version.charCodeAt(i % version.length);
	data.set(
		writeDescription({
			secureVersion: 0,
			version,
			project: "thinghz",
			time: "",
			date: "",
			idfVersion: "",
			elfSha256: new Uint8Array(32),
		}),
	);
	return writeAppImage({
		chipId: CHIP_IDS.esp32c3,
		spiMode: 2,
		spiSpeedAndSize: 0x20,
		entryAddress: 0,
		otherHeader: new Uint8Array(13),
		segments: [{ loadAddress: 0, data }],
		hasHash: true,
	});
}

/** Serves `bytes` in pieces, a millisecond each. */
export class FakeSource implements ByteSource {
	readonly rangeBytes: number;
	readonly bytes: Uint8Array;
	/** Where each request began. */
	readonly asked: number[] = [];
	/** Handed over in all. */
	servedBytes = 0;
	/** What becomes of the nth request (from 0), in place of bytes, or after `afterBytes` of them. */
	fault: (
		request: number,
	) => { readonly reason: SourceReason; readonly afterBytes: number } | null =
		() => null;
	readonly #timers: () => VirtualTimers;
	readonly #pieceBytes: number;

	constructor(
		bytes: Uint8Array,
		timers: () => VirtualTimers,
		rangeBytes = 10_000,
		pieceBytes = 600,
	) {
		this.bytes = bytes;
		this.#timers = timers;
		this.rangeBytes = rangeBytes;
		this.#pieceBytes = pieceBytes;
	}

	fetch(
		offset: number,
		lengthBytes: number,
		sink: RangeSink,
	): { cancel(): void } {
		const timers = this.#timers();
		const fault = this.fault(this.asked.length);
		this.asked.push(offset);
		const end = Math.min(this.bytes.length, offset + lengthBytes);
		let at = offset;
		let isOver = false;
		const step = () => {
			if (isOver) return;
			if (fault !== null && at - offset >= fault.afterBytes) {
				isOver = true;
				sink.onFailed(fault.reason);
				return;
			}
			if (at >= end) {
				isOver = true;
				sink.onEnd();
				return;
			}
			const piece = this.bytes.slice(at, Math.min(end, at + this.#pieceBytes));
			at += piece.length;
			this.servedBytes += piece.length;
			sink.onBytes(piece);
			timers.set(step, 1);
		};
		timers.set(step, 1);
		return {
			cancel() {
				isOver = true;
			},
		};
	}
}

/** The slots as the bootloader and esp_ota_ops see them. */
class BenchSlots implements UpdateSlots {
	readonly runningSlot: number;
	onTrial: boolean;
	readonly #bench: UpdateBench;

	constructor(bench: UpdateBench, runningSlot: number, onTrial: boolean) {
		this.#bench = bench;
		this.runningSlot = runningSlot;
		this.onTrial = onTrial;
	}

	get idleSlot(): number {
		return 1 - this.runningSlot;
	}

	get idle(): NorFlash {
		return this.#bench.slots[this.idleSlot] as NorFlash;
	}

	get running(): NorFlash {
		return this.#bench.slots[this.runningSlot] as NorFlash;
	}

	activate(): void {
		this.#bench.activations++;
		this.#bench.onActivate();
		if (this.#bench.activationFails)
			throw new Error("ESP_ERR_OTA_VALIDATE_FAILED");
		readAppImage(this.#bench.contentOf(this.idleSlot));
		const entries = this.#bench.otadataEntries();
		this.#bench.writeChange(selectSlot(entries, this.idleSlot, 2));
	}

	confirm(): void {
		this.#mark(OtaState.valid);
		this.onTrial = false;
	}

	rollBack(): never {
		this.#mark(OtaState.invalid);
		this.#bench.endBoot();
		throw new Restart();
	}

	#mark(state: number): void {
		const entries = this.#bench.otadataEntries();
		const entry = activeEntry(entries);
		if (entry === null) return;
		const sequence = entries[entry]?.sequence ?? 1;
		this.#bench.writeChange({ entry, select: { sequence, state } });
	}
}

/** The node restarts. */
export class Restart extends Error {
	override readonly name = "Restart";
}

export interface BootPlan {
	/** Given to the updater, as a job would, at each boot that has no outcome to tell. */
	readonly order?: UpdateOrder | undefined;
	/** ms after which a message is acknowledged; null: never. */
	readonly acknowledgedAfterMs?: number | null;
	/** How often an attempt to connect fails, in ms. */
	readonly failsEveryMs?: number;
	readonly untilMs?: number;
	/** Called as the boot begins. */
	onBoot?(boot: Boot): void;
}

export interface Boot {
	readonly runningSlot: number;
	readonly version: string;
	readonly timers: VirtualTimers;
	readonly updater: Updater;
	readonly trial: UpdateTrial;
	readonly steps: UpdateStep[];
	readonly failures: UpdateReason[];
	readonly outcomes: UpdateOutcome[];
	expirations: number;
	/** What `start` said. */
	refused: UpdateReason | null;
	end: "restart" | "power" | "time";
	endedAtMs: number;
}

export class UpdateBench {
	readonly supply = new FlashSupply();
	readonly slots: readonly NorFlash[];
	readonly otadata: NorFlash;
	readonly values = new FakeSettings();
	readonly settings: PoweredSettings;
	readonly key: FakeKey;
	readonly boots: Boot[] = [];
	activations = 0;
	activationFails = false;
	/** Called in the middle of it. */
	onActivate: () => void = () => undefined;
	/** Version of an image that restarts before it runs anything. */
	crashing: string | null = null;
	#timers = new VirtualTimers();
	#endedAtMs: number | null = null;

	constructor(image: Uint8Array, key: FakeKey = makeKey()) {
		const { supply } = this;
		this.key = key;
		this.slots = [0, 1].map(
			() => new NorFlash({ sizeBytes: SLOT_BYTES, supply }),
		);
		this.otadata = new NorFlash({ sizeBytes: OTADATA_BYTES, supply });
		this.settings = new PoweredSettings(this.values, supply);
		this.slots[0]?.program(0, image);
		this.otadata.program(
			0,
			writeOtadata([{ sequence: 1, state: OtaState.valid }, null]),
		);
		this.operationsBefore = supply.operations;
	}

	/** Operations before the first boot. */
	readonly operationsBefore: number;

	readonly timers = (): VirtualTimers => this.#timers;

	/** A signed order for `image`; the difference is `delta`'s, where there is one. */
	order(
		image: Uint8Array,
		change: Partial<UpdateManifest> = {},
		key: FakeKey = this.key,
	): UpdateOrder & { readonly image: FakeSource } {
		const { description } = describeApp(image);
		const manifest = encodeManifest({
			project: description.project,
			board: "esp32c3",
			version: description.version,
			securityVersion: 0,
			sizeBytes: image.length,
			sha256: sha256Of(image),
			...change,
		});
		return {
			id: "job-1",
			manifest,
			signature: key.sign(manifest),
			image: new FakeSource(image, this.timers),
		};
	}

	/** The slots as the next start of the board finds them, for whoever runs a node on them. */
	slotsAtStart(): UpdateSlots {
		this.supply.restore();
		this.#endedAtMs = null;
		const { slot, onTrial } = this.#bootloader();
		return new BenchSlots(this, slot, onTrial);
	}

	/** It has been rolled back: the board restarts. */
	get isBootOver(): boolean {
		return this.#endedAtMs !== null;
	}

	/** Nothing of this boot happens any more. */
	endBoot(): void {
		this.#endedAtMs = this.#timers.uptimeMs();
		this.#timers.clearAll();
	}

	contentOf(slot: number): Uint8Array {
		const bytes = new Uint8Array(SLOT_BYTES);
		this.slots[slot]?.read(0, bytes);
		return bytes;
	}

	otadataEntries() {
		const partition = new Uint8Array(OTADATA_BYTES);
		this.otadata.read(0, partition);
		return readOtadata(partition);
	}

	writeChange({ entry, select }: OtadataChange): void {
		const offset = entry * SECTOR_BYTES;
		this.otadata.erase(offset);
		this.otadata.program(offset, writeOtaSelect(select));
	}

	/** @throws Error when no slot has a valid image: the board is lost */
	#bootloader(): { readonly slot: number; readonly onTrial: boolean } {
		const { slots, changes } = decideBoot(this.otadataEntries(), 2);
		for (const change of changes) this.writeChange(change);
		const entries = changes.reduce(applyChange, this.otadataEntries());
		const slot = slots.find((one) => this.isValid(one));
		if (slot === undefined) throw new Error("No slot has a valid image.");
		const active = activeEntry(entries);
		const onTrial =
			active !== null &&
			entries[active]?.state === OtaState.pending &&
			slot === slots[0];
		return { slot, onTrial };
	}

	isValid(slot: number): boolean {
		try {
			readAppImage(this.contentOf(slot));
			return true;
		} catch (error) {
			if (error instanceof FlashFormatError) return false;
			throw error;
		}
	}

	/** One start of the board. A cut in the bootloader is a boot without a node. */
	boot(plan: BootPlan): Boot | null {
		this.supply.restore();
		try {
			let start = this.#bootloader();
			// It crashes before its first line: the next start gives it up.
			while (
				this.crashing !== null &&
				this.versionIn(start.slot) === this.crashing
			)
				start = this.#bootloader();
			return this.#run(plan, start.slot, start.onTrial);
		} catch (error) {
			if (error instanceof PowerCut) return null;
			throw error;
		}
	}

	versionIn(slot: number): string {
		return describeApp(this.contentOf(slot)).description.version;
	}

	#run(plan: BootPlan, slot: number, onTrial: boolean): Boot {
		const version = this.versionIn(slot);
		const timers = new VirtualTimers();
		this.#timers = timers;
		this.#endedAtMs = null;
		const system = new FakeSystem();
		const slots = new BenchSlots(this, slot, onTrial);
		const settings = new NodeSettings(this.settings, system);
		const restart = () => {
			throw new Restart();
		};
		const trial = new UpdateTrial({
			system,
			timers,
			settings,
			slots,
			trial: new Trial(slots, system),
			onReady: restart,
			onOutcome: (outcome) => void boot.outcomes.push(outcome),
		});
		const updater = new Updater({
			system,
			timers,
			settings,
			slots,
			crypto: nodeCrypto,
			running: {
				project: "thinghz",
				board: "esp32c3",
				version,
				securityVersion: 0,
				key: this.key.point,
			},
			events: {
				onProgress: (step) => void boot.steps.push(step),
				onExpired: () => {
					boot.expirations++;
				},
				onFailed: (reason) => void boot.failures.push(reason),
				onReady: restart,
			},
		});
		const boot: Boot = {
			runningSlot: slot,
			version,
			timers,
			updater,
			trial,
			steps: [],
			failures: [],
			outcomes: [],
			expirations: 0,
			refused: null,
			end: "time",
			endedAtMs: 0,
		};
		this.boots.push(boot);
		try {
			trial.begin();
			plan.onBoot?.(boot);
			this.#follow(plan, boot);
			timers.advance(plan.untilMs ?? 3_600_000);
		} catch (error) {
			if (error instanceof Restart) boot.end = "restart";
			else if (!(error instanceof PowerCut)) throw error;
		}
		if (this.#endedAtMs !== null) boot.end = "restart";
		boot.endedAtMs = this.#endedAtMs ?? timers.uptimeMs();
		// A node that goes on without power is a node that nobody hears.
		if (!this.supply.on) boot.end = "power";
		return boot;
	}

	#follow(plan: BootPlan, boot: Boot): void {
		const { order, acknowledgedAfterMs = 2000, failsEveryMs } = plan;
		const { timers, trial, updater } = boot;
		if (order !== undefined)
			timers.set(() => {
				if (trial.outcome === null) boot.refused = updater.start(order);
			}, 1000);
		if (acknowledgedAfterMs !== null)
			timers.set(() => trial.acknowledged(), acknowledgedAfterMs);
		if (failsEveryMs !== undefined) {
			const fail = () => {
				trial.attemptFailed();
				timers.set(fail, failsEveryMs);
			};
			timers.set(fail, failsEveryMs);
		}
	}

	/** Boots until there is an outcome, a failure or nothing more to do. */
	runUntilSettled(plan: BootPlan, mostBoots = 12): Boot {
		for (let n = 0; n < mostBoots; n++) {
			const boot = this.boot(plan);
			if (boot !== null && boot.end === "time") return boot;
		}
		throw new Error(`Not settled after ${mostBoots} boots.`);
	}
}
