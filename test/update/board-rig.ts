/** A board of software that is updated from one image to another, by a program that does nothing else. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
	AppOptions,
	MachineExit,
} from "../../firmware/boards/virtual/machine.ts";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import type { FlashSupply } from "../../firmware/boards/virtual/peripherals/flash.ts";
import type { ProcessorKind } from "../../firmware/boards/virtual/processor.ts";
import {
	DELTA_CHIP,
	IMAGE_CHIP,
	MemoryChip,
	type OrderSetting,
} from "../../firmware/boards/virtual/testing/update-order.ts";
import { makeProgramImage } from "../../firmware/image/program-image.ts";
import { buildProgram } from "../../tools/build/firmware.ts";
import { buildQemuImage } from "../../tools/build/qemu.ts";
import { pointOf } from "../../tools/ota/keys.ts";
import { type SignedUpdate, signUpdate } from "../../tools/ota/update.ts";

const START = Date.UTC(2026, 2, 1);

export interface UpdateImages {
	readonly board: ProcessorKind;
	readonly program: Uint8Array;
	readonly key: KeyObject;
	readonly old: Uint8Array;
	readonly new: Uint8Array;
	/** Of the new one, with a difference to the old one. */
	readonly signed: SignedUpdate;
}

const ENTRY = "firmware/boards/virtual/testing/scripts/updating.ts";
/** In the new version, everything behind it lies elsewhere: no sector stays as it was. */
const FILLER = `tell("about", "${"version 1.1.0 ".repeat(40)}");`;

/** Two versions of the program scripts/updating.ts. @param folder where they are built */
export async function buildUpdateImages(
	board: ProcessorKind,
	folder: string,
): Promise<UpdateImages> {
	const entry = fileURLToPath(new URL(`../../${ENTRY}`, import.meta.url));
	const [before, after] = [join(folder, "1.code"), join(folder, "2.code")];
	const line = "const restart = () => system.restart();";
	const build = board === "qemu" ? buildQemuImage : buildProgram;
	await Promise.all([
		build({ entry, outfile: before }),
		build({
			entry,
			outfile: after,
			change: { file: ENTRY, from: line, to: `${FILLER}\n${line}` },
		}),
	]);
	const program = readFileSync(before);
	const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const old = makeProgramImage(program, { board, version: "1.0.0" });
	const changed = makeProgramImage(readFileSync(after), {
		board,
		version: "1.1.0",
	});
	return {
		board,
		program,
		key: privateKey,
		old,
		new: changed,
		signed: signUpdate({ image: changed, board, base: old }, privateKey),
	};
}

export interface RigOptions {
	readonly images: UpdateImages;
	/** What is offered; by default the new image's, signed. */
	readonly offer?: Partial<Pick<SignedUpdate, "manifestBytes" | "signature">>;
	/** What the chips hold. */
	readonly image?: Uint8Array;
	readonly delta?: Uint8Array | null;
	readonly app?: Partial<AppOptions>;
	readonly flashDir?: string;
}

/** Once it is powered, it runs by its own rules until `close`. */
export class UpdateRig {
	readonly clock = new VirtualClock({ kind: "stepped", startWallMs: START });
	readonly machine: VirtualMachine;
	readonly image: MemoryChip;
	readonly delta: MemoryChip | null;
	/** What the program has told, all boots together. */
	readonly told: [string, unknown][] = [];
	readonly errors: string[] = [];
	readonly exits: MachineExit[] = [];

	constructor(options: RigOptions) {
		const { images, offer, app, flashDir, delta = null } = options;
		this.machine = new VirtualMachine({
			identity: { thing: "updating", host: "127.0.0.1", port: 1 },
			board: images.board,
			clock: this.clock,
			seed: 1,
			...(flashDir === undefined ? {} : { flashDir }),
			app: { image: images.old, updateKey: pointOf(images.key), ...app },
		});
		this.image = new MemoryChip(options.image ?? images.new);
		this.machine.bus.attach(IMAGE_CHIP, this.image);
		this.delta = delta === null ? null : new MemoryChip(delta);
		if (this.delta !== null) this.machine.bus.attach(DELTA_CHIP, this.delta);
		const { manifestBytes, signature } = { ...images.signed, ...offer };
		const order: OrderSetting = {
			manifest: Buffer.from(manifestBytes).toString("hex"),
			signature: Buffer.from(signature).toString("hex"),
			hasDelta: delta !== null,
		};
		this.machine.settings.set("order", JSON.stringify(order));
		this.machine.on("log", (level, text) => {
			if (text.startsWith("[")) this.told.push(JSON.parse(text));
			else if (level === "error") this.errors.push(text);
		});
		this.machine.on("exit", (exit) => void this.exits.push(exit));
	}

	get supply(): FlashSupply {
		return this.machine.supply;
	}

	values(what: string): unknown[] {
		return this.told
			.filter(([name]) => name === what)
			.map(([, value]) => value);
	}

	/** The last thing told of that name. */
	last(what: string): unknown {
		return this.values(what).at(-1);
	}

	/** Powers the board and lets it run until `isDone`, or no power is left. */
	async run(isDone: () => boolean, mostMs = 20_000): Promise<void> {
		this.machine.powerOn();
		const endMs = this.clock.nowMs() + mostMs;
		while (this.supply.on && !isDone()) {
			if (this.clock.nowMs() >= endMs)
				throw new Error(
					`Nothing came of it in ${mostMs} ms: ${JSON.stringify(this.told)}, ${this.errors.join(" ")}`,
				);
			await this.clock.runFor(100);
		}
		if (!this.supply.on) await this.machine.powerCut();
	}

	/** Until there is something to be told of the update. */
	settle(): Promise<void> {
		const before = this.#ends();
		return this.run(() => this.#ends() > before);
	}

	#ends(): number {
		return this.told.filter(([what]) =>
			["outcome", "failed", "refused"].includes(what),
		).length;
	}

	async close(): Promise<void> {
		await this.machine.powerCut();
		this.machine.close();
		this.clock.stop();
	}
}
