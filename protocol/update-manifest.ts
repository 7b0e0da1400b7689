/**
 * What an update is: a document that is signed, and that a node believes nothing of before it has checked the signature. It has one
 * encoding, so that what is signed, sent and stored are the same bytes: JSON without spaces, members in the order of
 * `UpdateManifest`, ASCII.
 */
import { consistsOf, isDigit, isLowerCase, isUpperCase } from "./characters.ts";
import { parseVersion } from "./version.ts";

export interface UpdateManifest {
	/** Of esp_app_desc: 1 to 31 letters, digits, "_", "-" and ".". */
	readonly project: string;
	/** As the node reports it: "esp32c3", "virtual"; characters as in `project`. */
	readonly board: string;
	/** Three numbers: "1.20.3". */
	readonly version: string;
	/** Raised when what was before must never run again; 0 … 2³²−1. */
	readonly securityVersion: number;
	/** Of the image. */
	readonly sizeBytes: number;
	/** Of the image: 64 lower-case hex digits. */
	readonly sha256: string;
	/** The key that signs what comes after this update: a point of P-256, 130 lower-case hex digits that begin with 04. */
	readonly nextKey?: string;
	/** The image as a difference to the one that runs. */
	readonly delta?: DeltaManifest;
}

export interface DeltaManifest {
	/** SHA-256 of the image that it is a difference to. */
	readonly fromSha256: string;
	/** Of that image. */
	readonly fromSizeBytes: number;
	/** Of the difference. */
	readonly sizeBytes: number;
	readonly sha256: string;
}

export type ManifestReason =
	/** Longer than MAX_MANIFEST_BYTES. */
	| "manifest_too_long"
	/** No JSON, or none of an object. */
	| "manifest_malformed"
	/** A format that this code does not know. */
	| "manifest_version"
	/** A member that is missing, too much, of the wrong type or out of range. */
	| "manifest_member"
	/** Not the one encoding that there is of these members. */
	| "manifest_encoding";

/** A manifest that is none. */
export class ManifestError extends Error {
	override readonly name = "ManifestError";
	readonly code: ManifestReason;

	constructor(code: ManifestReason, message: string) {
		super(message);
		this.code = code;
	}
}

/** Two of its hashes, two keys' worth of hex and all names: far more than there can be. */
export const MAX_MANIFEST_BYTES = 1024;
/** Of the document's own form: its member "manifest". */
const FORMAT = 1;
const MAX_NAME = 31;
const MAX_UINT32 = 0xffffffff;
/** A point that is not compressed: 04, x, y. */
const KEY_DIGITS = 130;
const HASH_DIGITS = 64;

/** @throws ManifestError manifest_member when something of it cannot be in a manifest */
export function encodeManifest(manifest: UpdateManifest): Uint8Array {
	checkMembers(manifest as unknown as Record<string, unknown>);
	const text = textOf(manifest);
	const bytes = new Uint8Array(text.length);
	for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
	return bytes;
}

function textOf(manifest: UpdateManifest): string {
	const { project, board, version, securityVersion } = manifest;
	const { sizeBytes, sha256, nextKey, delta } = manifest;
	// Members that are undefined are left out.
	return JSON.stringify({
		manifest: FORMAT,
		project,
		board,
		version,
		securityVersion,
		sizeBytes,
		sha256,
		nextKey,
		delta: delta && {
			fromSha256: delta.fromSha256,
			fromSizeBytes: delta.fromSizeBytes,
			sizeBytes: delta.sizeBytes,
			sha256: delta.sha256,
		},
	});
}

/** @throws ManifestError that says what is wrong with it */
export function parseManifest(bytes: Uint8Array): UpdateManifest {
	if (bytes.length > MAX_MANIFEST_BYTES)
		fail(
			"manifest_too_long",
			`A manifest has at most ${MAX_MANIFEST_BYTES} bytes, not ${bytes.length}.`,
		);
	let text = "";
	for (let i = 0; i < bytes.length; i++) {
		const code = bytes[i] as number;
		if (code < 0x20 || code > 0x7e)
			fail("manifest_malformed", `Byte ${i} of the manifest is no character.`);
		text += String.fromCharCode(code);
	}
	const { manifest: format, ...members } = parseObject(text);
	if (format !== FORMAT)
		fail(
			"manifest_version",
			`The manifest is of the form ${JSON.stringify(format)}, not ${FORMAT}.`,
		);
	checkMembers(members);
	const manifest = members as unknown as UpdateManifest;
	// A member that is there twice, a number in another form, a space: whatever differs.
	if (textOf(manifest) !== text)
		fail("manifest_encoding", "The manifest is not in its one encoding.");
	return manifest;
}

function parseObject(text: string): Record<string, unknown> {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
		return fail("manifest_malformed", "The manifest is not JSON.");
	}
	if (typeof value !== "object" || value === null || Array.isArray(value))
		return fail("manifest_malformed", "The manifest is no object.");
	return value as Record<string, unknown>;
}

type Check = (value: unknown) => boolean;

const isName: Check = (value) =>
	typeof value === "string" &&
	consistsOf(
		value,
		1,
		MAX_NAME,
		(code) =>
			isLowerCase(code) ||
			isUpperCase(code) ||
			isDigit(code) ||
			code === 45 ||
			code === 46 ||
			code === 95,
	);
const isHash: Check = (value) => isHex(value, HASH_DIGITS);
const isSize: Check = (value) => isUint32(value) && value !== 0;
const isVersion: Check = (value) =>
	typeof value === "string" && parseVersion(value) !== null;

function isUint32(value: unknown): boolean {
	return (
		Number.isInteger(value) &&
		(value as number) >= 0 &&
		(value as number) <= MAX_UINT32
	);
}

function isHex(value: unknown, digits: number): boolean {
	return (
		typeof value === "string" &&
		consistsOf(
			value,
			digits,
			digits,
			(code) => isDigit(code) || (code >= 97 && code <= 102),
		)
	);
}

/** Whether it is the hex of a point that is not compressed; whether it is on the curve is not looked at. */
export function isKey(value: unknown): value is string {
	return isHex(value, KEY_DIGITS) && (value as string).startsWith("04");
}

const MEMBERS: readonly (readonly [string, Check])[] = [
	["project", isName],
	["board", isName],
	["version", isVersion],
	["securityVersion", isUint32],
	["sizeBytes", isSize],
	["sha256", isHash],
	["nextKey", (value) => value === undefined || isKey(value)],
];
const DELTA_MEMBERS: readonly (readonly [string, Check])[] = [
	["fromSha256", isHash],
	["fromSizeBytes", isSize],
	["sizeBytes", isSize],
	["sha256", isHash],
];

function checkMembers(members: Record<string, unknown>): void {
	checkEach(members, MEMBERS, "", "delta");
	const { delta } = members;
	if (delta === undefined) return;
	if (typeof delta !== "object" || delta === null)
		fail("manifest_member", 'The manifest\'s "delta" is no object.');
	checkEach(delta as Record<string, unknown>, DELTA_MEMBERS, "delta.", "");
}

function checkEach(
	members: Record<string, unknown>,
	checks: readonly (readonly [string, Check])[],
	path: string,
	other: string,
): void {
	for (const [name, isGood] of checks)
		if (!isGood(members[name]))
			fail(
				"manifest_member",
				`The manifest's "${path}${name}" is missing or wrong.`,
			);
	for (const name of Object.keys(members))
		if (name !== other && !checks.some(([known]) => known === name))
			fail("manifest_member", `A manifest has no member "${path}${name}".`);
}

function fail(code: ManifestReason, message: string): never {
	throw new ManifestError(code, message);
}

/** The order of P-256's base point (SP 800-186 §3.2.1.3), big-endian. */
const ORDER = [
	0xffffffff, 0x00000000, 0xffffffff, 0xffffffff, 0xbce6faad, 0xa7179e84,
	0xf3b9cac2, 0xfc632551,
];

export const SIGNATURE_BYTES = 64;

/**
 * Whether these bytes can be a signature: r and s, 32 bytes each, big-endian (IEEE P1363), both in 1 … n − 1. To be asked before any
 * arithmetic: some implementations of it never end at s = 0.
 */
export function isSignature(bytes: Uint8Array): boolean {
	return (
		bytes.length === SIGNATURE_BYTES &&
		isScalar(bytes, 0) &&
		isScalar(bytes, 32)
	);
}

function isScalar(bytes: Uint8Array, start: number): boolean {
	let isZero = true;
	let isBelow = false;
	for (let word = 0; word < 8; word++) {
		const at = start + 4 * word;
		let value = 0;
		for (let i = 0; i < 4; i++) value = value * 256 + (bytes[at + i] as number);
		if (value !== 0) isZero = false;
		const limit = ORDER[word] as number;
		if (!isBelow && value > limit) return false;
		if (value < limit) isBelow = true;
	}
	return !isZero && isBelow;
}
