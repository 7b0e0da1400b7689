/** An update on the engine that nodes have. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
	UpdateCall,
	UpdateMessage,
	UpdateResult,
} from "../../test/update/xs-script.ts";
import { buildFirmware } from "../../tools/build/firmware.ts";
import { encodeDelta } from "../../tools/ota/encode-delta.ts";
import type { HostKind } from "../boards/virtual/processor.ts";
import {
	HostProcess,
	requireHost,
} from "../boards/virtual/testing/host-process.ts";
import {
	makeImage,
	makeKey,
	nodeCrypto,
	sha256Of,
	UpdateBench,
} from "./fakes/update-bench.ts";

const KINDS: readonly HostKind[] = ["virtual", "virtual32"];
const SLOT_SECTORS = 1;
/** On the board whose slots are as large as an ESP32's: of 64 KB, 56.6 of which a node without an update takes at most. */
const MOST_HEAP_BYTES = 5000;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const fromHex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

function answer(bytes: Uint8Array): Uint8Array {
	const call = JSON.parse(Buffer.from(bytes).toString()) as UpdateCall;
	if (call.call === "sha256") return fromHex(sha256Of(fromHex(call.bytes)));
	const { point, hash, signature } = call;
	const isSigned = nodeCrypto.verifyP256(
		fromHex(point),
		fromHex(hash),
		fromHex(signature),
	);
	return Uint8Array.of(Number(isSigned));
}

for (const kind of KINDS)
	describe(`an update on XS (${kind})`, () => {
		let host: HostProcess;
		let folder: string;

		before(async function () {
			requireHost(this, kind);
			folder = mkdtempSync(join(tmpdir(), "thinghz-update-"));
			const outfile = join(folder, "bundle.js");
			const entry = fileURLToPath(
				new URL("../../test/update/xs-script.ts", import.meta.url),
			);
			await buildFirmware({ entry, outfile });
			host = new HostProcess(kind, readFileSync(outfile, "utf8"));
			host.onCall = answer;
		});

		after(async () => {
			await host?.end();
			if (folder) rmSync(folder, { recursive: true });
		});

		async function run(change: Partial<UpdateMessage>): Promise<UpdateResult> {
			const count = host.posts.length;
			host.send(JSON.stringify({ ...MESSAGE, ...change }));
			await host.posted(count + 1);
			return JSON.parse(host.posts.at(-1) ?? "") as UpdateResult;
		}

		it("makes the image out of the difference, and takes little of the heap", async () => {
			const { events, heapBytes } = await run({});
			assert.deepEqual(events, [
				"checking image",
				"loading delta",
				"verifying delta",
				"ready 1",
			]);
			if (kind === "virtual32")
				assert.ok(heapBytes <= MOST_HEAP_BYTES, `${heapBytes}`);
		});

		if (kind === "virtual32") return;
		it("refuses what another key has signed, and a damaged difference", async () => {
			const other = await run({ key: makeKey().point });
			assert.deepEqual(other.events, ["refused signature_wrong"]);
			const delta = `${MESSAGE.delta.slice(0, -2)}00`;
			const damaged = await run({ delta });
			assert.deepEqual(damaged.events.at(-1), "failed hash_mismatch");
		});
	});

const OLD = makeImage("1.0.0", 2000);
const NEW = makeImage("1.1.0", 2100);
const DELTA = encodeDelta(OLD, NEW);
const BENCH = new UpdateBench(OLD);
const ORDER = BENCH.order(NEW, {
	delta: {
		fromSha256: sha256Of(OLD),
		fromSizeBytes: OLD.length,
		sizeBytes: DELTA.length,
		sha256: sha256Of(DELTA),
	},
});
const MESSAGE: UpdateMessage = {
	base: hex(OLD),
	manifest: hex(ORDER.manifest),
	signature: hex(ORDER.signature),
	delta: hex(DELTA),
	key: BENCH.key.point,
	slotSectors: SLOT_SECTORS,
};
