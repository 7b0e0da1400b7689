/** Files of a build as small as they can be. */
import { readFileSync } from "node:fs";
import {
	CHIP_IDS,
	DESCRIPTION_BYTES,
	writeAppImage,
	writeDescription,
} from "../../../firmware/image/app-image.ts";
import {
	type Partition,
	parsePartitionCsv,
	writePartitionTable,
} from "../../../firmware/image/partition-table.ts";
import type { FlashFiles } from "../flash-plan.ts";

export const PARTITIONS: readonly Partition[] = parsePartitionCsv(
	readFileSync(
		new URL("../../../firmware/boards/esp32/partitions.csv", import.meta.url),
		"utf8",
	),
);

export function makeImage(
	sizeBytes: number,
	chipId: number = CHIP_IDS.esp32c3,
	withDescription = true,
): Uint8Array {
	const data = new Uint8Array(DESCRIPTION_BYTES + sizeBytes);
	for (let i = 0; i < data.length; i++) data[i] = (i * i) >> 6;
	if (withDescription)
		data.set(
			writeDescription({
				secureVersion: 0,
				version: "1.2.3",
				project: "thinghz",
				time: "",
				date: "",
				idfVersion: "v6.0",
				elfSha256: new Uint8Array(32),
			}),
		);
	return writeAppImage({
		chipId,
		spiMode: 2,
		spiSpeedAndSize: 0x20,
		entryAddress: 0,
		otherHeader: new Uint8Array(13),
		segments: [{ loadAddress: 0x3fcd0000, data }],
		hasHash: true,
	});
}

export function makeBuild(change: Partial<FlashFiles> = {}): FlashFiles {
	return {
		bootloader: makeImage(2000, CHIP_IDS.esp32c3, false),
		table: writePartitionTable(PARTITIONS),
		app: makeImage(9000),
		...change,
	};
}
