/** Makes a signed update out of an image, and checks one as a node would. */
import { createHash, type KeyObject } from "node:crypto";
import {
	CHIP_IDS,
	chipNameOf,
	describeApp,
} from "../../firmware/image/app-image.ts";
import { PROGRAM_CHIP_IDS } from "../../firmware/image/program-image.ts";
import {
	type DeltaManifest,
	encodeManifest,
	parseManifest,
	type UpdateManifest,
} from "../../protocol/update-manifest.ts";
import { compareVersions, parseVersion } from "../../protocol/version.ts";
import { encodeDelta } from "./encode-delta.ts";
import { OtaError } from "./errors.ts";
import { isSignedBy, pointOf, readPublicKey, signBytes } from "./keys.ts";

export interface UpdateInput {
	/** An application image. */
	readonly image: Uint8Array;
	readonly board: string;
	/** Unless given, the image's own (esp_app_desc). */
	readonly securityVersion?: number | undefined;
	/** The image that nodes run now. */
	readonly base?: Uint8Array | undefined;
	/** The key that signs the next update. */
	readonly nextKey?: string | undefined;
}

export interface SignedUpdate {
	readonly manifest: UpdateManifest;
	readonly manifestBytes: Uint8Array;
	readonly signature: Uint8Array;
	/** null without a base, and where it would be no smaller than the image. */
	readonly delta: Uint8Array | null;
}

export function sha256Hex(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

/** @throws OtaError; FlashFormatError; ManifestError */
export function signUpdate(input: UpdateInput, key: KeyObject): SignedUpdate {
	const update = describeUpdate(input, key);
	return { ...update, signature: signBytes(update.manifestBytes, key) };
}

/**
 * All of an update but its signature.
 * @param key that will sign it, or its public half
 * @throws OtaError; FlashFormatError; ManifestError
 */
export function describeUpdate(
	input: UpdateInput,
	key: KeyObject,
): Omit<SignedUpdate, "signature"> {
	const { board, base, nextKey } = input;
	const { image: checked, description } = describeApp(input.image);
	const image = input.image.subarray(0, checked.sizeBytes);
	requireChip(board, checked.chipId);
	const { version, project, secureVersion } = description;
	if (parseVersion(version) === null)
		throw new OtaError(
			"bad_image",
			`The image's version is "${version}": a node compares three numbers, as in 1.20.3.`,
		);
	const securityVersion = input.securityVersion ?? secureVersion;
	if (securityVersion < secureVersion)
		throw new OtaError(
			"security_version",
			`The image itself has the security version ${secureVersion}; ${securityVersion} would let it be rolled back further than it wants.`,
		);
	if (nextKey !== undefined && pointOf(readPublicKey(nextKey)) === pointOf(key))
		throw new OtaError("bad_key", "The next key is the one that signs.");
	const delta = base === undefined ? null : deltaOf(base, image);
	const manifest: UpdateManifest = {
		project,
		board,
		version,
		securityVersion,
		sizeBytes: image.length,
		sha256: sha256Hex(image),
		...(nextKey === undefined ? {} : { nextKey }),
		...(delta === null ? {} : { delta: delta.manifest }),
	};
	const manifestBytes = encodeManifest(manifest);
	return {
		manifest,
		manifestBytes,
		delta: delta?.bytes ?? null,
	};
}

function deltaOf(
	base: Uint8Array,
	image: Uint8Array,
): { readonly bytes: Uint8Array; readonly manifest: DeltaManifest } | null {
	const from = base.subarray(0, describeApp(base).image.sizeBytes);
	const bytes = encodeDelta(from, image);
	if (bytes.length >= image.length) return null;
	return {
		bytes,
		manifest: {
			fromSha256: sha256Hex(from),
			fromSizeBytes: from.length,
			sizeBytes: bytes.length,
			sha256: sha256Hex(bytes),
		},
	};
}

const BOARD_CHIP_IDS: Readonly<Record<string, number>> = {
	...CHIP_IDS,
	...PROGRAM_CHIP_IDS,
};

export const KNOWN_BOARDS: readonly string[] = Object.keys(BOARD_CHIP_IDS);

/** A board that is not known here may have any chip. */
function requireChip(board: string, chipId: number): void {
	const ids = Object.entries(BOARD_CHIP_IDS);
	const wanted = ids.find(([name]) => name === board);
	if (wanted === undefined || wanted[1] === chipId) return;
	const other = ids.find(([, id]) => id === chipId)?.[0] ?? chipNameOf(chipId);
	throw new OtaError(
		"bad_image",
		`The image is for ${other}, not for ${board}.`,
	);
}

/**
 * What the manifest says, once the signature is the key's.
 * @throws OtaError signature_wrong; ManifestError
 */
export function openManifest(
	manifestBytes: Uint8Array,
	signature: Uint8Array,
	key: KeyObject,
): UpdateManifest {
	if (!isSignedBy(manifestBytes, signature, key))
		throw new OtaError(
			"signature_wrong",
			"The manifest is not what this key has signed: the key is another, or a bit of manifest or signature has changed.",
		);
	return parseManifest(manifestBytes);
}

/** Whether this is the manifest's image. @throws OtaError wrong_image, bad_image; FlashFormatError */
export function requireImage(
	manifest: UpdateManifest,
	image: Uint8Array,
): void {
	if (image.length !== manifest.sizeBytes)
		throw new OtaError(
			"wrong_image",
			`The image has ${image.length} bytes; the manifest is of one of ${manifest.sizeBytes}.`,
		);
	if (sha256Hex(image) !== manifest.sha256)
		throw new OtaError(
			"wrong_image",
			"The image is not the one of the manifest: its SHA-256 is another.",
		);
	const { image: checked, description } = describeApp(image);
	requireChip(manifest.board, checked.chipId);
	if (
		description.project !== manifest.project ||
		compareVersions(description.version, manifest.version) !== 0
	)
		throw new OtaError(
			"wrong_image",
			`The image is ${description.project} ${description.version}; the manifest is of ${manifest.project} ${manifest.version}.`,
		);
}
