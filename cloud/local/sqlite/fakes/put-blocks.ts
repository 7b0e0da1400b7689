/** A process that puts blocks until it is killed, and prints the sequence number of each that was acknowledged. */
import { writeSync } from "node:fs";
import { someBlock } from "../../../core/contracts/block-store.ts";
import { openStores } from "../stores.ts";

const [dir = "", first = "0"] = process.argv.slice(2);
const stores = await openStores(dir);
let sequence = Number(first);

/** Eight at a time, so that groups of several blocks are in the making whenever the end comes. */
async function putForEver(): Promise<never> {
	for (;;) {
		const own = sequence++;
		await stores.blocks.put([
			someBlock({
				sequence: own,
				startMs: own * 60_000,
				bytes: new Uint8Array(500).fill(own),
			}),
		]);
		writeSync(1, `${own}\n`);
	}
}

await Promise.all(Array.from({ length: 8 }, putForEver));
