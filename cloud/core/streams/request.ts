/**
 * What a device asks of a file stream, read from a message:
 * https://docs.aws.amazon.com/iot/latest/developerguide/mqtt-based-file-delivery-in-devices.html
 */
import type { Members } from "../request-members.ts";

/** "Handling errors from AWS IoT MQTT-based file delivery", as far as they can come here. */
export type StreamErrorCode =
	| "InvalidTopic"
	| "InvalidJson"
	| "InvalidRequest"
	| "BlockSizeOutOfBounds"
	| "OffsetOutOfBounds"
	| "BlockCountLimitExceeded"
	| "BlockBitmapLimitExceeded"
	| "ResourceNotFound"
	| "VersionMismatch";

export class StreamRequestError extends Error {
	override readonly name = "StreamRequestError";
	readonly code: StreamErrorCode;

	constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** Of a block, bytes. */
export const MIN_BLOCK_BYTES = 256;
export const MAX_BLOCK_BYTES = 131_072;
/** Of all blocks that one request is answered with, bytes. */
export const MAX_ANSWER_BYTES = 131_072;
/** Of a block's number, and of how many are asked for: a file has at most 24 MB, in blocks of 256 bytes. */
export const MAX_BLOCKS = 98_304;
export const MAX_BITMAP_BYTES = 12_288;
const MAX_FILE_ID = 255;
const MAX_TOKEN_BYTES = 64;

export interface StreamTopic {
	readonly thing: string;
	readonly stream: string;
	/** Null where there is no such operation. */
	readonly operation: "describe" | "get" | null;
}

/** @returns null for a topic that is none of streams in JSON */
export function parseStreamTopic(topic: string): StreamTopic | null {
	const [, thing, stream, operation] =
		/^\$aws\/things\/([^/]+)\/streams\/([^/]+)\/([^/]+)\/json$/.exec(topic) ??
		[];
	if (thing === undefined || stream === undefined) return null;
	const isGood = /^[a-zA-Z0-9_-]{1,128}$/.test(stream);
	return {
		thing,
		stream,
		operation:
			isGood && (operation === "describe" || operation === "get")
				? operation
				: null,
	};
}

/** @throws StreamRequestError */
export function readToken({ c }: Members): string | undefined {
	if (c === undefined) return undefined;
	if (
		typeof c !== "string" ||
		new TextEncoder().encode(c).length > MAX_TOKEN_BYTES
	) {
		throw invalid(`c is a text of at most ${MAX_TOKEN_BYTES} bytes.`);
	}
	return c;
}

/** What of a file is asked for. */
export interface BlockRequest {
	readonly fileId: number;
	/** The version of the stream that is meant; undefined for whichever there is. */
	readonly version: number | undefined;
	readonly blockBytes: number;
	/** How many blocks at most: what was asked for, and what an answer may hold. */
	readonly most: number;
	/** Numbers of the blocks, rising; without end where it is not a bitmap that names them. */
	readonly blocks: Iterable<number>;
	/** The first that may be asked for. */
	readonly offset: number;
}

/** Of `GetStream`. @throws StreamRequestError */
export function readBlockRequest(members: Members): BlockRequest {
	const fileId = members.f;
	if (!isWhole(fileId) || fileId > MAX_FILE_ID) {
		throw invalid(`f is a whole number from 0 to ${MAX_FILE_ID}.`);
	}
	const version = members.s;
	if (version !== undefined && !isWhole(version)) {
		throw invalid("s is a whole number.");
	}
	const blockBytes = members.l;
	if (!Number.isSafeInteger(blockBytes)) throw invalid("l is a whole number.");
	const size = blockBytes as number;
	if (size < MIN_BLOCK_BYTES || size > MAX_BLOCK_BYTES) {
		throw new StreamRequestError(
			"BlockSizeOutOfBounds",
			`A block has ${MIN_BLOCK_BYTES} to ${MAX_BLOCK_BYTES} bytes, not ${size}.`,
		);
	}
	const { o: offset = 0 } = members;
	if (!Number.isSafeInteger(offset)) throw invalid("o is a whole number.");
	if ((offset as number) < 0 || (offset as number) > MAX_BLOCKS) {
		throw new StreamRequestError(
			"OffsetOutOfBounds",
			`The first block's number is from 0 to ${MAX_BLOCKS}, not ${offset}.`,
		);
	}
	const fits = Math.floor(MAX_ANSWER_BYTES / size);
	const { n: count = fits } = members;
	if (!Number.isSafeInteger(count)) throw invalid("n is a whole number.");
	if ((count as number) < 0 || (count as number) > MAX_BLOCKS) {
		throw new StreamRequestError(
			"BlockCountLimitExceeded",
			`At most ${MAX_BLOCKS} blocks can be asked for, not ${count}.`,
		);
	}
	const first = offset as number;
	return {
		fileId,
		version,
		blockBytes: size,
		most: Math.min(count as number, fits),
		blocks: members.b === undefined ? from(first) : bits(members.b, first),
		offset: first,
	};
}

function* from(first: number): Iterable<number> {
	for (let block = first; ; block++) yield block;
}

/** "The first byte contains bits 7-0 (in that order), the second byte contains bits 15-8". @throws StreamRequestError */
function bits(bitmap: unknown, first: number): readonly number[] {
	const [, digits = ""] =
		typeof bitmap === "string"
			? (/^(?:0[xX])?((?:[0-9a-fA-F]{2})+)$/.exec(bitmap) ?? [])
			: [];
	if (digits === "") {
		throw invalid("b is a bitmap: bytes in hexadecimal, two digits each.");
	}
	if (digits.length / 2 > MAX_BITMAP_BYTES) {
		throw new StreamRequestError(
			"BlockBitmapLimitExceeded",
			`A bitmap has at most ${MAX_BITMAP_BYTES} bytes, not ${digits.length / 2}.`,
		);
	}
	const blocks: number[] = [];
	for (let at = 0; at < digits.length / 2; at++) {
		const byte = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
		for (let bit = 0; bit < 8; bit++) {
			if ((byte >> bit) & 1) blocks.push(first + 8 * at + bit);
		}
	}
	return blocks;
}

function isWhole(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(message: string): StreamRequestError {
	return new StreamRequestError("InvalidRequest", message);
}
