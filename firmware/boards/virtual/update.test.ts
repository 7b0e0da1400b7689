/** An update of a whole board: its program runs on XS, its slots are flash, and its bootloader keeps an ESP32's rules. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	encodeManifest,
	type UpdateManifest,
} from "../../../protocol/update-manifest.ts";
import {
	buildUpdateImages,
	type RigOptions,
	type UpdateImages,
	UpdateRig,
} from "../../../test/update/board-rig.ts";
import { signBytes } from "../../../tools/ota/keys.ts";
import { sha256Hex } from "../../../tools/ota/update.ts";
import { makeProgramImage } from "../../image/program-image.ts";
import { serve as serveRequest } from "./serve.ts";
import { requireHost } from "./testing/host-process.ts";

describe("a board that is updated", () => {
	let folder: string;
	let images: UpdateImages;
	let rig: UpdateRig;

	before(async function () {
		requireHost(this, "virtual");
		folder = mkdtempSync(join(tmpdir(), "thinghz-update-"));
		images = await buildUpdateImages("virtual", folder);
	});
	after(() => {
		if (folder !== undefined) rmSync(folder, { recursive: true });
	});
	afterEach(() => rig.close());

	const make = (options: Partial<RigOptions> = {}) => {
		rig = new UpdateRig({ images, ...options });
		return rig;
	};

	/** Signed by the board's key, whatever it says. */
	function offer(
		change: Partial<UpdateManifest>,
		key = images.key,
	): NonNullable<RigOptions["offer"]> {
		const manifestBytes = encodeManifest({
			...images.signed.manifest,
			...change,
		});
		return { manifestBytes, signature: signBytes(manifestBytes, key) };
	}

	/** Of an image that is signed and served, and is what it is. */
	function serve(image: Uint8Array): Partial<RigOptions> {
		const sha256 = sha256Hex(image);
		return { image, offer: offer({ sizeBytes: image.length, sha256 }) };
	}

	const versionsBooted = () =>
		rig.values("boot").map((value) => (value as [string])[0]);

	it("starts the new image on trial, and keeps it once something was acknowledged", async () => {
		await make().settle();
		assert.deepEqual(rig.values("boot"), [
			["1.0.0", 0, false],
			["1.1.0", 1, true],
		]);
		assert.deepEqual(rig.values("outcome"), [null]);
		assert.equal(rig.image.givenBytes, images.new.length);
		await rig.machine.powerCut();
		await rig.run(() => rig.values("boot").length === 3);
		assert.deepEqual(rig.last("boot"), ["1.1.0", 1, false]);
	});

	it("makes the new image out of the difference to what it runs", async () => {
		await make({ delta: images.signed.delta }).settle();
		assert.deepEqual(rig.values("outcome"), [null]);
		assert.equal(rig.image.givenBytes, 0);
		assert.deepEqual(versionsBooted(), ["1.0.0", "1.1.0"]);
	});

	it("does so with 32 bits", async function () {
		requireHost(this, "virtual32");
		const small = join(folder, "32");
		mkdirSync(small);
		const images32 = await buildUpdateImages("virtual32", small);
		await make({ images: images32, delta: images32.signed.delta }).settle();
		assert.deepEqual(rig.values("outcome"), [null]);
		assert.deepEqual(rig.last("boot"), ["1.1.0", 1, true]);
	});

	it("goes back to the old image when nothing of the new one is acknowledged", async () => {
		make().machine.settings.set("silent", "yes");
		const halfHourMs = 1_800_000;
		await rig.run(
			() => rig.values("outcome").length === 1,
			halfHourMs + 10_000,
		);
		assert.deepEqual(rig.values("outcome"), ["no_acknowledgement"]);
		assert.deepEqual(versionsBooted(), ["1.0.0", "1.1.0", "1.0.0"]);
	});

	it("goes back to the old image from one that crashes as it starts", async () => {
		const crashing = makeProgramImage(Buffer.from("throw new Error('no')"), {
			board: "virtual",
			version: "1.1.0",
		});
		await make(serve(crashing)).settle();
		// It was tried three times: the power might have gone in between.
		assert.deepEqual(rig.values("outcome"), ["did_not_start"]);
		assert.deepEqual(versionsBooted(), ["1.0.0", "1.0.0", "1.0.0", "1.0.0"]);
		const ends = rig.exits.map(({ reason }) => reason);
		assert.deepEqual(ends, Array(3).fill(["restart", "crash"]).flat());
	});

	it("says that it starts nothing where no image is whole, and starts again when one is", async () => {
		make();
		rig.machine.slots?.slots[0].program(600, new Uint8Array(8));
		rig.machine.powerOn();
		await rig.clock.runFor(1000);
		assert.deepEqual(rig.exits, [
			{ reason: "no_image", code: null, reboots: false },
		]);
		rig.machine.slots?.slots[0].load(images.new);
		await rig.run(() => rig.values("boot").length === 1);
		assert.deepEqual(rig.last("boot"), ["1.1.0", 0, false]);
	});

	it("cannot write where it runs from", async () => {
		make().machine.powerOn();
		await rig.clock.runFor(10);
		assert.throws(
			() =>
				serveRequest(rig.machine, {
					op: "flash_erase",
					partition: 2,
					offset: 0,
				}),
			/NOT_ALLOWED/,
		);
		serveRequest(rig.machine, { op: "flash_erase", partition: 3, offset: 0 });
		assert.throws(
			() =>
				serveRequest(rig.machine, {
					op: "flash_erase",
					partition: 4,
					offset: 0,
				}),
			RangeError,
		);
	});

	it("leaves no program behind, in its folder or elsewhere", async () => {
		const flashDir = join(folder, "flash");
		make({ flashDir });
		await rig.run(() => rig.values("boot").length === 1);
		await rig.clock.runFor(100);
		assert.deepEqual(readdirSync(flashDir).sort(), [
			"checkpoints.bin",
			"journal.bin",
			"lock.json",
			"ota_0.bin",
			"ota_1.bin",
			"otadata.bin",
			"settings.json",
		]);
	});

	describe("that is not to have it", () => {
		const refusals: Record<string, () => [string, Partial<RigOptions>]> = {
			"another key's": () => {
				const { privateKey } = generateKeyPairSync("ec", {
					namedCurve: "P-256",
				});
				return ["signature_wrong", { offer: offer({}, privateKey) }];
			},
			"of which a bit of the manifest is changed": () => {
				const manifestBytes = images.signed.manifestBytes.slice();
				manifestBytes[40]! ^= 1;
				return ["signature_wrong", { offer: { manifestBytes } }];
			},
			"whose signature has numbers that are out of range": () => [
				"signature_malformed",
				{ offer: { signature: new Uint8Array(64) } },
			],
			"another board's": () => [
				"wrong_board",
				{ offer: offer({ board: "qemu" }) },
			],
			"another project's": () => [
				"wrong_project",
				{ offer: offer({ project: "other" }) },
			],
			"of a lower version": () => [
				"lower_version",
				{ offer: offer({ version: "0.9.9" }) },
			],
			"of a lower security version": () => [
				"lower_security_version",
				{
					app: {
						image: makeProgramImage(images.program, {
							board: "virtual",
							version: "1.0.0",
							securityVersion: 2,
						}),
					},
					offer: offer({ securityVersion: 1 }),
				},
			],
			"larger than the slot": () => [
				"image_too_large",
				{ app: { slotBytes: 0x10000 }, offer: offer({ sizeBytes: 0x10001 }) },
			],
		};
		for (const [what, prepare] of Object.entries(refusals))
			it(`refuses an update ${what}, and asks for nothing`, async () => {
				const [reason, options] = prepare();
				await make(options).settle();
				assert.deepEqual(rig.values("refused"), [reason]);
				assert.equal(rig.image.givenBytes, 0);
				assert.deepEqual(versionsBooted(), ["1.0.0"]);
			});

		const failures: Record<string, () => [string, Partial<RigOptions>]> = {
			"is shorter than the manifest says": () => [
				"wrong_length",
				{ image: images.new.subarray(0, images.new.length - 1) },
			],
			"has a bit changed": () => {
				const image = images.new.slice();
				const bit = 8 * 777 + 3;
				image[bit >> 3]! ^= 1 << (bit & 7);
				return ["hash_mismatch", { image }];
			},
			"has its last bit changed": () => {
				const image = images.new.slice();
				image[image.length - 1]! ^= 0x80;
				return ["hash_mismatch", { image }];
			},
			"is signed and is no image": () => [
				"switch_failed",
				serve(Buffer.alloc(8192, "no image")),
			],
			"is signed and for another kind of board": () => [
				"switch_failed",
				serve(
					makeProgramImage(images.program, {
						board: "virtual32",
						version: "1.1.0",
					}),
				),
			],
		};
		for (const [what, prepare] of Object.entries(failures))
			it(`gives up an update whose image ${what}, and runs on`, async () => {
				const [reason, options] = prepare();
				await make(options).settle();
				assert.deepEqual(rig.values("failed"), [reason]);
				await rig.machine.powerCut();
				await rig.run(() => rig.values("boot").length === 2);
				assert.deepEqual(versionsBooted(), ["1.0.0", "1.0.0"]);
			});
	});
});
