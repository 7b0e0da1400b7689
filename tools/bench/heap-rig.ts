/** A node on `virtual32` whose heap can be looked into, its broker, and a clock that is run by hand. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
	type MachineExit,
	VirtualMachine,
} from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import type { ProcessorSizes } from "../../firmware/boards/virtual/processor.ts";
import { TestBroker } from "../../firmware/boards/virtual/testing/broker.ts";
import { buildProgram } from "../build/firmware.ts";

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
}

/** Bytes of slots and chunks. */
export interface HeapFigures {
	/** Live now. */
	readonly liveBytes: number;
	/** The most that was live after any collection. */
	readonly livePeakBytes: number;
	/** The most that was ever taken: what was live, garbage, room not in use, and the stack. */
	readonly takenPeakBytes: number;
	/** Names, functions and classes of the program: in flash on a device. */
	readonly programBytes: number;
	/** The engine's own objects: in flash on a device. */
	readonly builtinBytes: number;
	/** Byte code of the bundle: in flash on a device. */
	readonly codeBytes: number;
}

/**
 * Little is taken to begin with, and more in steps of 4 KB, so that what was taken comes close to what was needed. The
 * engine's built-ins take about 3,900 slots and 8 KB of chunks of it.
 */
export const SPARING = {
	slots: 4096,
	chunkBytes: 12_288,
	/** What a node needs that does not update. */
	stackSlots: 608,
} as const;

const START_MS = Date.UTC(2026, 2, 1);

/** A shadow that says what the node should be and what it was, as full as one of ours may become, and no jobs. */
function answerAsCloud(broker: TestBroker): void {
	const desired = { sampleIntervalMs: 1000, channels: "all", logLevel: "info" };
	let reported: object = {};
	let version = 1;
	broker.grants = () => 1;
	broker.answers = (topic, payload) => {
		if (!topic.startsWith("$aws/things/")) return [];
		const request = JSON.parse(payload.toString()) as {
			clientToken: string;
			state?: { reported: object };
		};
		const { clientToken } = request;
		const metadata: Record<string, object> = {};
		if (topic.endsWith("/update") && request.state !== undefined) {
			reported = { ...reported, ...request.state.reported };
			version++;
		}
		for (const name of Object.keys({ ...desired, ...reported }))
			metadata[name] = { timestamp: 1_790_000_000 };
		const answer = topic.includes("/shadow/")
			? {
					state: { desired, reported },
					metadata: { desired: metadata, reported: metadata },
					version,
				}
			: {};
		return [
			{
				topic: `${topic}/accepted`,
				payload: JSON.stringify({ ...answer, timestamp: 1, clientToken }),
			},
		];
	};
}

export class HeapRig {
	readonly clock = new VirtualClock({
		kind: "stepped",
		startWallMs: START_MS,
	});
	readonly machine: VirtualMachine;
	readonly broker: TestBroker;
	/** How the machine ended, each time that it did. */
	readonly exits: MachineExit[] = [];
	readonly #directory: string;
	#told: HostHeap | null = null;

	/** Boots a node at 1 Hz with three channels that reports to a broker of its own. @throws NotBuiltError */
	static async start(sizes: ProcessorSizes = {}): Promise<HeapRig> {
		const directory = mkdtempSync(join(tmpdir(), "thinghz-heap-"));
		const broker = new TestBroker();
		answerAsCloud(broker);
		const port = await broker.listen();
		const bundle = join(directory, "node.code");
		await buildProgram({
			entry: fileURLToPath(new URL("heap-node.ts", import.meta.url)),
			outfile: bundle,
		});
		const rig = new HeapRig(directory, broker, port, bundle, sizes);
		rig.machine.powerOn();
		return rig;
	}

	private constructor(
		directory: string,
		broker: TestBroker,
		port: number,
		bundle: string,
		sizes: ProcessorSizes,
	) {
		this.#directory = directory;
		this.broker = broker;
		this.machine = new VirtualMachine({
			identity: { thing: "heap", host: "127.0.0.1", port },
			board: "virtual32",
			clock: this.clock,
			bundle,
			seed: 1,
			...SPARING,
			...sizes,
		});
		this.machine.on("exit", (exit) => this.exits.push(exit));
		this.machine.on("log", (_, text) => {
			if (text.startsWith("{")) this.#told = JSON.parse(text) as HostHeap;
		});
	}

	/**
	 * Lets time go on. What the broker has received is forgotten.
	 * @throws Error when the machine has ended meanwhile
	 */
	async run(ms: number): Promise<void> {
		await this.clock.runFor(ms);
		this.broker.packets.length = 0;
		const [exit] = this.exits;
		if (exit !== undefined)
			throw new Error(`The node has ended: ${exit.reason}.`);
	}

	/** Collects garbage and looks. */
	async look(): Promise<HeapFigures> {
		this.#told = null;
		this.machine.applyConfig("");
		for (;;) {
			await this.run(1);
			const heap = this.#told as HostHeap | null;
			if (heap === null) continue;
			return {
				liveBytes: heap.chunkUsed + heap.slotUsed - heap.loaded,
				livePeakBytes: heap.chunkPeak + heap.slotPeak - heap.loaded,
				takenPeakBytes: heap.allocatedPeak - heap.loaded,
				programBytes: heap.loaded - heap.builtins,
				builtinBytes: heap.builtins,
				codeBytes: heap.code,
			};
		}
	}

	async end(): Promise<void> {
		await this.machine.powerCut();
		this.machine.close();
		this.clock.stop();
		await this.broker.close();
		rmSync(this.#directory, { recursive: true });
	}
}
