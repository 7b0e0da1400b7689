/** Simulated nodes on one clock: started one after another, watched, and ended in good order. */
import { join } from "node:path";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import {
	type AppOptions,
	type MachineExit,
	VirtualMachine,
} from "../../firmware/boards/virtual/machine.ts";
import {
	type ClockTimer,
	VirtualClock,
} from "../../firmware/boards/virtual/peripherals/clock.ts";
import type { ProcessorKind } from "../../firmware/boards/virtual/processor.ts";
import type { NodeReport } from "../../firmware/node/ports.ts";
import { journalDepth } from "./journal-depth.ts";

const DAY_MS = 86_400_000;
/** With an open end, accelerated time starts so long ago. */
const DEFAULT_PAST_MS = DAY_MS;
/** For how long a node takes live mode at once; see firmware/node/live-end.ts. */
const LIVE_FOR_MS = DAY_MS;
/** Twice before it ends, so that a node that restarts just then stays live as well. */
const LIVE_RENEWED_MS = DAY_MS / 2;
/** The recording is a year long; node i starts in another week. */
const OFFSET_HOURS = 24 * 7;
/** Processes that are started together, so that many do not all parse their firmware at once. */
const STARTED_AT_ONCE = 4;

export interface FleetOptions {
	readonly identities: readonly MachineIdentity[];
	readonly board: ProcessorKind;
	readonly speed: number;
	/** Simulated time to run for; null until told to end. */
	readonly forMs: number | null;
	/** A folder for each node's flash is made below; null: in memory. */
	readonly flashDir: string | null;
	readonly config: {
		readonly sampleIntervalMs: number;
		readonly blockSpanMs: number;
		/** As on a battery; false without it. */
		readonly sleep?: boolean;
	};
	readonly live: boolean;
	/** Bytes of a journal's partition; the machine's default without it. */
	readonly journalBytes?: number;
	/** The bundle that the nodes run; the firmware without it. */
	readonly bundle?: string;
	/** Has the nodes boot from application slots, all with the same image at first; see `MachineOptions`. */
	readonly app?: AppOptions;
	readonly tell: (event: FleetEvent) => void;
}

/** When it happened (simulated wall time, ISO-8601) and to whom. */
interface Occasion {
	readonly node: string;
	readonly time: string;
}

export interface FleetSummary {
	readonly event: "summary";
	readonly nodes: number;
	/** Blocks of readings made durable, and the samples in them. */
	readonly blocks: number;
	readonly samples: number;
	/** Blocks, of health too, that the cloud has acknowledged. */
	readonly released: number;
	/** Blocks, of health too, that nodes had to drop unsent because their flash was full. */
	readonly dropped: number;
	/** Blocks, of health too and of earlier runs too, that are still on the nodes' flash. */
	readonly pending: number;
	readonly reboots: number;
}

export type FleetEvent =
	| (NodeReport & Occasion)
	| ({ readonly event: "exit" } & MachineExit & Occasion)
	| ({ readonly event: "error"; readonly message: string } & Occasion)
	| FleetSummary;

export class Fleet {
	readonly #options: FleetOptions;
	readonly #clock: VirtualClock;
	readonly #machines = new Map<string, VirtualMachine>();
	#blocks = 0;
	#samples = 0;
	#released = 0;
	#dropped = 0;
	#reboots = 0;
	#renewal: ClockTimer | undefined;

	constructor(options: FleetOptions) {
		this.#options = options;
		this.#clock = new VirtualClock(
			options.speed === 1
				? { kind: "real" }
				: {
						kind: "rate",
						speed: options.speed,
						startWallMs: Date.now() - pastMs(options),
					},
		);
	}

	/** Runs the nodes until their time is over or `ended` resolves, ends them in good order and sums up. */
	async run(ended: Promise<void>): Promise<void> {
		const { forMs } = this.#options;
		const over =
			forMs === null
				? ended
				: Promise.race([
						ended,
						new Promise<void>((resolve) => this.#clock.set(resolve, forMs)),
					]);
		let isOver = false;
		over.then(() => {
			isOver = true;
		});
		let pending = 0;
		try {
			if (this.#options.live) this.#renewLiveLater();
			await this.#start(() => isOver);
			await over;
		} finally {
			isOver = true;
			this.#clock.clear(this.#renewal);
			pending = await this.#end();
		}
		this.#options.tell({
			event: "summary",
			nodes: this.#options.identities.length,
			blocks: this.#blocks,
			samples: this.#samples,
			released: this.#released,
			dropped: this.#dropped,
			pending,
			reboots: this.#reboots,
		});
	}

	/** @returns how many blocks are on the nodes' flash */
	async #end(): Promise<number> {
		const depths = [...this.#machines].map(async ([node, machine]) => {
			try {
				await machine.stop();
				return journalDepth(machine);
			} catch (error) {
				// One node's journal that cannot be read (of a newer firmware, say) must not cost the others their summary.
				this.#options.tell({
					event: "error",
					message: `What its journal holds is not known: ${(error as Error).message}`,
					node,
					time: new Date(this.#clock.wallMs()).toISOString(),
				});
				return 0;
			} finally {
				machine.close();
			}
		});
		return (await Promise.all(depths)).reduce((sum, depth) => sum + depth, 0);
	}

	#renewLiveLater(): void {
		this.#renewal = this.#clock.set(() => {
			const config = this.#config();
			for (const machine of this.#machines.values()) {
				machine.applyConfig(config);
			}
			this.#renewLiveLater();
		}, LIVE_RENEWED_MS);
	}

	async #start(isOver: () => boolean): Promise<void> {
		const waiting = [...this.#options.identities.entries()];
		const startNext = async (): Promise<void> => {
			for (let next = waiting.shift(); next; next = waiting.shift()) {
				if (isOver()) return;
				await this.#startOne(next[1], next[0]);
			}
		};
		await Promise.all(Array.from({ length: STARTED_AT_ONCE }, startNext));
	}

	#config(): string {
		const { config, live } = this.#options;
		const liveUntilMs = live
			? Math.round(this.#clock.wallMs()) + LIVE_FOR_MS
			: null;
		return JSON.stringify({ ...config, liveUntilMs });
	}

	/** Resolves when the node has booted, or has ended in the attempt. */
	#startOne(identity: MachineIdentity, index: number): Promise<void> {
		const { board, flashDir, journalBytes, bundle, app } = this.#options;
		const node = identity.thing;
		const machine = new VirtualMachine({
			identity,
			board,
			clock: this.#clock,
			...(flashDir === null ? {} : { flashDir: join(flashDir, node) }),
			...(journalBytes === undefined ? {} : { journalBytes }),
			...(bundle === undefined ? {} : { bundle }),
			...(app === undefined ? {} : { app }),
			weather: { offsetHours: index * OFFSET_HOURS, seed: index + 1 },
			config: this.#config(),
		});
		this.#machines.set(node, machine);
		const { tell } = this.#options;
		const occasion = (): Occasion => ({
			node,
			time: new Date(this.#clock.wallMs()).toISOString(),
		});
		machine.on("report", (report) => {
			this.#count(report);
			tell({ ...report, ...occasion() });
		});
		machine.on("log", (level, message) => {
			if (level === "error") tell({ event: "error", message, ...occasion() });
		});
		return new Promise((resolve) => {
			machine.on("exit", (exit) => {
				if (exit.reboots) this.#reboots++;
				tell({ event: "exit", ...exit, ...occasion() });
				resolve();
			});
			machine.once("report", () => resolve());
			machine.powerOn();
		});
	}

	#count(report: NodeReport): void {
		if (report.event === "block") {
			if (report.stream === "readings") {
				this.#blocks++;
				this.#samples += report.samples;
			}
		} else if (report.event === "released") this.#released++;
		else if (report.event === "dropped") this.#dropped += report.blocks;
	}
}

/** How far back accelerated time starts, so that it is over, or at an open end has caught up, at the present. */
function pastMs({ forMs, speed }: FleetOptions): number {
	return forMs === null ? DEFAULT_PAST_MS : forMs * (1 - 1 / speed);
}
