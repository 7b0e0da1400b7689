/** What the board does with a flash that does not hold what it should. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
	closeSync,
	copyFileSync,
	openSync,
	rmSync,
	truncateSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import type { MachineExit } from "../../firmware/boards/virtual/machine.ts";
import { ExitCode } from "../../firmware/boards/virtual/wire.ts";
import { buildQemuImage } from "../../tools/build/qemu.ts";
import { requireQemu, temporaryFolder } from "./support/board.ts";
import { Rig } from "./support/rig.ts";

const PROGRAM_OFFSET = 1 << 20;
/** Into the program's header (image.h). */
const VERSION_OFFSET = 8;
const FIRST_ID_OFFSET = 12;

describe("The qemu board's flash", () => {
	let folder: string;
	let good: string;
	let bad: string;

	before(async function () {
		requireQemu(this);
		folder = temporaryFolder();
		good = join(folder, "good.img");
		bad = join(folder, "bad, really.img");
		await buildQemuImage({ outfile: good });
	});
	after(() => {
		if (folder !== undefined) rmSync(folder, { recursive: true });
	});
	beforeEach(() => copyFileSync(good, bad));

	const put = (offset: number, ...bytes: readonly number[]): void => {
		const file = openSync(bad, "r+");
		writeSync(file, Uint8Array.from(bytes), 0, bytes.length, offset);
		closeSync(file);
	};
	/** How the board ends, and its last words. */
	const endOf = async (): Promise<readonly [MachineExit, string]> => {
		const rig = await Rig.make({ bundle: bad });
		try {
			const exit = once(rig.machine, "exit");
			rig.machine.powerOn();
			const [how] = (await exit) as [MachineExit];
			return [how, rig.errors.join("\n")];
		} finally {
			await rig.close();
		}
	};

	for (const [what, offset, bytes] of [
		["no program", PROGRAM_OFFSET, [0xff, 0xff, 0xff, 0xff]],
		["one for another engine", PROGRAM_OFFSET + VERSION_OFFSET, [99]],
		["one for other built-ins", PROGRAM_OFFSET + FIRST_ID_OFFSET, [1, 0]],
	] as const) {
		it(`with ${what} ends as what it is`, async () => {
			put(offset, ...bytes);
			const [exit, words] = await endOf();
			assert.equal(exit.code, ExitCode.ENGINE);
			assert.equal(exit.reason, "crash");
			assert.equal(words, "the program cannot be read");
		});
	}

	it("with no machine code traps at its first instruction, and is not waited for in vain", async () => {
		put(0, 0, 0, 0, 0);
		const rig = await Rig.make({ bundle: bad });
		rig.machine.powerOn();
		const exit = once(rig.machine, "exit");
		await rig.machine.stop(200);
		const [{ reason }] = (await exit) as [MachineExit];
		assert.equal(reason, "unresponsive");
		await rig.close();
	});

	it("of another size is refused by QEMU, whose words are passed on", async () => {
		truncateSync(bad, 1 << 20);
		const [exit, words] = await endOf();
		assert.equal(exit.code, 1);
		assert.match(words, /requires 33554432 bytes/);
	});
});
