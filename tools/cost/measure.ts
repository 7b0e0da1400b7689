/**
 * Measures what a node's exchanges with the cloud of `thinghz up` take in bytes, and writes `exchange.json`, from which
 * `thinghz cost --battery` reckons. Run by hand: `node --import=tsx tools/cost/measure.ts`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readIdentity } from "../../firmware/boards/virtual/identity.ts";
import {
	CloudUnderTest,
	temporaryFolder,
} from "../../test/system/support/cloud.ts";
import { thinghz } from "../../test/system/support/command.ts";
import { encodedWeather } from "../bench/weather-blocks.ts";
import { countExchange } from "./count-exchange.ts";

const THING = "battery-node-001";
const { dir, remove } = temporaryFolder();
const cloud = await CloudUnderTest.start(dir);
try {
	await thinghz("provision", THING, "--target", cloud.target);
	const identity = readIdentity(join(dir, "things", THING));
	const [block] = encodedWeather({
		startMs: Date.now() - 600_000,
		samples: 300,
		blocks: 1,
		journalId: "00000000000000ce",
	});
	if (block === undefined) throw new Error("There is no block.");
	const exchange = await countExchange(identity, block);
	writeFileSync(
		new URL("exchange.json", import.meta.url),
		`${JSON.stringify({ measured: new Date().toISOString().slice(0, 10), thing: THING, blockBytes: block.length, ...exchange }, null, "\t")}\n`,
	);
	process.stdout.write(`${JSON.stringify(exchange)}\n`);
} finally {
	await cloud.stop();
	remove();
}
