/** `thinghz ota trust`, `publish`, `list` and `withdraw`: what can be installed. */

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { parseManifest } from "../../protocol/update-manifest.ts";
import { OtaError } from "../ota/errors.ts";
import { pointOf, readPublicKey } from "../ota/keys.ts";
import { openManifest, requireImage, sha256Hex } from "../ota/update.ts";
import type { ApiClient } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { CommandError, UsageError } from "./errors.ts";
import { readBytes, readText } from "./files.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { usingApi } from "./using-api.ts";

export interface ReleaseRow {
	readonly version: string;
	readonly board: string;
	readonly project: string;
	readonly securityVersion: number;
	readonly sizeBytes: number;
	readonly sha256: string;
	readonly delta: { readonly sizeBytes: number } | null;
	readonly key: string;
	readonly nextKey: string | null;
	/** ISO-8601 */
	readonly published: string;
	readonly document: Readonly<Record<string, unknown>>;
}

interface PublishOptions extends CommonOptions {
	readonly key?: string;
	readonly manifest?: string;
	readonly delta?: string;
}

const DEFAULT_PUBLIC_KEY = "ota-key.pub";

export function addOtaPublish(ota: Command): void {
	commonOptions(
		ota
			.command("trust")
			.description("say by whose key updates of the target's nodes are signed")
			.argument("[key]", "the public key (.pub)", DEFAULT_PUBLIC_KEY),
	).action(trust);
	commonOptions(
		ota
			.command("publish")
			.description("put a signed image where nodes can get it")
			.argument("<image>", "an application image (.bin) that has been signed")
			.option(
				"--key <file>",
				"the public key (.pub) that signed it (default: the target's)",
			)
			.option(
				"--manifest <file>",
				"(default: IMAGE.manifest, and .sig beside it)",
			)
			.option(
				"--delta <file>",
				"the difference, where the manifest has one (default: IMAGE.delta)",
			),
	).action(publish);
	commonOptions(
		ota.command("list").description("list what is published"),
	).action(list);
	commonOptions(
		ota
			.command("withdraw")
			.description(
				"take back what was published; nodes do not find it any more",
			)
			.argument("<version>", "1.2.0")
			.requiredOption("--board <name>", "its board"),
	).action(withdraw);
}

async function trust(file: string, options: CommonOptions): Promise<void> {
	const key = pointOf(readPublicKey(readText(file)));
	await usingApi(options, (api) =>
		api.send("PUT", "/v1/firmware/key", { key }),
	);
	if (options.json) return printJson({ key });
	printMessage(
		`Nodes of ${options.target} take updates that are signed by ${file}. Simulated ones know it from their next start on, others by their firmware.`,
	);
}

async function publish(image: string, options: PublishOptions): Promise<void> {
	await usingApi(options, async (api) => {
		const { files, body, key } = await readUpdate(api, image, options);
		if (key !== null) await api.send("PUT", "/v1/firmware/key", { key });
		const asked = await api.send("POST", "/v1/firmware/uploads", body);
		const { uploads } = (await asked.json()) as {
			readonly uploads: readonly Upload[];
		};
		for (const upload of uploads) {
			await send(api, upload, files[upload.file] ?? new Uint8Array(0));
		}
		const published = await api.send("POST", "/v1/firmware", body);
		const release = (await published.json()) as ReleaseRow;
		const isNew = published.status === 201;
		if (options.json) return printJson({ ...release, new: isNew });
		const { version, board, sizeBytes, delta } = release;
		const difference =
			delta === null ? "" : `, its difference ${delta.sizeBytes}`;
		printMessage(
			`${version} for ${board} ${isNew ? "is published" : "was published before, the same"}: ${sizeBytes} bytes${difference}. Roll it out with \`thinghz ota rollout ${version} --board ${board}\`.`,
		);
	});
}

interface Upload {
	readonly file: "image" | "delta";
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
}

interface UpdateFiles {
	readonly files: {
		readonly image: Uint8Array<ArrayBuffer>;
		readonly delta: Uint8Array<ArrayBuffer> | null;
	};
	/** For the API. */
	readonly body: { readonly manifest: string; readonly signature: string };
	/** The key that the target is to take updates of from now on; null where it has one. */
	readonly key: string | null;
}

/** What `sign` has written, after it has been checked as a node does. */
async function readUpdate(
	api: ApiClient,
	imageFile: string,
	options: PublishOptions,
): Promise<UpdateFiles> {
	const manifestFile = options.manifest ?? `${imageFile}.manifest`;
	const prefix = manifestFile.replace(/\.manifest$/, "");
	for (const file of [manifestFile, `${prefix}.sig`]) {
		if (existsSync(file)) continue;
		throw new UsageError(
			`${file} is not there: sign the image first, with \`thinghz ota sign ${imageFile} --board BOARD\`.`,
		);
	}
	const response = await api.get("/v1/firmware");
	const { key: known } = (await response.json()) as {
		readonly key: string | null;
	};
	const manifestBytes = readBytes(manifestFile);
	const signature = Buffer.from(readText(`${prefix}.sig`).trim(), "base64");
	// By whose key otherwise, the target knows: by its own, or one that has been handed over to.
	const given =
		options.key === undefined && known !== null ? null : keyOf(options.key);
	const manifest =
		given === null
			? parseManifest(manifestBytes)
			: openManifest(manifestBytes, signature, readPublicKey(given));
	const image = readBytes(imageFile);
	requireImage(manifest, image);
	return {
		files: {
			image: new Uint8Array(image),
			delta: readDelta(manifest, options.delta ?? `${prefix}.delta`),
		},
		body: {
			manifest: Buffer.from(manifestBytes).toString("base64"),
			signature: signature.toString("base64"),
		},
		key: known === null ? given : null,
	};
}

/** The key that is named, else the one that `keygen` makes here. */
function keyOf(file: string | undefined): string {
	if (file !== undefined) return pointOf(readPublicKey(readText(file)));
	if (existsSync(DEFAULT_PUBLIC_KEY)) {
		return pointOf(readPublicKey(readText(DEFAULT_PUBLIC_KEY)));
	}
	throw new UsageError(
		"The target has no key for updates yet: name the public one by --key, as `thinghz ota keygen` wrote it (.pub).",
	);
}

function readDelta(
	{ delta }: ReturnType<typeof openManifest>,
	file: string,
): Uint8Array<ArrayBuffer> | null {
	if (delta === undefined) return null;
	if (!existsSync(file)) {
		throw new UsageError(
			`${file} is not there, and the manifest has a difference: name it by --delta, or sign the image anew without --base.`,
		);
	}
	const bytes = readBytes(file);
	if (sha256Hex(bytes) === delta.sha256) return new Uint8Array(bytes);
	throw new OtaError(
		"wrong_image",
		`${file} is not the difference of the manifest.`,
	);
}

/** To the API, or to where it says. @throws CommandError */
async function send(
	api: ApiClient,
	{ file, url, headers }: Upload,
	bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
	if (url.startsWith("/")) {
		await api.upload(url, bytes);
		return;
	}
	let response: Response;
	try {
		response = await fetch(url, { method: "PUT", headers, body: bytes });
	} catch (cause) {
		throw new CommandError(
			`The ${file} could not be sent to ${new URL(url).host}: ${(cause as Error).message}. Publish again.`,
			{ cause },
		);
	}
	if (response.ok) return;
	const text = await response.text();
	const [, code = ""] = /<Code>(\w+)<\/Code>/.exec(text) ?? [];
	throw new CommandError(
		`${new URL(url).host} does not take the ${file}: ${response.status} ${code}. Publish again.`,
	);
}

async function list(options: CommonOptions): Promise<void> {
	const releases = await usingApi(options, async (api) => {
		const response = await api.get("/v1/firmware");
		const { releases: all } = (await response.json()) as {
			readonly releases: readonly ReleaseRow[];
		};
		return all;
	});
	if (options.json) return printJson(releases);
	if (releases.length === 0) {
		return printMessage(
			"Nothing is published yet. `thinghz ota sign` and `thinghz ota publish` do that.",
		);
	}
	process.stdout.write(
		formatTable(
			["board", "version", "security", "bytes", "difference", "published"],
			releases.map((one) => [
				one.board,
				one.version,
				one.securityVersion,
				one.sizeBytes,
				one.delta?.sizeBytes ?? null,
				one.published,
			]),
		),
	);
}

async function withdraw(
	version: string,
	options: CommonOptions & { readonly board: string },
): Promise<void> {
	const { board, json } = options;
	const path = [version, board].map(encodeURIComponent).join("/");
	await usingApi(options, (api) => api.send("DELETE", `/v1/firmware/${path}`));
	if (json) return printJson({ version, board, withdrawn: true });
	printMessage(`${version} for ${board} is not published any more.`);
}
