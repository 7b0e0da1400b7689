/**
 * Serves images as files over MQTT, as AWS IoT's MQTT-based file delivery does, to devices that are to install them:
 * https://docs.aws.amazon.com/iot/latest/developerguide/mqtt-based-file-delivery-in-devices.html
 *
 * Nobody makes these streams. A stream is what an update job says of it: its document names the stream, the image (file 0) and, if there
 * is one, the difference (file 1), and the manifest in it has their sizes. So a thing can read what a job of its own asks it to
 * install, as long as it does, and nothing else.
 */

import { replaceFirmwarePlaceholders } from "../../../protocol/firmware-placeholders.ts";
import { judgeJobDocument } from "../../../protocol/job-documents.ts";
import {
	ManifestError,
	parseManifest,
} from "../../../protocol/update-manifest.ts";
import { fromBase64, toBase64 } from "../base64.ts";
import {
	type FirmwareKey,
	type FirmwareObjects,
	parseFirmwarePath,
} from "../firmware-objects.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { readMembers } from "../request-members.ts";
import type {
	DeviceMessage,
	DeviceRequest,
	ReservedService,
} from "../reserved-topics.ts";
import {
	parseStreamTopic,
	readBlockRequest,
	readToken,
	StreamRequestError,
} from "./request.ts";

/** What a published image is never changes, so neither does its stream. */
const VERSION = 1;
/** Devices ask again and again: so many documents of jobs are kept as read. */
const KEPT_DOCUMENTS = 64;

interface StreamFile {
	readonly key: FirmwareKey;
	readonly sizeBytes: number;
}

interface FileStream {
	readonly id: string;
	readonly description: string;
	/** By their ids. */
	readonly files: readonly StreamFile[];
}

type Answer = Readonly<Record<string, unknown>>;

export interface StreamServiceDeps {
	readonly jobs: Pick<Jobs, "pending" | "documentOf">;
	readonly firmware: Pick<FirmwareObjects, "read">;
}

export class StreamService implements ReservedService {
	readonly #deps: StreamServiceDeps;
	/** By a job's document, oldest first: by its id, a job would have the stream of one that was deleted before it was made. */
	readonly #streams = new Map<string, FileStream | null>();

	constructor(deps: StreamServiceDeps) {
		this.#deps = deps;
	}

	answers(topic: string): boolean {
		return parseStreamTopic(topic) !== null;
	}

	async handle(request: DeviceRequest): Promise<readonly DeviceMessage[]> {
		const asked = parseStreamTopic(request.topic);
		if (asked === null || asked.thing !== request.thing) return [];
		const { thing, stream: id, operation } = asked;
		const topic = `$aws/things/${thing}/streams/${id}`;
		let token: string | undefined;
		const withToken = (document: Answer): Answer =>
			token === undefined ? document : { c: token, ...document };
		try {
			if (operation === null) {
				throw new StreamRequestError(
					"InvalidTopic",
					"There is no such operation of streams.",
				);
			}
			const members = readMembers(
				request.payload,
				(code, message, options) =>
					new StreamRequestError(code, message, options),
			);
			token = readToken(members);
			const stream = await this.#find(thing, id);
			if (stream === null) {
				throw new StreamRequestError(
					"ResourceNotFound",
					`No job of ${thing} that is to be done names a stream ${id}.`,
				);
			}
			const answers =
				operation === "describe"
					? [describe(stream)]
					: await this.#blocks(stream, members);
			const name = operation === "describe" ? "description" : "data";
			return answers.map((answer) =>
				messageOf(`${topic}/${name}/json`, withToken(answer)),
			);
		} catch (error) {
			if (!(error instanceof StreamRequestError)) throw error;
			const { code, message } = error;
			return [
				messageOf(`${topic}/rejected/json`, withToken({ o: code, m: message })),
			];
		}
	}

	async #blocks(
		stream: FileStream,
		members: Readonly<Record<string, unknown>>,
	): Promise<readonly Answer[]> {
		const request = readBlockRequest(members);
		const { fileId, version, blockBytes, most } = request;
		if (version !== undefined && version !== VERSION) {
			throw new StreamRequestError(
				"VersionMismatch",
				`The stream has the version ${VERSION}, not ${version}.`,
			);
		}
		const file = stream.files[fileId];
		if (file === undefined) {
			throw new StreamRequestError(
				"ResourceNotFound",
				`The stream has no file ${fileId}.`,
			);
		}
		const end = Math.ceil(file.sizeBytes / blockBytes);
		const answers: Answer[] = [];
		for (const block of request.blocks) {
			if (block >= end || answers.length >= most) break;
			const bytes = await this.#read(file, block * blockBytes, blockBytes);
			answers.push({
				f: fileId,
				l: bytes.length,
				i: block,
				p: toBase64(bytes),
			});
		}
		if (answers.length === 0 && most > 0) {
			throw new StreamRequestError(
				"ResourceNotFound",
				`The file has ${end} blocks of ${blockBytes} bytes, and none of those that are asked for.`,
			);
		}
		return answers;
	}

	async #read(
		{ key, sizeBytes }: StreamFile,
		offset: number,
		blockBytes: number,
	): Promise<Uint8Array> {
		const wanted = Math.min(blockBytes, sizeBytes - offset);
		const bytes = await this.#deps.firmware.read(key, offset, wanted);
		if (bytes?.length === wanted) return bytes;
		throw new StreamRequestError(
			"ResourceNotFound",
			"The file is not there any more.",
		);
	}

	/** Of an update that the thing has to do. */
	async #find(thing: string, id: string): Promise<FileStream | null> {
		for (const { jobId } of await this.#deps.jobs.pending(thing)) {
			const stream = await this.#streamOf(jobId);
			if (stream?.id === id) return stream;
		}
		return null;
	}

	async #streamOf(jobId: string): Promise<FileStream | null> {
		const document = await this.#deps.jobs.documentOf(jobId);
		if (document === null) return null;
		const known = this.#streams.get(document);
		if (known !== undefined) return known;
		const stream = streamOf(document);
		this.#streams.set(document, stream);
		const [oldest = ""] = this.#streams.keys();
		if (this.#streams.size > KEPT_DOCUMENTS) this.#streams.delete(oldest);
		return stream;
	}
}

/** The stream that a job's document names; null where it names none, or images that are not published here. */
function streamOf(document: string): FileStream | null {
	const verdict = judgeJobDocument(JSON.parse(document));
	if (!("ok" in verdict) || verdict.ok.operation !== "update") return null;
	const { stream, url, deltaUrl, manifest: text } = verdict.ok;
	const bytes = fromBase64(text);
	if (stream === undefined || bytes === null) return null;
	let manifest: ReturnType<typeof parseManifest>;
	try {
		manifest = parseManifest(bytes);
	} catch (error) {
		if (error instanceof ManifestError) return null;
		throw error;
	}
	const { version, board, sizeBytes, sha256, delta } = manifest;
	/** Where the document does not say where it is, it is where a release has it. */
	const published = (file: string) =>
		parseFirmwarePath(`${version}/${board}/${file}`);
	const image = url === undefined ? published(sha256) : keyOf(url);
	if (image === null) return null;
	const files: StreamFile[] = [{ key: image, sizeBytes }];
	if (delta !== undefined) {
		const key =
			url === undefined
				? published(delta.sha256)
				: deltaUrl === undefined
					? null
					: keyOf(deltaUrl);
		if (key !== null) files.push({ key, sizeBytes: delta.sizeBytes });
	}
	return { id: stream, description: `${board} ${version}`, files };
}

/** Of a document's placeholder for an address. */
function keyOf(url: string): FirmwareKey | null {
	let path = "";
	const rest = replaceFirmwarePlaceholders(url, (found) => {
		path = found;
		return "";
	});
	return rest === "" ? parseFirmwarePath(path) : null;
}

function describe({ description, files }: FileStream): Answer {
	return {
		s: VERSION,
		d: description,
		r: files.map(({ sizeBytes }, f) => ({ f, z: sizeBytes })),
	};
}

function messageOf(topic: string, document: Answer): DeviceMessage {
	return { topic, payload: new TextEncoder().encode(JSON.stringify(document)) };
}
