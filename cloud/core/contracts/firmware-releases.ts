import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { FirmwareObjects } from "../firmware-objects.ts";
import type { FirmwareUploads, UpdateKeys } from "../releases/ports.ts";

const BYTES = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 13) & 0xff);
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
const FILE = {
	key: { version: "1.2.3", board: "esp32-c3", file: SHA256 },
	sizeBytes: BYTES.length,
	sha256: SHA256,
};

/**
 * What every way to upload firmware promises.
 * @param send does what a client does with an address
 */
export function firmwareUploadsContract(
	name: string,
	make: () => Promise<{
		readonly uploads: FirmwareUploads;
		readonly objects: FirmwareObjects;
		send(
			url: string,
			headers: Readonly<Record<string, string>>,
			bytes: Uint8Array<ArrayBuffer>,
		): Promise<boolean>;
	}>,
): void {
	describe(`${name} as uploads of firmware`, () => {
		it("put what is sent to their address among the objects, again as well", async () => {
			const { uploads, objects, send } = await make();
			for (let times = 0; times < 2; times++) {
				const { url, headers } = await uploads.address(FILE);
				assert.equal(await send(url, headers, BYTES), true);
				const read = await objects.read(FILE.key, 0, BYTES.length + 1);
				assert.deepEqual(Buffer.from(read ?? []), Buffer.from(BYTES));
			}
			assert.equal((await objects.list()).length, 1);
		});
	});
}

/** @param make makes one that holds none */
export function updateKeysContract(
	name: string,
	make: () => Promise<UpdateKeys>,
): void {
	describe(`${name} as a store of the key of updates`, () => {
		it("keeps the first", async () => {
			const keys = await make();
			assert.equal(await keys.get(), null);
			const first = `04${"a1".repeat(64)}`;
			assert.equal(await keys.putNew(first), first);
			assert.equal(await keys.putNew(`04${"b2".repeat(64)}`), first);
			assert.equal(await keys.putNew(first), first);
			assert.equal(await keys.get(), first);
		});

		it("keeps one of several that are put at once, and tells all of it", async () => {
			const keys = await make();
			const put = await Promise.all(
				["1", "2", "3"].map((digit) => keys.putNew(`04${digit.repeat(128)}`)),
			);
			assert.deepEqual(new Set(put), new Set([await keys.get()]));
		});
	});
}
