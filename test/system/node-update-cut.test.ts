/**
 * One update of a node with its whole firmware under a power cut: at each flash operation of it, the journal's, the settings' and the
 * bootloader's among them, and at each block that is asked for; one run for each. `make prove` plays them all, `make test` some of them.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CutMoment } from "../../firmware/boards/virtual/peripherals/flash.ts";
import { requireHost } from "../../firmware/boards/virtual/testing/host-process.ts";
import { readAppImage } from "../../firmware/image/app-image.ts";
import type { UpdateImages } from "../update/board-rig.ts";
import { buildNodeImages, NodeRig } from "../update/node-rig.ts";

const ALL = process.env.THINGHZ_EXHAUSTIVE === "1";
const MOMENTS: readonly CutMoment[] = ["torn", "before", "scattered", "after"];
/** How many of the cuts `make test` plays; which, is spread over all of them. */
const SOME = 3;
/** Power comes back so often at most. */
const MOST_BOOTS = 4;

/** Some of `first` … `last`, spread over them. */
function some(first: number, last: number): number[] {
	const stride = (last + 1 - first) / SOME;
	return Array.from(
		{ length: SOME },
		(_, n) => first + Math.floor((n + 0.5) * stride),
	);
}

/** All of 1 … `count`. */
function all(count: number): number[] {
	return Array.from({ length: count }, (_, n) => n + 1);
}

for (const kind of ["the image", "a difference"] as const)
	describe(`a node that is updated by ${kind}, under a power cut`, function () {
		this.timeout(ALL ? 7_200_000 : 240_000);
		const hasDelta = kind === "a difference";
		let folder: string;
		let images: UpdateImages;
		let operations: number;
		let asked: number;
		/** Operations before the first block was asked for, and before the last. */
		const loading = { from: 0, to: 0 };

		before(async function () {
			requireHost(this, "virtual");
			folder = mkdtempSync(join(tmpdir(), "thinghz-cut-"));
			images = await buildNodeImages(folder);
			const rig = await open();
			try {
				rig.cloud.onAsked = () => {
					const { supply } = rig.machine;
					loading.to = supply.operations;
					loading.from ||= supply.operations;
				};
				assert.equal(await assertEnds(rig, "uncut"), "SUCCEEDED");
				operations = rig.machine.supply.operations;
				asked = rig.cloud.asked.length;
			} finally {
				await rig.close();
			}
			assert.ok(asked > 3);
		});
		after(() => {
			if (folder !== undefined) rmSync(folder, { recursive: true });
		});

		const open = () => NodeRig.open({ images, hasDelta });

		/** With power as often as it takes, it ends on a valid image, and the job is told which. */
		async function assertEnds(rig: NodeRig, where: string): Promise<unknown> {
			for (let boot = 0; boot < MOST_BOOTS; boot++) {
				await rig.settle();
				if (rig.machine.supply.on) break;
			}
			const status = await rig.cloud.status();
			const version = status === "SUCCEEDED" ? "1.1.0" : "1.0.0";
			assert.equal(rig.version, version, `${where}: ${status}`);
			const { slots } = rig.machine;
			assert.ok(slots?.running != null);
			const slot = slots.slots[slots.running.slot]!;
			const content = new Uint8Array(slot.sizeBytes);
			slot.read(0, content);
			readAppImage(content);
			// And stays there.
			await rig.machine.powerCut();
			let isOnline = false;
			rig.machine.on("report", ({ event }) => {
				isOnline ||= event === "online";
			});
			await rig.run(() => isOnline);
			assert.equal(rig.version, version, where);
			return status;
		}

		/** Nothing that was durable is fetched again: the block that was under way, at most. */
		function assertCost(rig: NodeRig, where: string): void {
			const most = asked + 1;
			assert.ok(
				rig.cloud.asked.length <= most,
				`${where}: ${rig.cloud.asked.length} blocks were asked for, not ${most}`,
			);
		}

		it("ends on a valid image, cut at each of its flash operations, and costs a block at most", async () => {
			const cuts = ALL ? all(operations) : some(loading.from + 1, loading.to);
			for (const at of cuts) {
				const moment = MOMENTS[at % MOMENTS.length];
				const where = `${moment} ${at} of ${operations}`;
				const rig = await open();
				try {
					rig.machine.supply.cutAt(at, moment, at * 31);
					const end = await assertEnds(rig, where);
					// On trial a cut is a restart that was not confirmed, by the bootloader's rule.
					if (at <= loading.to || end !== "FAILED not_confirmed")
						assert.equal(end, "SUCCEEDED", where);
					assertCost(rig, where);
				} finally {
					await rig.close();
				}
			}
		});

		it("ends on a valid image, cut at each block that is asked for, and costs that block", async () => {
			for (const at of ALL ? all(asked) : some(1, asked)) {
				const where = `block ${at} of ${asked}`;
				const rig = await open();
				try {
					rig.cloud.onAsked = () => {
						if (rig.cloud.asked.length === at) rig.machine.supply.cut();
					};
					assert.equal(await assertEnds(rig, where), "SUCCEEDED", where);
					assertCost(rig, where);
				} finally {
					await rig.close();
				}
			}
		});
	});
