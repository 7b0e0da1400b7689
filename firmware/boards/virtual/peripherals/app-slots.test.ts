import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	OTADATA_BYTES,
	OtaState,
	readOtadata,
} from "../../../image/otadata.ts";
import { parsePartitionCsv } from "../../../image/partition-table.ts";
import { makeProgramImage } from "../../../image/program-image.ts";
import { ApplicationSlots, SLOT_BYTES } from "./app-slots.ts";
import {
	type CutMoment,
	FlashSupply,
	PowerCut,
	SECTOR_BYTES,
} from "./flash.ts";
import { MemorySettings } from "./settings.ts";

const SMALL_BYTES = 4 * SECTOR_BYTES;
const imageOf = (version: string) =>
	makeProgramImage(Buffer.from(`program ${version} `.repeat(300)), {
		board: "virtual",
		version,
	});
const OLD = imageOf("1.0.0");
const NEW = imageOf("1.1.0");

function makeSlots(
	options: {
		supply?: FlashSupply;
		file?: (name: string) => string;
		image?: Uint8Array;
		memory?: MemorySettings;
	} = {},
): ApplicationSlots {
	const slots = new ApplicationSlots({
		board: "virtual",
		sizeBytes: SMALL_BYTES,
		supply: options.supply ?? new FlashSupply(),
		file: options.file,
	});
	slots.flash(options.image ?? OLD, options.memory ?? new MemorySettings());
	return slots;
}

function started(slots: ApplicationSlots): [number, string, boolean] | null {
	const start = slots.boot();
	return start && [start.slot, start.description.version, start.onTrial];
}

function statesOf(slots: ApplicationSlots): (number | undefined)[] {
	const bytes = new Uint8Array(OTADATA_BYTES);
	slots.otadata.read(0, bytes);
	return readOtadata(bytes).map((entry) => entry?.state);
}

/** As an update does. */
function writeIdle(slots: ApplicationSlots, image: Uint8Array): void {
	const idle = slots.slots[1 - (slots.running?.slot ?? 0)];
	for (let at = 0; at < SMALL_BYTES; at += SECTOR_BYTES) idle!.erase(at);
	idle!.program(0, image);
}

describe("the application slots of a board of software", () => {
	it("are as large as an ESP32's", () => {
		const { pathname } = new URL("../../esp32/partitions.csv", import.meta.url);
		const apps = parsePartitionCsv(readFileSync(pathname, "utf8")).filter(
			({ label }) => label.startsWith("ota_"),
		);
		assert.deepEqual(
			apps.map(({ sizeBytes }) => sizeBytes),
			[SLOT_BYTES, SLOT_BYTES],
		);
	});

	it("start what was flashed, without a trial, and write down that it is valid", () => {
		const slots = makeSlots();
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
		assert.deepEqual(statesOf(slots), [OtaState.valid, undefined]);
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
	});

	it("start a new image on trial, and go on with it once it is confirmed", () => {
		const slots = makeSlots();
		slots.boot();
		writeIdle(slots, NEW);
		slots.activate();
		assert.deepEqual(started(slots), [1, "1.1.0", true]);
		slots.confirm();
		assert.equal(slots.running?.onTrial, false);
		assert.deepEqual(started(slots), [1, "1.1.0", false]);
	});

	it("go back from an image that restarts before it is confirmed, and stay there", () => {
		const slots = makeSlots();
		slots.boot();
		writeIdle(slots, NEW);
		slots.activate();
		slots.boot();
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
		assert.deepEqual(statesOf(slots), [OtaState.valid, OtaState.aborted]);
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
	});

	it("go back from an image that gives itself up", () => {
		const slots = makeSlots();
		slots.boot();
		writeIdle(slots, NEW);
		slots.activate();
		slots.boot();
		slots.rollBack();
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
		assert.deepEqual(statesOf(slots), [OtaState.valid, OtaState.invalid]);
	});

	it("go on with what ran after a deep sleep, on trial too, without looking at otadata", () => {
		const slots = makeSlots();
		slots.boot();
		writeIdle(slots, NEW);
		slots.activate();
		assert.equal(slots.wake()?.description.version, "1.0.0");
		slots.boot();
		assert.equal(slots.wake()?.onTrial, true);
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
	});

	it("do not go back where there is nothing to go back to", () => {
		const slots = makeSlots();
		slots.boot();
		assert.throws(() => slots.rollBack(), /ROLLBACK_FAILED/);
		writeIdle(slots, NEW);
		slots.activate();
		slots.boot();
		slots.slots[0].program(600, new Uint8Array(8));
		assert.throws(() => slots.rollBack(), /ROLLBACK_FAILED/);
		assert.equal(slots.running?.slot, 1);
	});

	for (const [what, image] of [
		["nothing", new Uint8Array(0)],
		["an image that is cut short", NEW.subarray(0, NEW.length - 1)],
		[
			"an image with a bit changed",
			NEW.map((byte, n) => (n === 900 ? byte ^ 1 : byte)),
		],
		[
			"an image for another board",
			makeProgramImage(Uint8Array.of(1), { board: "qemu", version: "1.1.0" }),
		],
	] as const)
		it(`do not switch to ${what}`, () => {
			const slots = makeSlots();
			slots.boot();
			writeIdle(slots, image);
			assert.throws(() => slots.activate(), /VALIDATE_FAILED/);
			assert.deepEqual(started(slots), [0, "1.0.0", false]);
		});

	it("fall back to the other image where the one that is chosen is damaged", () => {
		const slots = makeSlots();
		slots.boot();
		writeIdle(slots, NEW);
		slots.activate();
		slots.boot();
		slots.confirm();
		slots.slots[1].program(600, new Uint8Array(8));
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
	});

	it("start nothing where neither image is whole", () => {
		const slots = makeSlots();
		slots.slots[0].program(600, new Uint8Array(8));
		assert.equal(started(slots), null);
		assert.equal(slots.running, null);
		assert.throws(() => slots.activate(), /Nothing runs/);
	});

	it("start the first slot where both entries of otadata are damaged", () => {
		const slots = makeSlots();
		slots.otadata.program(0, new Uint8Array(32));
		slots.otadata.program(SECTOR_BYTES, new Uint8Array(32));
		assert.deepEqual(started(slots), [0, "1.0.0", false]);
		assert.deepEqual(statesOf(slots), [undefined, undefined]);
	});

	for (const moment of ["before", "torn", "scattered", "after"] as CutMoment[])
		it(`start a whole image after a power cut ${moment} each operation of switch, start and confirmation`, () => {
			for (let at = 1; ; at++) {
				const supply = new FlashSupply();
				const slots = makeSlots({ supply });
				slots.boot();
				writeIdle(slots, NEW);
				const before = supply.operations;
				supply.cutAt(before + at, moment, at);
				try {
					slots.activate();
					slots.boot();
					slots.confirm();
					slots.boot();
					// No operation was left to cut off.
					assert.ok(supply.operations >= 6 + before);
					return;
				} catch (error) {
					if (!(error instanceof PowerCut)) throw error;
				}
				supply.restore();
				const first = started(slots);
				assert.ok(first !== null, `${at}`);
				if (first[2]) slots.confirm();
				const [slot, version] = first;
				assert.deepEqual(started(slots), [slot, version, false], `${at}`);
			}
		});

	it("keep what they have when the same image is flashed again, and take another", () => {
		const folder = mkdtempSync(join(tmpdir(), "thinghz-slots-"));
		try {
			const file = (name: string) => join(folder, name);
			const memory = new MemorySettings();
			const first = makeSlots({ file, memory });
			first.boot();
			writeIdle(first, NEW);
			first.activate();
			first.boot();
			first.confirm();
			first.close();
			const second = makeSlots({ file, memory });
			assert.deepEqual(started(second), [1, "1.1.0", false]);
			second.close();
			const third = makeSlots({ file, memory, image: imageOf("1.0.1") });
			assert.deepEqual(started(third), [0, "1.0.1", false]);
			assert.deepEqual(statesOf(third), [OtaState.valid, undefined]);
			third.close();
			assert.equal(statSync(file("ota_1")).size, 0);
		} finally {
			rmSync(folder, { recursive: true });
		}
	});

	it("refuse an image that is larger than they are", () => {
		assert.throws(
			() => makeSlots({ image: new Uint8Array(SMALL_BYTES + 1) }),
			RangeError,
		);
	});
});
