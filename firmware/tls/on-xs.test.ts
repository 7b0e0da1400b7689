import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BAD_CASES } from "../../test/certificates/bad-cases.ts";
import { GOOD_CASES } from "../../test/certificates/good-cases.ts";
import { nodeCrypto } from "../../test/certificates/node-crypto.ts";
import { type Chain, World } from "../../test/certificates/world.ts";
import type {
	ChainMessage,
	CryptoCall,
} from "../../test/certificates/xs-script.ts";
import { buildFirmware } from "../../tools/build/firmware.ts";
import type { HostKind } from "../boards/virtual/processor.ts";
import {
	HostProcess,
	requireHost,
} from "../boards/virtual/testing/host-process.ts";

const KINDS: readonly HostKind[] = ["virtual", "virtual32"];
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const fromHex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

/** Does for the engine what a board's cryptography does. */
function answer(crypto: ReturnType<typeof nodeCrypto>, bytes: Uint8Array) {
	const call = JSON.parse(Buffer.from(bytes).toString()) as CryptoCall;
	switch (call.call) {
		case "digest":
			return crypto.digest(call.bits, fromHex(call.bytes));
		case "rsaPublic": {
			const modulus = fromHex(call.modulus);
			const exponent = fromHex(call.exponent);
			const key = { kind: "rsa", modulus, exponent } as const;
			return crypto.rsaPublic(key, fromHex(call.signature));
		}
		case "ecdsaP256": {
			const key = { kind: "p256", point: fromHex(call.point) } as const;
			const [hash, r, s] = [call.hash, call.r, call.s].map(fromHex);
			return Uint8Array.of(Number(crypto.ecdsaP256(key, hash!, r!, s!)));
		}
	}
}

for (const kind of KINDS) {
	describe(`A server's certificates, checked on XS (${kind})`, () => {
		let world: World;
		let host: HostProcess;
		let folder: string;

		before(async function () {
			requireHost(this, kind);
			world = new World();
			folder = mkdtempSync(join(tmpdir(), "thinghz-tls-"));
			const outfile = join(folder, "bundle.js");
			const entry = fileURLToPath(
				new URL("../../test/certificates/xs-script.ts", import.meta.url),
			);
			await buildFirmware({ entry, outfile });
			host = new HostProcess(kind, readFileSync(outfile, "utf8"));
			const crypto = nodeCrypto();
			host.onCall = (bytes) => answer(crypto, bytes);
		});

		after(async () => {
			await host?.end();
			if (folder) rmSync(folder, { recursive: true });
		});

		const check = async (chain: Chain): Promise<string | undefined> => {
			const message: ChainMessage = {
				certificates: chain.certificates.map(hex),
				anchors: chain.anchors.map(hex),
				host: chain.host,
				nowMs: chain.nowMs ?? null,
			};
			const count = host.posts.length;
			host.send(JSON.stringify(message));
			await host.posted(count + 1);
			return host.posts.at(-1);
		};

		for (const { name, expect, make } of [...GOOD_CASES, ...BAD_CASES]) {
			it(`${name}: ${expect}`, async () => {
				assert.equal(await check(make(world)), expect);
			});
		}
	});
}
