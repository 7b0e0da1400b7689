/** A node on `virtual32` whose heap can be looked into, its cloud, and a clock that is run by hand. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openNodeCertificates } from "../../cloud/local/identity/open-node-certificates.ts";
import {
	type MachineExit,
	VirtualMachine,
} from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import type { Credentials } from "../../firmware/boards/virtual/peripherals/network.ts";
import type { ProcessorSizes } from "../../firmware/boards/virtual/processor.ts";
import { TestAuthority } from "../../firmware/boards/virtual/testing/certificates.ts";
import { makeProgramImage } from "../../firmware/image/program-image.ts";
import { NodeCloud } from "../../test/update/node-cloud.ts";
import { buildProgram } from "../build/firmware.ts";
import { pointOf } from "../ota/keys.ts";
import { signUpdate } from "../ota/update.ts";

/** As the C host tells it, in bytes: `firmware/boards/virtual/host/heap.h` says what each is. */
interface HostHeap {
	readonly chunkUsed: number;
	readonly slotUsed: number;
	readonly chunkPeak: number;
	readonly slotPeak: number;
	readonly allocatedPeak: number;
	readonly builtins: number;
	readonly loaded: number;
	readonly code: number;
	readonly stack: number;
	readonly stackPeak: number;
}

/** Bytes of slots and chunks. */
export interface HeapFigures {
	/** Live now. */
	readonly liveBytes: number;
	/** The most that was live after any collection. */
	readonly livePeakBytes: number;
	/** The most that was ever taken: what was live, garbage, room not in use, and the stack. */
	readonly takenPeakBytes: number;
	/** Of the stack, the most that was ever used. */
	readonly stackPeakBytes: number;
	/** Names, functions and classes of the program: in flash on a device. */
	readonly programBytes: number;
	/** The engine's own objects: in flash on a device. */
	readonly builtinBytes: number;
	/** Byte code of the bundle: in flash on a device. */
	readonly codeBytes: number;
}

/**
 * Little is taken to begin with, and more in steps of 1 KB, so that what was taken comes close to what was needed. The
 * engine's built-ins take about 3,900 slots and 8 KB of chunks of it.
 */
export const SPARING = {
	slots: 4096,
	chunkBytes: 12_288,
	/** A node needs 557 at most, measured, whatever it is asked to do. Boards have more, for what has not been measured. */
	stackSlots: 608,
} as const;

export interface HeapRigOptions extends ProcessorSizes {
	/** The node has a claim certificate, and none of its own. */
	readonly isClaim?: boolean;
}

const START_MS = Date.UTC(2026, 2, 1);
const THING = "heap";
const BOARD = "virtual32";
const ENTRY = "tools/bench/heap-node.ts";
const ROOT = new URL("../../", import.meta.url);
/** In the other version, everything behind it lies elsewhere: a difference has something to say everywhere. */
const LINE = "	const { system } = board;";
const OTHER_LINE = `${LINE}\n	system.log("info", "This is another version.");`;

interface Parts {
	readonly directory: string;
	readonly clock: VirtualClock;
	readonly cloud: NodeCloud;
	readonly image: Uint8Array;
	readonly key: KeyObject;
	readonly machine: VirtualMachine;
}

export class HeapRig {
	/** How the machine ended, each time that it did. */
	readonly exits: MachineExit[] = [];
	readonly #parts: Parts;
	#told: HostHeap | null = null;

	/** Boots a node at 1 Hz with three channels that reports to a cloud of its own. @throws NotBuiltError */
	static async start(options: HeapRigOptions = {}): Promise<HeapRig> {
		const { isClaim = false, ...sizes } = options;
		const directory = mkdtempSync(join(tmpdir(), "thinghz-heap-"));
		const clock = new VirtualClock({ kind: "stepped", startWallMs: START_MS });
		const [link, image] = await Promise.all([
			secureLink(),
			buildImage(join(directory, "1.code"), "1.0.0"),
		]);
		const cloud = await NodeCloud.start({
			thing: THING,
			clock,
			certificates: openNodeCertificates(directory),
			tls: link.server,
		});
		const { privateKey: key } = generateKeyPairSync("ec", {
			namedCurve: "P-256",
		});
		const machine = new VirtualMachine({
			identity: {
				thing: THING,
				host: "127.0.0.1",
				port: await cloud.broker.listen(),
				credentials: link.client,
				isClaim,
			},
			board: BOARD,
			clock,
			app: { image, updateKey: pointOf(key) },
			seed: 1,
			...SPARING,
			...sizes,
		});
		const rig = new HeapRig({ directory, clock, cloud, image, key, machine });
		machine.powerOn();
		return rig;
	}

	private constructor(parts: Parts) {
		this.#parts = parts;
		parts.machine.on("exit", (exit) => this.exits.push(exit));
		parts.machine.on("log", (_, text) => {
			if (text.startsWith("{")) this.#told = JSON.parse(text) as HostHeap;
		});
	}

	get machine(): VirtualMachine {
		return this.#parts.machine;
	}

	get cloud(): NodeCloud {
		return this.#parts.cloud;
	}

	/**
	 * Lets time go on. What the broker has received is forgotten.
	 * @throws Error when the machine has ended meanwhile
	 */
	async run(ms: number): Promise<void> {
		const exits = this.exits.length;
		await this.#pass(ms);
		const exit = this.exits[exits];
		if (exit !== undefined)
			throw new Error(`The node has ended: ${exit.reason}.`);
	}

	/**
	 * Lets time go on until the node restarts by itself.
	 * @returns what there was on its heap up to then
	 * @throws Error when it ends otherwise, or does not within `mostMs`
	 */
	async runToRestart(mostMs: number): Promise<HeapFigures> {
		const exits = this.exits.length;
		this.#told = null;
		for (let ms = 0; this.exits.length === exits; ms += STEP_MS) {
			if (ms >= mostMs) throw new Error(`No restart in ${mostMs} ms.`);
			await this.#pass(STEP_MS);
		}
		const reason = this.exits[exits]?.reason;
		if (reason !== "restart" || this.#told === null)
			throw new Error(`The node has ended: ${reason}.`);
		return figuresOf(this.#told);
	}

	/**
	 * Has the cloud make a job of an update to another version.
	 * @param hasDelta and bring the difference as well as the image
	 * @param hasAddresses and say addresses, beside the stream, which a rollout does not for such a board
	 */
	async orderUpdate(hasDelta: boolean, hasAddresses: boolean): Promise<void> {
		const { directory, image: old, key, cloud } = this.#parts;
		const image = await buildImage(join(directory, "2.code"), "1.1.0", {
			file: ENTRY,
			from: LINE,
			to: OTHER_LINE,
		});
		const base = hasDelta ? { base: old } : {};
		await cloud.orderUpdate(
			signUpdate({ image, board: BOARD, ...base }, key),
			image,
			hasAddresses,
		);
	}

	/** Collects garbage and looks. */
	async look(): Promise<HeapFigures> {
		this.#told = null;
		this.machine.applyConfig("");
		for (;;) {
			await this.run(1);
			const heap = this.#told as HostHeap | null;
			if (heap !== null) return figuresOf(heap);
		}
	}

	async end(): Promise<void> {
		const { machine, clock, cloud, directory } = this.#parts;
		await machine.powerCut();
		machine.close();
		await cloud.close();
		clock.stop();
		rmSync(directory, { recursive: true });
	}

	async #pass(ms: number): Promise<void> {
		const { clock, cloud } = this.#parts;
		await clock.runFor(ms);
		cloud.broker.packets.length = 0;
		if (cloud.errors.length > 0) throw cloud.errors[0];
	}
}

const STEP_MS = 1000;

function figuresOf(heap: HostHeap): HeapFigures {
	return {
		liveBytes: heap.chunkUsed + heap.slotUsed - heap.loaded,
		livePeakBytes: heap.chunkPeak + heap.slotPeak - heap.loaded,
		takenPeakBytes: heap.allocatedPeak - heap.loaded,
		stackPeakBytes: heap.stackPeak,
		programBytes: heap.loaded - heap.builtins,
		builtinBytes: heap.builtins,
		codeBytes: heap.code,
	};
}

async function buildImage(
	outfile: string,
	version: string,
	change?: {
		readonly file: string;
		readonly from: string;
		readonly to: string;
	},
): Promise<Uint8Array> {
	await buildProgram({
		entry: fileURLToPath(new URL(ENTRY, ROOT)),
		outfile,
		...(change === undefined ? {} : { change }),
	});
	return makeProgramImage(readFileSync(outfile), { board: BOARD, version });
}

/** Mutual TLS, by which keys come and are changed. */
async function secureLink() {
	const authority = await TestAuthority.create("Heap");
	const [server, client]: Credentials[] = await Promise.all([
		authority.issue("broker"),
		authority.issue(THING),
	]);
	return {
		client: client as Credentials,
		server: {
			cert: (server as Credentials).certificate,
			key: (server as Credentials).privateKey,
			ca: authority.pem,
			requestCert: true,
			// Keys that the cloud makes are another authority's.
			rejectUnauthorized: false,
		},
	};
}
