/** What the node erases between two feedings of the watchdog, with the partitions and the watchdog that an ESP32 has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { makeBoard, makeDurable } from "../../../node/fakes/board.ts";
import { HeapFlash } from "../../../node/heap-flash.ts";
import { startNode } from "../../../node/node.ts";
import type { Flash } from "../../../node/ports.ts";

/** ESP-IDF 6.0's SPI_FLASH_GENERIC_SECTOR_ERASE_TIMEOUT_MS: it takes no chip's sector erase for longer. */
const SECTOR_ERASE_MS = 600;
const SECTOR_BYTES = 4096;
const HOUR_MS = 3_600_000;

function textOf(file: string): string {
	return readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
}

const watchdogMs =
	1000 *
	Number(
		/^CONFIG_ESP_TASK_WDT_TIMEOUT_S=(\d+)$/m.exec(
			textOf("sdkconfig/sdkconfig.defaults"),
		)?.[1],
	);

function sectorsOf(label: string): number {
	const line = new RegExp(`^${label},.*,\\s*(0x[0-9a-f]+)$`, "m");
	return Number(line.exec(textOf("partitions.csv"))?.[1]) / SECTOR_BYTES;
}

class Feedings {
	#erases = 0;
	/** Erases between two feedings, at most. */
	mostErases = 0;

	erased(): void {
		this.mostErases = Math.max(this.mostErases, ++this.#erases);
	}

	fed(): void {
		this.#erases = 0;
	}
}

describe("between two feedings of the watchdog", () => {
	/** Starts a node, runs it for a while, and starts it anew, as after a loss of power. */
	function run(prepare: (flash: Flash) => void): number {
		const feedings = new Feedings();
		class Partition extends HeapFlash {
			override erase(offset: number): void {
				feedings.erased();
				super.erase(offset);
			}
		}
		const journal = new Partition(sectorsOf("journal"), SECTOR_BYTES);
		const checkpoints = new Partition(sectorsOf("checkpoints"), SECTOR_BYTES);
		prepare(journal);
		prepare(checkpoints);
		const durable = { ...makeDurable(), journal, checkpoints };
		for (let boot = 0; boot < 3; boot++) {
			feedings.fed();
			const board = makeBoard(durable, boot + 1);
			startNode({
				...board,
				watchdog: { timeoutMs: watchdogMs, feed: () => feedings.fed() },
			});
			board.timers.advance(2 * HOUR_MS + 123_456);
		}
		return feedings.mostErases;
	}

	for (const [what, prepare] of [
		["new", () => undefined],
		[
			"full of something else",
			(flash) => {
				const sector = new Uint8Array(SECTOR_BYTES).fill(0x5a);
				for (let at = 0; at < flash.sizeBytes; at += sector.length)
					flash.program(at, sector);
			},
		],
	] as readonly [string, (flash: Flash) => void][]) {
		it(`the node never erases longer than half its time, on flash that is ${what}`, () => {
			const erases = run(prepare);
			assert.ok(erases > 0);
			assert.ok(
				erases * SECTOR_ERASE_MS <= watchdogMs / 2,
				`${erases} sectors`,
			);
		});
	}
});
