import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateRequest } from "../../../tools/identity/certificate-request.ts";
import { thingRegistryContract } from "../../core/contracts/thing-registry.ts";
import { memoryStores } from "../../core/fakes/memory-stores.ts";
import { openAuthority } from "./authority.ts";
import { LocalRegistry } from "./registry.ts";

describe("The registry of one machine", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-registry-"));
	const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

	after(() => rmSync(dir, { recursive: true }));

	thingRegistryContract("One machine", async () => {
		const stores = memoryStores();
		return {
			registry: new LocalRegistry({
				authority: await openAuthority(dir),
				stores,
				clock: { nowMs: Date.now },
			}),
			request: (thing) => certificateRequest(thing, privateKey),
			idOf: (pem) =>
				createHash("sha256").update(new X509Certificate(pem).raw).digest("hex"),
			devices: async () =>
				(await stores.devices.list()).map(({ name }) => name),
		};
	});
});
