/**
 * Firmware that may be installed: an image, maybe its difference to another, and the signed manifest of both. A release is published once
 * all of it is there and right; from then on its version means these bytes for its board, whoever publishes what.
 */
import { firmwarePlaceholder } from "../../../protocol/firmware-placeholders.ts";
import type { UpdateJob } from "../../../protocol/job-documents.ts";
import { JOB_DOCUMENT_VERSION } from "../../../protocol/job-documents.ts";
import { fetchesUpdates } from "../../../protocol/update-boards.ts";
import {
	ManifestError,
	parseManifest,
	type UpdateManifest,
} from "../../../protocol/update-manifest.ts";
import { compareVersions } from "../../../protocol/version.ts";
import { fromBase64 } from "../base64.ts";
import {
	type FirmwareKey,
	type FirmwareObjects,
	firmwarePath,
	InvalidFirmwareKey,
} from "../firmware-objects.ts";
import type { Clock } from "../ports.ts";
import { ReleaseError } from "./errors.ts";
import type {
	FileStreams,
	FirmwareUploads,
	UpdateKeys,
	UploadAddress,
	UploadFile,
} from "./ports.ts";
import { isPublicKey, isSignedBy, sha256Hex } from "./signature.ts";
import { type HandOver, type Trust, trustFor } from "./trust.ts";

/** More than any slot of a node holds. AWS IoT's streams take files of 24 MB. */
export const MAX_IMAGE_BYTES = 16 * 1024 * 1024;

/** An update as it is signed: texts are base64. */
export interface SignedUpdate {
	/** The manifest's exact bytes. */
	readonly manifest: string;
	/** r and s, 64 bytes. */
	readonly signature: string;
}

export interface Release extends SignedUpdate {
	readonly content: UpdateManifest;
	/** The key that signed it. */
	readonly key: string;
	readonly publishedMs: number;
}

/** What is still to be uploaded, and where to. */
export interface Upload extends UploadAddress {
	readonly file: "image" | "delta";
	readonly sizeBytes: number;
	readonly sha256: string;
}

export interface ReleasesDeps {
	readonly objects: FirmwareObjects;
	readonly uploads: FirmwareUploads;
	readonly keys: UpdateKeys;
	/** Null where streams need not be made. */
	readonly streams: FileStreams | null;
	readonly clock: Clock;
}

/** Of a release, among its files. */
const RECORD = "release.json";
/** What stays of a release that has been withdrawn and handed over to another key, after a part of its manifest's hash. */
const HAND_OVER_SUFFIX = ".handover";
const MAX_RECORD_BYTES = 16_384;
const READ_BYTES = 1024 * 1024;

/** Every operation throws ReleaseError and StoreError. */
export class Releases {
	readonly #deps: ReleasesDeps;

	constructor(deps: ReleasesDeps) {
		this.#deps = deps;
	}

	/** The key that updates are signed with, or null. */
	key(): Promise<string | null> {
		return this.#deps.keys.get();
	}

	/** Once; that key again has no effect. */
	async setKey(key: string): Promise<void> {
		if (!(await isPublicKey(key))) {
			throw new ReleaseError(
				"bad_update",
				"The key is no point of P-256: 130 hex digits that begin with 04, as `thinghz ota keygen` writes them.",
			);
		}
		const kept = await this.#deps.keys.putNew(key);
		if (kept === key) return;
		throw new ReleaseError(
			"other_update_key",
			`Nodes of this cloud take updates that are signed by the key ${shortOf(kept)}, not by ${shortOf(key)}.`,
		);
	}

	/** By board, newest first. */
	async list(): Promise<readonly Release[]> {
		const objects = await this.#deps.objects.list();
		const records = objects.filter(({ file }) => file === RECORD);
		const releases = await Promise.all(records.map((key) => this.#read(key)));
		return releases
			.filter((one) => one !== null)
			.sort(
				({ content: a }, { content: b }) =>
					compareText(a.board, b.board) ||
					compareVersions(b.version, a.version),
			);
	}

	async get(version: string, board: string): Promise<Release> {
		const release = await this.#read({ version, board, file: RECORD });
		if (release !== null) return release;
		throw unknown(version, board);
	}

	/** What has to be uploaded before the update can be published, after its signature has been looked at. */
	async uploadsFor(update: SignedUpdate): Promise<readonly Upload[]> {
		const { content } = await this.#judge(update);
		const there = new Set((await this.#deps.objects.list()).map(firmwarePath));
		const uploads: Upload[] = [];
		for (const [file, upload] of filesOf(content)) {
			if (there.has(firmwarePath(upload.key))) continue;
			const { sizeBytes, sha256 } = upload;
			const address = await this.#deps.uploads.address(upload);
			uploads.push({ file, sizeBytes, sha256, ...address });
		}
		return uploads;
	}

	/**
	 * Makes it a release, once all of it has been uploaded. Doing so again has no effect, nor has another signature of the same manifest.
	 * @returns what is published, and whether it was not before
	 */
	async publish(
		update: SignedUpdate,
	): Promise<{ readonly release: Release; readonly isNew: boolean }> {
		const { content, key } = await this.#judge(update);
		for (const [, file] of filesOf(content)) await this.#requireFile(file);
		const release: Release = {
			manifest: update.manifest,
			signature: update.signature,
			content,
			key,
			publishedMs: this.#deps.clock.nowMs(),
		};
		const { version, board } = content;
		await this.#deps.streams?.make(
			await streamIdOf(release),
			`${content.project} ${version} for ${board}`,
			filesOf(content).map(([, file]) => file.key),
		);
		const isNew = await this.#deps.objects.putNew(
			{ version, board, file: RECORD },
			recordOf(release),
		);
		if (isNew) return { release, isNew };
		const before = await this.get(version, board);
		if (before.manifest === release.manifest) return { release: before, isNew };
		throw exists(content);
	}

	/**
	 * Takes it back: devices that are at it will not find it any more. A key that it has handed over to counts from then on beside the one
	 * before, for the nodes that have taken it.
	 */
	async withdraw(version: string, board: string): Promise<void> {
		const release = await this.get(version, board);
		const { objects, streams } = this.#deps;
		if (release.content.nextKey !== undefined) {
			const name = (await sha256OfManifest(release)).slice(0, 32);
			const file = `${name}${HAND_OVER_SUFFIX}`;
			await objects.putNew({ version, board, file }, recordOf(release));
		}
		await streams?.remove(await streamIdOf(release));
		// The record last: whoever is cut off in between can do it again.
		for (const [, { key }] of filesOf(release.content)) {
			await objects.delete(key);
		}
		await objects.delete({ version, board, file: RECORD });
	}

	async #judge(
		update: SignedUpdate,
	): Promise<{ readonly content: UpdateManifest; readonly key: string }> {
		const manifest = fromBase64(update.manifest);
		const signature = fromBase64(update.signature);
		if (manifest === null || signature === null) {
			throw new ReleaseError(
				"bad_update",
				"Manifest and signature are given in base64.",
			);
		}
		const content = contentOf(manifest);
		const { keys, ended } = await this.#trustFor(content);
		for (const key of keys) {
			if (!(await isSignedBy(manifest, signature, key))) continue;
			const { version, board } = content;
			const before = await this.#read({ version, board, file: RECORD });
			if (before !== null && before.manifest !== update.manifest) {
				throw exists(content);
			}
			return { content, key };
		}
		for (const { key, nextKey, version } of ended) {
			if (!(await isSignedBy(manifest, signature, key))) continue;
			throw new ReleaseError(
				"key_handed_over",
				`The manifest is signed by ${shortOf(key)}, which has handed over to ${shortOf(nextKey)} in ${version}: nodes that run it take no more of that key. Sign ${content.version} with the next one.`,
			);
		}
		throw new ReleaseError(
			"signature_wrong",
			`The manifest is not signed by ${keys.map(shortOf).join(" or ")}, whose updates nodes of this cloud take: it is another's, or a bit of manifest or signature has changed.`,
		);
	}

	/** Of the cloud's own key, and those that releases for the board have handed over to. */
	async #trustFor({ project, board, version }: UpdateManifest): Promise<Trust> {
		const own = await this.#deps.keys.get();
		if (own === null) {
			throw new ReleaseError(
				"no_update_key",
				"Nobody has said yet by whose key updates of this cloud's nodes are signed: `thinghz ota trust KEY.pub` does.",
			);
		}
		const handOvers: HandOver[] = [];
		for (const object of await this.#deps.objects.list()) {
			const isWithdrawn = object.file.endsWith(HAND_OVER_SUFFIX);
			if (!isWithdrawn && object.file !== RECORD) continue;
			if (object.board !== board) continue;
			const release = await this.#read(object);
			const { nextKey } = release?.content ?? {};
			if (release?.content.project !== project || nextKey === undefined)
				continue;
			const { key, content } = release;
			handOvers.push({ version: content.version, key, nextKey, isWithdrawn });
		}
		return trustFor(own, handOvers, version);
	}

	/** @throws ReleaseError not_uploaded, wrong_image */
	async #requireFile({ key, sizeBytes, sha256 }: UploadFile): Promise<void> {
		const bytes = new Uint8Array(sizeBytes);
		for (let at = 0; at < sizeBytes; ) {
			const part = await this.#deps.objects.read(
				key,
				at,
				Math.min(READ_BYTES, sizeBytes - at),
			);
			if (part === null) {
				throw new ReleaseError(
					"not_uploaded",
					`There is no ${sha256} of ${sizeBytes} bytes yet: upload it first.`,
				);
			}
			if (part.length === 0) throw wrong(sha256);
			bytes.set(part, at);
			at += part.length;
		}
		const more = await this.#deps.objects.read(key, sizeBytes, 1);
		if (more?.length !== 0 || (await sha256Hex(bytes)) !== sha256) {
			throw wrong(sha256);
		}
	}

	/** Null where there is none. @param key of the release's record */
	async #read(key: FirmwareKey): Promise<Release | null> {
		let bytes: Uint8Array | null;
		try {
			bytes = await this.#deps.objects.read(key, 0, MAX_RECORD_BYTES);
		} catch (error) {
			// What cannot be published is not there.
			if (error instanceof InvalidFirmwareKey) return null;
			throw error;
		}
		if (bytes === null) return null;
		const record = JSON.parse(new TextDecoder().decode(bytes)) as Omit<
			Release,
			"content"
		>;
		const manifest = fromBase64(record.manifest) ?? new Uint8Array(0);
		return { ...record, content: parseManifest(manifest) };
	}
}

/** Of a job that installs the release: with addresses only where the board fetches from them, since they are long. */
export async function updateJobOf(release: Release): Promise<UpdateJob> {
	const { content, manifest, signature } = release;
	const [image, delta] = fetchesUpdates(content.board)
		? filesOf(content).map(([, { key }]) =>
				firmwarePlaceholder(firmwarePath(key)),
			)
		: [];
	return {
		operation: "update",
		version: JOB_DOCUMENT_VERSION,
		manifest,
		signature,
		...(image === undefined ? {} : { url: image }),
		...(delta === undefined ? {} : { deltaUrl: delta }),
		stream: await streamIdOf(release),
	};
}

/** The same for a release for ever, and another for any other: of the manifest's hash. */
export async function streamIdOf(update: SignedUpdate): Promise<string> {
	return `thinghz-${(await sha256OfManifest(update)).slice(0, 32)}`;
}

function sha256OfManifest({ manifest }: SignedUpdate): Promise<string> {
	return sha256Hex(fromBase64(manifest) ?? new Uint8Array(0));
}

function contentOf(manifest: Uint8Array): UpdateManifest {
	let content: UpdateManifest;
	try {
		content = parseManifest(manifest);
		const { version, board } = content;
		firmwarePath({ version, board, file: RECORD });
	} catch (error) {
		if (error instanceof ManifestError) {
			const { code, message } = error;
			throw new ReleaseError("bad_update", `${message} (${code})`, {
				cause: error,
			});
		}
		if (error instanceof InvalidFirmwareKey) {
			throw new ReleaseError("bad_update", error.message, { cause: error });
		}
		throw error;
	}
	for (const [file, { sizeBytes }] of filesOf(content)) {
		if (sizeBytes <= MAX_IMAGE_BYTES) continue;
		throw new ReleaseError(
			"bad_update",
			`The ${file} has ${sizeBytes} bytes; ${MAX_IMAGE_BYTES} are the most.`,
		);
	}
	return content;
}

/** The image first. */
function filesOf(
	manifest: UpdateManifest,
): readonly (readonly ["image" | "delta", UploadFile])[] {
	const { version, board, sizeBytes, sha256, delta } = manifest;
	const fileOf = (file: { sizeBytes: number; sha256: string }) => ({
		key: { version, board, file: file.sha256 },
		sizeBytes: file.sizeBytes,
		sha256: file.sha256,
	});
	return [
		["image", fileOf({ sizeBytes, sha256 })],
		...(delta === undefined ? [] : [["delta", fileOf(delta)] as const]),
	];
}

function recordOf(release: Release): Uint8Array {
	const { content: _, ...record } = release;
	return new TextEncoder().encode(JSON.stringify(record));
}

/** Enough of a key for people to tell it from another. */
export function shortOf(key: string): string {
	return `${key.slice(0, 10)}…${key.slice(-6)}`;
}

function compareText(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

function exists({ version, board }: UpdateManifest): ReleaseError {
	return new ReleaseError(
		"release_exists",
		`There is a ${version} for ${board} already, with another manifest: what is published does not change. Give the image another version.`,
	);
}

function unknown(version: string, board: string): ReleaseError {
	return new ReleaseError(
		"unknown_release",
		`There is no firmware ${version} for ${board}.`,
	);
}

function wrong(sha256: string): ReleaseError {
	return new ReleaseError(
		"wrong_image",
		`What has been uploaded as ${sha256} has another hash or size.`,
	);
}
