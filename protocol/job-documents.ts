/**
 * What a job asks of a node: one JSON document for each operation. Cloud and node judge it by the same rules; what is wrong
 * with one has a name (`JobDocumentReason`), which a node reports in its status details.
 */

import { consistsOf, isDigit, isLowerCase, isUpperCase } from "./characters.ts";

export const JOB_OPERATIONS = [
	"update",
	"rotate",
	"wifi",
	"reboot",
	"logs",
	"reset",
] as const;

export type JobOperation = (typeof JOB_OPERATIONS)[number];

/** Of the documents: a node refuses a later one, which it might understand wrongly. */
export const JOB_DOCUMENT_VERSION = 1;

/** AWS IoT's limit ("Job document" of https://docs.aws.amazon.com/general/latest/gr/iot_device_management.html), bytes of UTF-8. */
export const MAX_JOB_DOCUMENT_BYTES = 32_768;

interface Versioned {
	readonly version: typeof JOB_DOCUMENT_VERSION;
}

/** Install a firmware image. */
export interface UpdateJob extends Versioned {
	readonly operation: "update";
	/** The update manifest's exact bytes, base64. */
	readonly manifest: string;
	/** ECDSA P-256 over those bytes, base64. */
	readonly signature: string;
	/**
	 * Where the image is; in a job as it is made, a placeholder (`firmwarePlaceholder`) that becomes an address when a node asks. Absent
	 * where `stream` is all that there is: there is one of them at least.
	 */
	readonly url?: string;
	/** Where the difference to the image that the manifest's `delta` names is. */
	readonly deltaUrl?: string;
	/** Id of an MQTT file stream with the image as its file 0 and the difference, if there is one, as its file 1. */
	readonly stream?: string;
}

/** Get a new certificate and connect by it. */
export interface RotateJob extends Versioned {
	readonly operation: "rotate";
}

/** Use another wireless network; the old one is used again if the new one does not work. */
export interface WifiJob extends Versioned {
	readonly operation: "wifi";
	/** 1 to 32 bytes of UTF-8. */
	readonly ssid: string;
	/** 8 to 63 characters; "" for a network without one. */
	readonly password: string;
}

export interface RebootJob extends Versioned {
	readonly operation: "reboot";
}

/** Send the log. */
export interface LogsJob extends Versioned {
	readonly operation: "logs";
}

/**
 * Forget what was measured and told: settings, and what has not been sent. Identity and network stay: without either, the node would be
 * out of reach.
 */
export interface ResetJob extends Versioned {
	readonly operation: "reset";
}

export type JobDocument =
	| UpdateJob
	| RotateJob
	| WifiJob
	| RebootJob
	| LogsJob
	| ResetJob;

/** Why a document is refused; a node's `statusDetails.reason`. */
export type JobDocumentReason =
	/** It is no JSON object, or has no operation. */
	| "bad_document"
	/** It asks for what this firmware cannot do. */
	| "unknown_operation"
	/** It is of a version that this firmware does not know. */
	| "unknown_version"
	/** A member is missing, unknown, or not what it must be. */
	| "bad_member";

export type JobDocumentVerdict =
	| { readonly ok: JobDocument }
	| {
			readonly refused: JobDocumentReason;
			/** What is wrong, in a sentence. */
			readonly detail: string;
	  };

/** Says what a value must be, to go on after "must be"; null when it is that. */
type Judge = (value: unknown) => string | null;

interface Member {
	readonly judge: Judge;
	readonly isOptional?: true;
}

const ADDRESS_BEGINNINGS = ["http://", "https://", "${"] as const;
const BASE64: Member = { judge: judgeBase64 };

const MEMBERS: Readonly<
	Record<JobOperation, Readonly<Record<string, Member>>>
> = {
	update: {
		manifest: BASE64,
		signature: BASE64,
		url: { judge: judgeAddress, isOptional: true },
		deltaUrl: { judge: judgeAddress, isOptional: true },
		stream: { judge: judgeStream, isOptional: true },
	},
	rotate: {},
	wifi: { ssid: { judge: judgeSsid }, password: { judge: judgePassword } },
	reboot: {},
	logs: {},
	reset: {},
};

/** Judges a job's document as a whole: an unknown member is refused, since it would have no effect. */
export function judgeJobDocument(document: unknown): JobDocumentVerdict {
	if (
		typeof document !== "object" ||
		document === null ||
		Array.isArray(document)
	)
		return refuse("bad_document", "A job's document must be a JSON object.");
	const given = document as Readonly<Record<string, unknown>>;
	const { operation } = given;
	if (typeof operation !== "string")
		return refuse("bad_document", "A job's document must name an operation.");
	if (!isJobOperation(operation))
		return refuse(
			"unknown_operation",
			`There is no operation "${operation.slice(0, 40)}"; there are ${JOB_OPERATIONS.join(", ")}.`,
		);
	if (given.version !== JOB_DOCUMENT_VERSION)
		return refuse(
			"unknown_version",
			`The document's version must be ${JOB_DOCUMENT_VERSION}.`,
		);
	const members = MEMBERS[operation];
	for (const name of Object.keys(given)) {
		if (name === "operation" || name === "version") continue;
		if (!Object.hasOwn(members, name))
			return refuse(
				"bad_member",
				`The operation "${operation}" has no member "${name.slice(0, 40)}".`,
			);
	}
	for (const [name, { judge, isOptional }] of Object.entries(members)) {
		const value = given[name];
		if (value === undefined) {
			if (isOptional === true) continue;
			return refuse(
				"bad_member",
				`The operation "${operation}" needs a member "${name}".`,
			);
		}
		const wanted = judge(value);
		if (wanted !== null)
			return refuse("bad_member", `"${name}" must be ${wanted}.`);
	}
	if (
		operation === "update" &&
		given.url === undefined &&
		given.stream === undefined
	)
		return refuse(
			"bad_member",
			'The operation "update" needs a member "url" or "stream".',
		);
	return { ok: given as unknown as JobDocument };
}

export function isJobOperation(name: string): name is JobOperation {
	return (JOB_OPERATIONS as readonly string[]).includes(name);
}

function refuse(
	refused: JobDocumentReason,
	detail: string,
): JobDocumentVerdict {
	return { refused, detail };
}

function judgeBase64(value: unknown): string | null {
	if (typeof value !== "string" || value.length % 4 !== 0) return "base64";
	const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
	const isGood = (code: number): boolean =>
		isAlphanumeric(code) || code === 43 || code === 47;
	const data = value.slice(0, value.length - padding);
	return consistsOf(data, 1, MAX_JOB_DOCUMENT_BYTES, isGood) ? null : "base64";
}

function judgeAddress(value: unknown): string | null {
	return typeof value === "string" &&
		ADDRESS_BEGINNINGS.some(
			(beginning) =>
				value.length > beginning.length && value.startsWith(beginning),
		) &&
		consistsOf(
			value,
			1,
			MAX_JOB_DOCUMENT_BYTES,
			(code) => code >= 0x21 && code <= 0x7e,
		)
		? null
		: "an address, or a placeholder for one";
}

function judgeStream(value: unknown): string | null {
	return typeof value === "string" &&
		consistsOf(
			value,
			1,
			128,
			(code) => isAlphanumeric(code) || code === 95 || code === 45,
		)
		? null
		: 'the id of a stream: 1 to 128 letters, digits, "_" and "-"';
}

function isAlphanumeric(code: number): boolean {
	return isLowerCase(code) || isUpperCase(code) || isDigit(code);
}

function judgeSsid(value: unknown): string | null {
	return typeof value === "string" && value !== "" && utf8Bytes(value) <= 32
		? null
		: "a network's name: 1 to 32 bytes";
}

function judgePassword(value: unknown): string | null {
	return typeof value === "string" &&
		(value === "" ||
			consistsOf(value, 8, 63, (code) => code >= 0x20 && code <= 0x7e))
		? null
		: 'a password of 8 to 63 printable ASCII characters, or "" for none';
}

function utf8Bytes(text: string): number {
	let bytes = 0;
	for (const character of text) {
		const code = character.codePointAt(0) ?? 0;
		bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	}
	return bytes;
}
