/**
 * One update of a whole board under a power cut: at each flash operation of it, the bootloader's and the settings' among them, one
 * run for each, and at each block that comes. `make prove` plays them all, `make test` some of them.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	buildUpdateImages,
	type UpdateImages,
	UpdateRig,
} from "../../../test/update/board-rig.ts";
import { readAppImage } from "../../image/app-image.ts";
import type { CutMoment } from "./peripherals/flash.ts";
import { requireHost } from "./testing/host-process.ts";
import { BLOCK_BYTES, type MemoryChip } from "./testing/update-order.ts";

const ALL = process.env.THINGHZ_EXHAUSTIVE === "1";
const MOMENTS: readonly CutMoment[] = ["before", "torn", "scattered", "after"];
/** How many of the cuts `make test` plays; which, is spread over all of them. */
const SOME_OPERATIONS = 5;
const SOME_BLOCKS = 3;
/** Power comes back so often at most. */
const MOST_BOOTS = 8;
const ORDER_AFTER_MS = 1000;

/** All of 1 … `count`, or some, spread over them; with another `phase` (0 … 1) others. */
function numbers(count: number, some: number, phase: number): number[] {
	const all = Array.from({ length: count }, (_, n) => n + 1);
	if (ALL || count <= some) return all;
	const stride = count / some;
	return Array.from(
		{ length: some },
		(_, n) => 1 + Math.floor((n + phase) * stride),
	);
}

for (const kind of ["the image", "a difference"] as const)
	describe(`a board that is updated by ${kind}, under a power cut`, function () {
		this.timeout(ALL ? 3_600_000 : 120_000);
		let folder: string;
		let images: UpdateImages;
		let rig: UpdateRig;
		let operations: number;

		before(async function () {
			requireHost(this, "virtual");
			folder = mkdtempSync(join(tmpdir(), "thinghz-cut-"));
			images = await buildUpdateImages("virtual", folder);
			open();
			await rig.settle();
			operations = rig.supply.operations;
			assert.deepEqual(rig.values("outcome"), [null]);
			assert.equal(source().givenBytes, source().bytes.length);
			await rig.close();
		});
		after(() => {
			if (folder !== undefined) rmSync(folder, { recursive: true });
		});

		function open(): void {
			const delta = kind === "the image" ? null : images.signed.delta;
			rig = new UpdateRig({ images, delta });
		}

		function source(): MemoryChip {
			return rig.delta ?? rig.image;
		}

		/** With power as often as it takes, it ends on a valid image, says how, and stays there. */
		async function assertEnds(where: string): Promise<unknown> {
			for (let boot = 0; rig.values("outcome").length === 0; boot++) {
				assert.ok(boot < MOST_BOOTS, `${where}: ${JSON.stringify(rig.told)}`);
				await rig.settle();
			}
			assert.deepEqual(rig.values("failed"), [], where);
			const reason = rig.last("outcome");
			const [version, slot] = rig.last("boot") as [string, number];
			assert.equal(version, reason === null ? "1.1.0" : "1.0.0", where);
			const content = new Uint8Array(rig.machine.slots!.slots[slot]!.sizeBytes);
			rig.machine.slots!.slots[slot]!.read(0, content);
			readAppImage(content);
			assert.ok(
				source().givenBytes <= source().bytes.length + BLOCK_BYTES,
				`${where}: ${source().givenBytes} of ${source().bytes.length}`,
			);
			await rig.machine.powerCut();
			const boots = rig.values("boot").length;
			await rig.run(() => rig.values("boot").length > boots);
			assert.equal((rig.last("boot") as [string])[0], version, where);
			return reason;
		}

		MOMENTS.forEach((moment, phase) => {
			const when =
				moment === "before" || moment === "after" ? moment : `${moment} in`;
			it(`ends on a valid image, ${when} each of its flash operations, and costs a block at most`, async () => {
				const reasons = new Set<unknown>();
				for (const at of numbers(operations, SOME_OPERATIONS, phase / 4)) {
					open();
					try {
						rig.supply.cutAt(at, moment, at * 31);
						reasons.add(await assertEnds(`${moment} ${at} of ${operations}`));
					} finally {
						await rig.close();
					}
				}
				// On trial a cut is a restart that was not confirmed, by the bootloader's rule.
				for (const reason of reasons)
					assert.ok(reason === null || reason === "not_confirmed");
				assert.ok(reasons.has(null));
			});
		});

		it("goes on where it was, cut off after each block that came", async () => {
			const blocks = Math.ceil(source().bytes.length / BLOCK_BYTES);
			for (const after of numbers(blocks, SOME_BLOCKS, 0.5)) {
				open();
				try {
					rig.machine.powerOn();
					await rig.clock.runFor(ORDER_AFTER_MS + after + 0.5);
					await rig.machine.powerCut();
					const asked = source().asked.length;
					const served = source().givenBytes;
					assert.ok(asked > 0, `${after}`);
					const durable = Number(
						(rig.machine.settings.get("updateAt") ?? "0 0")
							.split(" ")
							.at(kind === "the image" ? 0 : 1),
					);
					await assertEnds(`after block ${after} of ${blocks}`);
					if (source().asked.length > asked)
						assert.equal(source().asked[asked], durable, `${after}`);
					assert.ok(
						source().givenBytes - served <= source().bytes.length - durable,
						`${after}`,
					);
				} finally {
					await rig.close();
				}
			}
		});
	});
