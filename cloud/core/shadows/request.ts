/**
 * Requests about shadows as they come from outside, judged before anything is done:
 * https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-document.html ("Request state document").
 */
import {
	isObject,
	type JsonObject,
	type JsonValue,
	SECTIONS,
	type StateChange,
} from "./document.ts";
import { ShadowError } from "./errors.ts";

/** "Maximum size of a JSON state document": what is desired and reported; metadata does not count. */
export const MAX_STATE_BYTES = 8 * 1024;
/**
 * Levels of a section: https://docs.aws.amazon.com/general/latest/gr/iot-core.html#device-shadow-limits says 8, the page of
 * error messages 6. The section itself is the first; a list is one as an object is.
 */
export const MAX_LEVELS = 8;
/** How AWS IoT says so, and we. */
export const TOO_DEEP = "JSON contains too many levels of nesting";
const MAX_TOKEN_BYTES = 64;

export interface ShadowUpdate {
	readonly state: StateChange;
	/** The version that it has to find. */
	readonly version?: number;
}

export interface TokenRequest {
	/** Comes back in the answer. */
	readonly clientToken?: string;
}

/** `[a-zA-Z0-9:_-]`, 1 to 64. */
export function isShadowName(name: string): boolean {
	return /^[a-zA-Z0-9:_-]{1,64}$/.test(name);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws ShadowError 415, 400 */
export function parseJson(payload: Uint8Array): JsonValue {
	let text: string;
	try {
		text = utf8.decode(payload);
	} catch {
		throw new ShadowError(
			415,
			"Unsupported documented encoding; supported encoding is UTF-8",
		);
	}
	try {
		return JSON.parse(text) as JsonValue;
	} catch {
		throw new ShadowError(400, "Invalid JSON");
	}
}

/** Of a request that may be empty: to get or to delete. @throws ShadowError */
export function readToken(document: JsonValue): TokenRequest {
	if (!isObject(document)) throw new ShadowError(400, "Invalid JSON");
	const token = member(document, "clientToken");
	if (token === undefined || token === null) return {};
	if (
		typeof token !== "string" ||
		new TextEncoder().encode(token).length > MAX_TOKEN_BYTES
	) {
		throw new ShadowError(400, "Invalid clientToken");
	}
	return { clientToken: token };
}

/** @throws ShadowError */
export function readUpdate(document: JsonValue): ShadowUpdate {
	if (!isObject(document)) throw new ShadowError(400, "Invalid JSON");
	const version = member(document, "version");
	if (version !== undefined && version !== null && !isVersion(version)) {
		throw new ShadowError(400, "Invalid version");
	}
	const state = member(document, "state");
	if (state === undefined) {
		throw new ShadowError(400, "Missing required node: state");
	}
	if (!isObject(state)) {
		throw new ShadowError(400, "State node must be an object");
	}
	for (const [name, section] of Object.entries(state)) {
		if (name === "desired" || name === "reported") judgeSection(name, section);
		else throw new ShadowError(400, "State contains an invalid node");
	}
	assertSize(state as StateChange);
	return {
		// Its members have been looked at.
		state: state as StateChange,
		...(isVersion(version) ? { version } : {}),
	};
}

/** @throws ShadowError 413 for what is desired and reported together */
export function assertSize(state: StateChange): void {
	let sizeBytes = 0;
	for (const name of SECTIONS) {
		const section = state[name];
		if (section === undefined) continue;
		sizeBytes += new TextEncoder().encode(JSON.stringify(section)).length;
	}
	if (sizeBytes > MAX_STATE_BYTES) {
		throw new ShadowError(413, "The payload exceeds the maximum size allowed");
	}
}

function judgeSection(name: "desired" | "reported", section: JsonValue): void {
	if (section === null) return;
	if (!isObject(section)) {
		const which = name === "desired" ? "Desired" : "Reported";
		throw new ShadowError(400, `${which} node must be an object`);
	}
	judge(section, 0, false);
}

/**
 * @param level of what it stands in
 * @param isInList whether a list holds it, at whatever depth: null takes members away, and a list, which is replaced as a
 * whole, has none that could be taken ("Array values in shadow documents")
 */
function judge(value: JsonValue, level: number, isInList: boolean): void {
	if (value === null) {
		if (isInList) throw invalidNode();
	} else if (Array.isArray(value)) {
		assertLevel(level + 1);
		for (const each of value as readonly JsonValue[]) {
			judge(each, level + 1, true);
		}
	} else if (isObject(value)) {
		assertLevel(level + 1);
		for (const each of Object.values(value)) judge(each, level + 1, isInList);
	} else if (typeof value === "number" && !Number.isFinite(value)) {
		// 1e999 is JSON, and no number that could be given back.
		throw invalidNode();
	}
}

function assertLevel(level: number): void {
	if (level > MAX_LEVELS) {
		throw new ShadowError(400, `${TOO_DEEP}; maximum is ${MAX_LEVELS}`);
	}
}

function invalidNode(): ShadowError {
	return new ShadowError(400, "State contains an invalid node");
}

function isVersion(value: JsonValue | undefined): value is number {
	return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function member(object: JsonObject, name: string): JsonValue | undefined {
	return Object.hasOwn(object, name) ? object[name] : undefined;
}
