/** A node on a battery to which everything happens at any time, in any order: which identities it takes, and what it loses. */
import assert from "node:assert/strict";
import { SeededRandom } from "../boards/virtual/peripherals/random.ts";
import { FakeSettings } from "./fakes/board.ts";
import { SleepingMachine } from "./fakes/sleeping-machine.ts";
import { HeapFlash } from "./heap-flash.ts";
import type { Flash } from "./ports.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const CHECKPOINT_MS = 3 * MINUTE_MS;
const CONFIG = {
	sleep: true,
	sampleIntervalMs: MINUTE_MS,
	blockSpanMs: 15 * MINUTE_MS,
	checkpointMs: CHECKPOINT_MS,
};
const CHANGES: readonly object[] = [
	{},
	{ sampleIntervalMs: 20_000 },
	{ sampleIntervalMs: 25_000, blockSpanMs: 5 * MINUTE_MS },
	{ channels: ["temperature"] },
	{ healthIntervalMs: 7 * MINUTE_MS, healthSpanMs: 20 * MINUTE_MS },
	{ sleep: false },
	{ sleep: false, sampleIntervalMs: 5000 },
];

/** Flash of which some operations fail while `fails` says so, with an error or without. */
class WornFlash implements Flash {
	readonly sizeBytes: number;
	readonly sectorBytes = 4096;
	readonly #flash: HeapFlash;
	readonly #fails: () => "told" | "untold" | null;

	constructor(sectors: number, fails: () => "told" | "untold" | null) {
		this.#flash = new HeapFlash(sectors, this.sectorBytes);
		this.sizeBytes = this.#flash.sizeBytes;
		this.#fails = fails;
	}

	read(offset: number, into: Uint8Array): void {
		this.#flash.read(offset, into);
	}

	program(offset: number, bytes: Uint8Array): void {
		this.#unlessItFails(() => this.#flash.program(offset, bytes));
	}

	erase(offset: number): void {
		this.#unlessItFails(() => this.#flash.erase(offset));
	}

	#unlessItFails(operation: () => void): void {
		const how = this.#fails();
		if (how === "told") throw new Error("ESP_ERR_FLASH_OP_FAIL");
		if (how === null) operation();
	}
}

interface Life {
	readonly machine: SleepingMachine;
	/** Simulated times at which what was volatile has been lost. */
	readonly lossesMs: readonly number[];
	/** Of the changes that came while the node ran. */
	readonly applied: number;
}

/** @param isWorn its flash and its settings fail from time to time */
function live(seed: number, hours: number, isWorn: boolean): Life {
	const random = new SeededRandom(seed);
	const oneIn = (n: number): boolean => random.below(n) === 0;
	let isFailing = false;
	/** Where both fail in a boot, a block may be sent that was in a checkpoint in part, and is recovered so. */
	const worn = oneIn(2) ? "journal" : "checkpoints";
	const fails = (partition: typeof worn) => () => {
		if (!isFailing || partition !== worn || !oneIn(3)) return null;
		return oneIn(2) ? "told" : "untold";
	};
	const settings = new FakeSettings();
	const { set } = settings;
	settings.set = (key, value) => {
		if (isFailing && oneIn(2)) throw new Error("ESP_ERR_NVS_INVALID_STATE");
		set.call(settings, key, value);
	};
	const machine = new SleepingMachine({
		config: CONFIG,
		durable: {
			settings,
			journal: new WornFlash(64, fails("journal")),
			checkpoints: new WornFlash(16, fails("checkpoints")),
		},
		slowBy: (random.below(21) - 10) / 1000,
	});
	let isDown = false;
	let clockIsOffMs = 0;
	machine.prepare = ({ network, time }) => {
		network.failWith = isDown ? "wifi_not_found" : null;
		const right = time.wallMs;
		time.wallMs = () => (right() ?? 0) + clockIsOffMs;
	};
	const lossesMs: number[] = [];
	let applied = 0;
	for (let n = 0; n < 4 * hours; n++) {
		if (oneIn(4)) isDown = !isDown;
		if (machine.board !== null)
			machine.board.network.failWith = isDown ? "wifi_not_found" : null;
		isFailing = isWorn && oneIn(8);
		if (oneIn(6)) clockIsOffMs = random.below(DAY_MS) - DAY_MS / 2;
		machine.run(1 + random.below(HOUR_MS / 2));
		// Where it is awake for a moment: in a contact, say.
		for (let tries = 0; tries < 20 && machine.isAsleep; tries++)
			machine.run(1 + random.below(CONFIG.sampleIntervalMs));
		if (oneIn(4)) {
			const text = JSON.stringify({
				...CONFIG,
				...CHANGES[random.below(CHANGES.length)],
			});
			if (machine.isAsleep) settings.values.set("config", text);
			else if (machine.node?.applyConfig(text) === null) applied++;
		}
		if (oneIn(4)) {
			lossesMs.push(machine.nowMs);
			if (oneIn(2) || machine.isAsleep) machine.cutPower();
			else machine.crash();
		}
	}
	isFailing = false;
	isDown = false;
	machine.run(3 * HOUR_MS);
	machine.look();
	return { machine, lossesMs, applied };
}

/** Throws where an identity has two contents, a sample is there twice, or is another than was measured. */
function storedBy(machine: SleepingMachine): Map<string, number[]> {
	const stored = machine.cloud.samples("temperature");
	for (const [key, raw] of stored)
		assert.deepEqual(raw, machine.given.get(key)?.slice(0, raw.length), key);
	return stored;
}

/** `make prove` plays more of them. */
const SEEDS = process.env.THINGHZ_EXHAUSTIVE === "1" ? 8 : 2;

describe("a node that sleeps, in turmoil", () => {
	it("loses what its checkpoints allow and no more, and takes no identity twice", () => {
		let changes = 0;
		for (let seed = 1; seed <= SEEDS; seed++) {
			const { machine, lossesMs, applied } = live(seed, 24, false);
			changes += applied;
			const stored = storedBy(machine);
			const untilMs = machine.nowMs - CONFIG.blockSpanMs - MINUTE_MS;
			for (const [key, atMs] of machine.givenAtMs) {
				const mayBeLost = lossesMs.some(
					(lossMs) =>
						atMs <= lossMs && atMs > lossMs - CHECKPOINT_MS - MINUTE_MS,
				);
				if (atMs < untilMs && !mayBeLost)
					assert.ok(stored.has(key), `${key}, seed ${seed}`);
			}
		}
		assert.ok(changes > 5 * SEEDS, `${changes} changes`);
	});

	it("takes no identity twice where either flash, and its settings, fail as well", () => {
		for (let seed = 1; seed <= SEEDS; seed++) {
			const { machine } = live(seed, 24, true);
			// A boot that neither settings nor checkpoints take may be counted twice: what it measured is told apart all the same.
			assert.ok(machine.cloud.blocks.size > 100);
		}
	});

	it("recovers a block that was sent from the heap as it was sent", () => {
		const machine = new SleepingMachine({ config: CONFIG });
		machine.run(35.5 * MINUTE_MS);
		const { journal } = machine.durable;
		const program = journal.program.bind(journal);
		journal.program = () => {
			throw new Error("ESP_ERR_FLASH_OP_FAIL");
		};
		const before = machine.cloud.samples("temperature").size;
		for (let n = 0; machine.cloud.samples("temperature").size === before; n++) {
			assert.ok(n < 1200, "a block is sent");
			machine.run(1000);
		}
		machine.cutPower();
		journal.program = program;
		machine.run(HOUR_MS);
		machine.look();
		assert.ok(machine.cloud.repeated >= 1);
		storedBy(machine);
	});

	it("tells boots apart of which nothing could be written at all", () => {
		const machine = new SleepingMachine({ config: CONFIG });
		machine.run(HOUR_MS);
		const { journal, checkpoints, settings } = machine.durable;
		const refuse = () => {
			throw new Error("ESP_FAIL");
		};
		Object.assign(journal, { program: refuse, erase: refuse });
		Object.assign(checkpoints, { program: refuse, erase: refuse });
		settings.set = refuse;
		for (let boot = 0; boot < 3; boot++) {
			machine.cutPower();
			machine.run(HOUR_MS);
		}
		assert.ok(machine.cloud.blocks.size > 12);
	});
});
