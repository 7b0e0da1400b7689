/** The flasher against a stand-in for the chip's ROM: no chip was at hand. */
import assert from "node:assert/strict";
import { CHIP_IDS } from "../../firmware/image/app-image.ts";
import { writeNvs } from "../../firmware/image/nvs-writer.ts";
import { BoardError, type BoardErrorCode } from "./errors.ts";
import { makeBuild, makeImage } from "./fakes/build.ts";
import { RomLoader, type RomOptions } from "./fakes/rom-loader.ts";
import { planFlash } from "./flash-plan.ts";
import { type FlashProgress, flash, ROM_BAUD_RATE } from "./flasher.ts";

const NVS = writeNvs(
	{ entries: [{ namespace: "identity", key: "port", type: "i32", value: 1 }] },
	0x5000,
);
const PLAN = planFlash(makeBuild({ nvs: NVS }));

async function run(
	rom: RomLoader,
	plan = PLAN,
	baudRate = ROM_BAUD_RATE,
): Promise<{ progress: FlashProgress[]; messages: string[] }> {
	const progress: FlashProgress[] = [];
	const messages: string[] = [];
	await flash(rom.port, plan, {
		baudRate,
		attempts: 1,
		onProgress: (step) => void progress.push(step),
		onMessage: (line) => void messages.push(line),
	});
	return { progress, messages };
}

async function failure(
	rom: RomLoader,
	plan = PLAN,
): Promise<BoardErrorCode | null> {
	try {
		await run(rom, plan);
		return null;
	} catch (error) {
		assert.ok(error instanceof BoardError, String(error));
		return error.code;
	}
}

describe("flashing a board", () => {
	it("writes all of the plan where it belongs, and nothing else, and restarts the board", async () => {
		const rom = new RomLoader();
		const { progress } = await run(rom);
		const expected = new Uint8Array(rom.flash.length).fill(0xff);
		for (const { offset, bytes } of PLAN.writes) expected.set(bytes, offset);
		assert.equal(Buffer.compare(rom.flash, expected), 0);
		assert.deepEqual(
			[...new Set(progress.map(({ what }) => what))],
			PLAN.writes.map(({ what }) => what),
		);
		for (const { what } of PLAN.writes)
			assert.equal(
				progress.filter((one) => one.what === what).at(-1)?.share,
				1,
			);
		assert.deepEqual(rom.signals.slice(-2), [
			{ dtr: false, rts: true },
			{ dtr: false, rts: false },
		]);
	});

	it("changes the speed where it is told to", async () => {
		const rom = new RomLoader();
		await run(rom, PLAN, 460_800);
		assert.equal(rom.baudRate, 460_800);
		assert.ok(rom.commands.includes(0x0f));
	});

	it("knows an ESP32 by its magic value, since its ROM says nothing of its id", async () => {
		const chipId = CHIP_IDS.esp32;
		const plan = planFlash({
			...makeBuild(),
			bootloader: makeImage(2000, chipId, false),
			app: makeImage(4000, chipId),
		});
		const rom = new RomLoader({ chipMagic: 0x00f01d83 });
		await run(rom, plan);
		const [bootloader] = plan.writes;
		assert.equal(bootloader?.offset, 0x1000);
		const written = rom.flash.subarray(
			0x1000,
			0x1000 + bootloader.bytes.length,
		);
		assert.equal(Buffer.compare(written, bootloader.bytes), 0);
		assert.equal(
			await failure(new RomLoader({ chipMagic: 0x00f01d83 })),
			"wrong_chip",
		);
	});

	it("sends a block again that came damaged", async () => {
		const rom = new RomLoader();
		rom.refusesBlock = 1;
		await run(rom);
		assert.equal(
			Buffer.compare(
				rom.flash.subarray(0, PLAN.writes[0]!.bytes.length),
				PLAN.writes[0]!.bytes,
			),
			0,
		);
	});

	for (const [what, code, prepare, options] of [
		[
			"no chip answers",
			"no_sync",
			(rom) => {
				rom.isDeaf = true;
			},
		],
		["the chip is another", "wrong_chip", () => undefined, { chipId: 9 }],
		[
			"the chip is one that nobody knows",
			"wrong_chip",
			() => undefined,
			{ chipId: 99 },
		],
		[
			"the flash is too small",
			"flash_too_small",
			() => undefined,
			{ chipId: 5, flashId: 0x154020 },
		],
		[
			"the flash does not say what it is",
			"loader_failed",
			() => undefined,
			{ chipId: 5, flashId: 0x004020 },
		],
		[
			"what is in flash is not what was written",
			"verify_failed",
			(rom) => {
				rom.corrupts = true;
			},
		],
		[
			"the port goes away at the first block",
			"port_lost",
			(rom) => {
				rom.vanishesAtBlock = 0;
			},
		],
		[
			"the port goes away in the middle",
			"port_lost",
			(rom) => {
				rom.vanishesAtBlock = 2;
			},
		],
	] as readonly [
		string,
		BoardErrorCode,
		(rom: RomLoader) => void,
		RomOptions?,
	][])
		it(`fails when ${what}: ${code}`, async () => {
			const rom = new RomLoader(options);
			prepare(rom);
			assert.equal(await failure(rom), code);
		});

	it("writes nothing to a chip that is another", async () => {
		const rom = new RomLoader({ chipId: 9 });
		await failure(rom);
		assert.equal(rom.blocks, 0);
	});
});
