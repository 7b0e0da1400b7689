/** A node's whole firmware on a virtual board, and its cloud, which updates it from one image to another. Clock and supply are run by hand. */
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
	type MachineExit,
	VirtualMachine,
} from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { SeededRandom } from "../../firmware/boards/virtual/peripherals/random.ts";
import { makeProgramImage } from "../../firmware/image/program-image.ts";
import { buildProgram } from "../../tools/build/firmware.ts";
import { pointOf } from "../../tools/ota/keys.ts";
import { signUpdate } from "../../tools/ota/update.ts";
import type { UpdateImages } from "./board-rig.ts";
import { NodeCloud } from "./node-cloud.ts";

const BOARD = "virtual";
const ENTRY = "firmware/boards/virtual/xs/main.ts";
const LINE = "bootWith(run);";
/** Characters that are nowhere else, so that the difference has several blocks. */
const NEW_LENGTH = 1500;
const START_MS = Date.UTC(2026, 2, 1);
const THING = "updated";
const STEP_MS = 250;

/** Two versions of the firmware: the new one says one thing more as it boots. @param folder where they are built */
export async function buildNodeImages(folder: string): Promise<UpdateImages> {
	const [before, after] = [join(folder, "1.code"), join(folder, "2.code")];
	const entry = fileURLToPath(new URL(`../../${ENTRY}`, import.meta.url));
	const random = new SeededRandom(1);
	const news = Array.from({ length: NEW_LENGTH }, () =>
		random.below(36).toString(36),
	).join("");
	const to = `bootWith((board) => {\n\tboard.system.log("debug", "${news}");\n\treturn run(board);\n});`;
	await Promise.all([
		buildProgram({ entry, outfile: before }),
		buildProgram({
			entry,
			outfile: after,
			change: { file: ENTRY, from: LINE, to },
		}),
	]);
	const program = readFileSync(before);
	const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const old = makeProgramImage(program, { board: BOARD, version: "1.0.0" });
	const changed = makeProgramImage(readFileSync(after), {
		board: BOARD,
		version: "1.1.0",
	});
	return {
		board: BOARD,
		program,
		key: privateKey,
		old,
		new: changed,
		signed: signUpdate({ image: changed, board: BOARD, base: old }, privateKey),
	};
}

export interface NodeRigOptions {
	readonly images: UpdateImages;
	/** The cloud has the difference as well as the image. */
	readonly hasDelta: boolean;
}

export class NodeRig {
	readonly clock: VirtualClock;
	readonly cloud: NodeCloud;
	readonly machine: VirtualMachine;
	readonly exits: MachineExit[] = [];
	/** What the node has logged as errors. */
	readonly errors: string[] = [];

	/** The job of the update waits for the node, which has no power yet. */
	static async open({ images, hasDelta }: NodeRigOptions): Promise<NodeRig> {
		const clock = new VirtualClock({ kind: "stepped", startWallMs: START_MS });
		const cloud = await NodeCloud.start({ thing: THING, clock });
		const { signed } = images;
		// By streams, as an ESP32.
		const hasAddresses = false;
		await cloud.orderUpdate(
			hasDelta ? signed : { ...signed, delta: null },
			images.new,
			hasAddresses,
		);
		const machine = new VirtualMachine({
			identity: {
				thing: THING,
				host: "127.0.0.1",
				port: await cloud.broker.listen(),
			},
			board: images.board,
			clock,
			app: { image: images.old, updateKey: pointOf(images.key) },
			seed: 1,
		});
		return new NodeRig(clock, cloud, machine);
	}

	private constructor(
		clock: VirtualClock,
		cloud: NodeCloud,
		machine: VirtualMachine,
	) {
		this.clock = clock;
		this.cloud = cloud;
		this.machine = machine;
		machine.on("exit", (exit) => void this.exits.push(exit));
		machine.on("log", (level, text) => {
			if (level === "error") this.errors.push(text);
		});
	}

	/** Version of the image that runs, or ran last. */
	get version(): string | undefined {
		return this.machine.slots?.running?.description.version;
	}

	/**
	 * Powers the board, and lets time go on until `isDone`, or no power is left.
	 * @throws Error when neither comes within `mostMs`
	 */
	async run(
		isDone: () => boolean | Promise<boolean>,
		mostMs = 1_800_000,
	): Promise<void> {
		const { machine, clock, cloud } = this;
		machine.powerOn();
		const endMs = clock.nowMs() + mostMs;
		while (machine.supply.on && !(await isDone())) {
			if (clock.nowMs() >= endMs)
				throw new Error(
					`Nothing came of it in ${mostMs} ms: ${await cloud.status()}, ${this.errors.join(" ")}`,
				);
			await clock.runFor(STEP_MS);
			cloud.broker.packets.length = 0;
			if (cloud.errors.length > 0) throw cloud.errors[0];
		}
		if (!machine.supply.on) await machine.powerCut();
	}

	/** Until the cloud knows how the job ended, and the node that it does. */
	settle(): Promise<void> {
		return this.run(
			async () =>
				/^(SUCCEEDED|FAILED)/.test((await this.cloud.status()) ?? "") &&
				this.machine.settings.get("job") === undefined,
		);
	}

	async close(): Promise<void> {
		const { machine, cloud, clock } = this;
		await machine.powerCut();
		machine.close();
		await cloud.close();
		clock.stop();
	}
}
