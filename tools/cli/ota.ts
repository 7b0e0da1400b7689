/** `thinghz ota`: keys that sign updates, signed updates, whether one is what it says, and what becomes of it. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import { PUBLIC_MODE, SECRET_MODE } from "../../cloud/local/identity/files.ts";
import { OtaError } from "../ota/errors.ts";
import {
	generateSigningKey,
	pointOf,
	readPublicKey,
	readSigningKey,
} from "../ota/keys.ts";
import {
	describeUpdate,
	KNOWN_BOARDS,
	openManifest,
	requireImage,
	sha256Hex,
	signUpdate,
} from "../ota/update.ts";
import { parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { readBytes, readText, writeBytes } from "./files.ts";
import { addOtaPublish } from "./ota-publish.ts";
import { addOtaRollout } from "./ota-rollout.ts";
import { printJson, printMessage } from "./output.ts";
import { readSecretOf } from "./secret-source.ts";

const PASSPHRASE_VARIABLE = "THINGHZ_OTA_PASSPHRASE";
const DEFAULT_KEY = "ota-key.pem";

interface KeyOptions {
	readonly passphraseFile?: string;
	readonly json?: boolean;
}

interface SignOptions extends KeyOptions {
	readonly key: string;
	readonly board: string;
	readonly securityVersion?: string;
	readonly base?: string;
	readonly nextKey?: string;
	readonly out?: string;
	readonly kms?: string;
}

interface VerifyOptions {
	readonly key: string;
	readonly manifest?: string;
	readonly json?: boolean;
}

export function addOta(program: Command): void {
	const ota = program
		.command("ota")
		.description(
			"updates over the air: keys, signing, publishing, rolling out",
		);
	const withPassphrase = (command: Command) =>
		command
			.option(
				"--passphrase-file <file>",
				`holds the key's passphrase; else ${PASSPHRASE_VARIABLE}, else it is asked for`,
			)
			.option("--json", "machine-readable results on stdout");
	withPassphrase(
		ota
			.command("keygen")
			.description("make a key that signs updates, encrypted by a passphrase")
			.option(
				"--out <file>",
				"the private key; the public one goes beside it, as .pub",
				DEFAULT_KEY,
			)
			.option(
				"--kms",
				"in AWS KMS, which it never leaves; writes the public key",
			)
			.option("--key-alias <name>", "with --kms: alias/NAME"),
	).action(keygen);
	withPassphrase(
		ota
			.command("sign")
			.description("write an image's manifest and sign it")
			.argument("<image>", "an application image (.bin)")
			.requiredOption("--board <name>", "as its nodes report it: esp32c3, …")
			.option("--key <file>", "the private key", DEFAULT_KEY)
			.option("--kms <key>", "instead: ARN, id or alias/NAME in AWS KMS")
			.option(
				"--security-version <n>",
				"below it nothing runs any more afterwards (default: the image's own)",
			)
			.option(
				"--base <image>",
				"the image that nodes run now: writes the difference to it as well",
			)
			.option(
				"--next-key <file>",
				"the public key (.pub) that signs from then on",
			)
			.option("--out <prefix>", "of the files (default: the image's name)"),
	).action(sign);
	ota
		.command("verify")
		.description("check an image against its signed manifest, as a node does")
		.argument("<image>", "an application image (.bin)")
		.option("--key <file>", "the public key (.pub)", "ota-key.pub")
		.option(
			"--manifest <file>",
			"(default: IMAGE.manifest, and .sig beside it)",
		)
		.option("--json", "machine-readable results on stdout")
		.action(verify);
	addOtaPublish(ota);
	addOtaRollout(ota);
}

interface KeygenOptions extends KeyOptions {
	readonly out: string;
	readonly kms?: true;
	readonly keyAlias?: string;
}

async function keygen(options: KeygenOptions): Promise<void> {
	const { out, json } = options;
	if (options.keyAlias !== undefined && options.kms !== true) {
		throw new UsageError("--key-alias names a key of --kms.");
	}
	if (/^alias\/[\w/-]{1,250}$/.test(options.keyAlias ?? "alias/x") === false) {
		throw new UsageError(
			`--key-alias: "${options.keyAlias}" is no alias: that is alias/ and letters, digits, /, _ and -.`,
		);
	}
	const publicFile = `${out.replace(/\.pem$/, "")}.pub`;
	for (const file of [out, publicFile])
		if (existsSync(file))
			throw new OtaError(
				"exists",
				`${file} is there already, and a key that nodes trust cannot be made again. Name another by --out.`,
			);
	if (options.kms === true) {
		const { createKmsKey, openKms } = await import("../ota/kms.ts");
		const made = await createKmsKey(openKms(), options.keyAlias);
		await writeBytes(
			publicFile,
			Buffer.from(`${made.publicKey}\n`),
			PUBLIC_MODE,
		);
		if (json) {
			printJson({
				kms: made.arn,
				publicKeyFile: publicFile,
				publicKey: made.publicKey,
			});
			return;
		}
		process.stdout.write(`key          ${made.arn} (in AWS KMS)
public key   ${publicFile}
             ${made.publicKey}
`);
		return;
	}
	const { privatePem, publicKey } = generateSigningKey(
		await passphraseOf(options),
	);
	await writeBytes(out, Buffer.from(privatePem), SECRET_MODE);
	await writeBytes(publicFile, Buffer.from(`${publicKey}\n`), PUBLIC_MODE);
	if (json) {
		printJson({ privateKey: out, publicKeyFile: publicFile, publicKey });
		return;
	}
	process.stdout.write(`private key  ${out} (encrypted; keep a copy where no computer is)
public key   ${publicFile}
             ${publicKey}
`);
}

function passphraseOf(options: KeyOptions): Promise<string> {
	return readSecretOf({
		what: "Passphrase of the key",
		option: "--passphrase-file",
		file: options.passphraseFile,
		variable: PASSPHRASE_VARIABLE,
	});
}

async function sign(imageFile: string, options: SignOptions): Promise<void> {
	const { board, securityVersion, base, nextKey, json } = options;
	const image = readBytes(imageFile);
	const input = {
		image,
		board,
		securityVersion:
			securityVersion === undefined
				? undefined
				: parseWhole(securityVersion, "--security-version", 0, 0xffffffff),
		base: base === undefined ? undefined : readBytes(base),
		nextKey:
			nextKey === undefined
				? undefined
				: pointOf(readPublicKey(readText(nextKey))),
	};
	const { signed, signedBy } = await signedUpdate(input, options);
	const { manifest, manifestBytes, signature, delta } = signed;
	const prefix = options.out ?? imageFile;
	const files = {
		manifest: `${prefix}.manifest`,
		signature: `${prefix}.sig`,
		...(delta === null ? {} : { delta: `${prefix}.delta` }),
	};
	await writeBytes(files.manifest, manifestBytes, PUBLIC_MODE);
	const text = `${Buffer.from(signature).toString("base64")}\n`;
	await writeBytes(files.signature, Buffer.from(text), PUBLIC_MODE);
	if (delta !== null && files.delta !== undefined)
		await writeBytes(files.delta, delta, PUBLIC_MODE);
	if (json) {
		printJson({ ...manifest, files, signedBy });
		return;
	}
	const share = delta === null ? 0 : (100 * delta.length) / manifest.sizeBytes;
	const difference =
		delta !== null
			? `  difference   ${files.delta} (${delta.length} bytes, ${share.toFixed(1)} % of the image)\n`
			: base !== undefined
				? "  difference   none: it would be no smaller than the image\n"
				: "";
	if (!KNOWN_BOARDS.includes(board)) {
		printMessage(
			`Only nodes that report "${board}" as their board will take it; those of this project report ${KNOWN_BOARDS.join(", ")}.`,
		);
	}
	process.stdout.write(`${basename(imageFile)}: ${manifest.project} ${manifest.version} for ${board}, security version ${manifest.securityVersion}, ${manifest.sizeBytes} bytes
  manifest     ${files.manifest}
  signature    ${files.signature}
${difference}`);
}

/** By the key in its file, or by AWS KMS. */
async function signedUpdate(
	input: Parameters<typeof signUpdate>[0],
	options: SignOptions,
): Promise<{
	readonly signed: ReturnType<typeof signUpdate>;
	readonly signedBy: string;
}> {
	if (options.kms === undefined) {
		const pem = readText(options.key);
		const key = readSigningKey(pem, await passphraseOf(options));
		return { signed: signUpdate(input, key), signedBy: pointOf(key) };
	}
	const { openKms, readKmsKey, signByKms } = await import("../ota/kms.ts");
	const client = openKms();
	const key = await readKmsKey(client, options.kms);
	const update = describeUpdate(input, key);
	const signature = await signByKms(
		client,
		options.kms,
		key,
		update.manifestBytes,
	);
	return { signed: { ...update, signature }, signedBy: pointOf(key) };
}

async function verify(
	imageFile: string,
	options: VerifyOptions,
): Promise<void> {
	const manifestFile = options.manifest ?? `${imageFile}.manifest`;
	const signatureFile = `${manifestFile.replace(/\.manifest$/, "")}.sig`;
	const key = readPublicKey(readText(options.key));
	const signature = Buffer.from(readText(signatureFile).trim(), "base64");
	const manifest = openManifest(readBytes(manifestFile), signature, key);
	requireImage(manifest, readBytes(imageFile));
	const deltaFile = `${manifestFile.replace(/\.manifest$/, "")}.delta`;
	const { delta } = manifest;
	if (
		delta !== undefined &&
		existsSync(deltaFile) &&
		sha256Hex(readBytes(deltaFile)) !== delta.sha256
	)
		throw new OtaError(
			"wrong_image",
			`${deltaFile} is not the difference of the manifest.`,
		);
	if (options.json) {
		printJson({ ...manifest, verified: true });
		return;
	}
	const next =
		manifest.nextKey === undefined
			? ""
			: `\nThe next update is signed by ${manifest.nextKey}.`;
	process.stdout.write(
		`${imageFile} is ${manifest.project} ${manifest.version} for ${manifest.board}, security version ${manifest.securityVersion}, signed by this key.${next}\n`,
	);
}
