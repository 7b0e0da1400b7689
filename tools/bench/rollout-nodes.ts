/** Nodes on XS that boot from slots, in this process, of which some are made to fail at an update: no command cuts their power. */
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import {
	type AppOptions,
	type MachineExit,
	VirtualMachine,
} from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";

/**
 * How a node fails:
 * - "power": when a new image on trial has connected, its power goes before anything was acknowledged: the bootloader takes the old one;
 * - "flash": the slot that the update goes to is worn out.
 */
export type Fault = "power" | "flash";

/** Processes that are started together, so that many do not all start their program at once. */
const STARTED_AT_ONCE = 4;

export interface RolloutNodesOptions {
	readonly app: AppOptions;
	/** @param index of the node, from 0; null: it does what it should */
	readonly faultOf: (index: number) => Fault | null;
	readonly config: {
		readonly sampleIntervalMs: number;
		readonly blockSpanMs: number;
	};
}

export class RolloutNodes {
	readonly #options: RolloutNodesOptions;
	readonly #clock = new VirtualClock({ kind: "real" });
	readonly #machines = new Map<string, VirtualMachine>();
	/** Whose power has been cut on trial, in order; a node that was cut twice is there twice. */
	readonly cut: string[] = [];

	constructor(options: RolloutNodesOptions) {
		this.#options = options;
	}

	/** Resolves once each has connected. @throws Error when one ends before */
	async start(identities: readonly MachineIdentity[]): Promise<void> {
		const waiting = [...identities.entries()];
		const startNext = async (): Promise<void> => {
			for (let next = waiting.shift(); next; next = waiting.shift()) {
				await this.#startOne(next[1], next[0]);
			}
		};
		await Promise.all(Array.from({ length: STARTED_AT_ONCE }, startNext));
	}

	/** Version of the image that each runs, by the image's own description; null where nothing runs. */
	running(): ReadonlyMap<string, string | null> {
		return new Map(
			[...this.#machines].map(([name, { running, slots }]) => [
				name,
				running ? (slots?.running?.description.version ?? null) : null,
			]),
		);
	}

	/** Proportional memory of the nodes that run, bytes on average. Linux only. */
	meanPssBytes(): number {
		const all = [...this.#machines.values()].flatMap(
			(machine) => machine.memory()?.pssBytes ?? [],
		);
		return all.reduce((sum, bytes) => sum + bytes, 0) / all.length;
	}

	/** Takes the power of all of them away. */
	async end(): Promise<void> {
		for (const machine of this.#machines.values()) {
			machine.removeAllListeners("report");
			await machine.powerCut();
			machine.close();
		}
		this.#clock.stop();
	}

	async #startOne(identity: MachineIdentity, index: number): Promise<void> {
		const { app, config, faultOf } = this.#options;
		const machine = new VirtualMachine({
			identity,
			clock: this.#clock,
			app,
			weather: { offsetHours: index, seed: index + 1 },
			config: JSON.stringify(config),
		});
		this.#machines.set(identity.thing, machine);
		const fault = faultOf(index);
		if (fault === "power") this.#cutOnTrial(identity.thing, machine);
		const idle = machine.slots?.slots[1];
		if (fault === "flash" && idle !== undefined) idle.isWornOut = true;
		await new Promise<void>((resolve, reject) => {
			const look = ({ event }: { readonly event: string }) => {
				if (event !== "online") return;
				machine.off("report", look).off("exit", fail);
				resolve();
			};
			const fail = ({ reason }: MachineExit) => {
				machine.off("report", look);
				reject(new Error(`${identity.thing} ended at its start: ${reason}.`));
			};
			machine.on("report", look).once("exit", fail).powerOn();
		});
	}

	#cutOnTrial(name: string, machine: VirtualMachine): void {
		machine.on("report", ({ event }) => {
			if (event !== "online" || machine.slots?.running?.onTrial !== true)
				return;
			this.cut.push(name);
			machine.once("exit", () => machine.powerOn());
			void machine.powerCut();
		});
	}
}
