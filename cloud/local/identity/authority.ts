/**
 * The certificate authority of one data folder: an EC P-256 key and a self-signed certificate below DATA/ca, made at
 * the first use. Every server and device certificate of this cloud is signed by it, and by nothing else.
 */
// The x509 package resolves its ASN.1 schemas through decorators, which need this at load time.
import "reflect-metadata";
import {
	createHash,
	createPrivateKey,
	KeyObject,
	randomUUID,
	webcrypto,
	X509Certificate,
} from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import * as x509 from "@peculiar/x509";
import type { Clock } from "../../core/ports.ts";
import {
	certificatePem,
	type DeviceCertificateIssuer,
	signDeviceCertificate,
} from "./device-certificate.ts";
import { IdentityError } from "./errors.ts";
import {
	makeFolder,
	PUBLIC_MODE,
	readIfThere,
	SECRET_MODE,
	writeWhole,
} from "./files.ts";

const DAY_MS = 86_400_000;
const AUTHORITY_YEARS_MS = 3652 * DAY_MS;
/** Shorter than the 825 days that browsers accept of a private authority. */
const SERVER_LIFETIME_MS = 800 * DAY_MS;
/** A clock that runs behind ours must not find a new certificate not valid yet. */
const BACKDATE_MS = DAY_MS;
/** Where AWS IoT's own device certificates end; a node in the field cannot be reached to renew one. */
const DEVICE_NOT_AFTER = new Date("2049-12-31T23:59:59Z");
const EC_P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const EC_SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

export interface CertificateAuthority {
	readonly certificatePem: string;
	/**
	 * Signs a server certificate.
	 * @param publicKeyDer SubjectPublicKeyInfo
	 * @param hosts DNS names and IP addresses; an address becomes an iPAddress entry
	 * @returns PEM
	 */
	issueServer(
		publicKeyDer: Uint8Array,
		hosts: readonly string[],
	): Promise<string>;
	/**
	 * Signs a client certificate with the thing's name as its common name.
	 * @param publicKeyDer SubjectPublicKeyInfo
	 * @returns PEM
	 */
	issueDevice(publicKeyDer: Uint8Array, thing: string): Promise<string>;
}

/** What AWS IoT calls the certificate id: SHA-256 of the DER form, 64 lower-case hex digits. */
export function certificateIdOf(der: Uint8Array): string {
	return createHash("sha256").update(der).digest("hex");
}

const PEM =
	/^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

/** The id of a certificate in PEM, RFC 7468, which need not be read for it. @throws Error when it is none */
export function idOfCertificatePem(pem: string): string {
	const [, base64] = PEM.exec(pem) ?? [];
	const der =
		base64 === undefined
			? new X509Certificate(pem).raw
			: Buffer.from(base64, "base64");
	return certificateIdOf(der);
}

/**
 * Opens the authority of a data folder, making it when there is none. Two processes that do so at once get the same.
 * @throws IdentityError authority_damaged, authority_expired, file_access
 */
export async function openAuthority(
	dataDir: string,
	clock: Clock = { nowMs: Date.now },
): Promise<CertificateAuthority> {
	const dir = join(dataDir, "ca");
	const present = await load(dir, clock);
	if (present !== null) return present;
	await make(dir, clock.nowMs());
	const made = await load(dir, clock);
	if (made === null) throw damaged(dir, "it vanished as it was made");
	return made;
}

function damaged(dir: string, what: string, cause?: unknown): IdentityError {
	return new IdentityError(
		"authority_damaged",
		`The certificate authority in ${dir} cannot be used: ${what}. Restore ca.pem and private.pem from a backup, or move the folder away and provision every device again.`,
		{ cause },
	);
}

async function load(
	dir: string,
	clock: Clock,
): Promise<CertificateAuthority | null> {
	const certificatePem = await readIfThere(join(dir, "ca.pem"));
	const keyPem = await readIfThere(join(dir, "private.pem"));
	if (certificatePem === null && keyPem === null) return null;
	if (certificatePem === null) throw damaged(dir, "ca.pem is missing");
	if (keyPem === null) throw damaged(dir, "private.pem is missing");
	let certificate: X509Certificate;
	let key: KeyObject;
	try {
		certificate = new X509Certificate(certificatePem);
		key = createPrivateKey(keyPem);
	} catch (cause) {
		throw damaged(dir, "a file in it is not valid PEM", cause);
	}
	if (!certificate.checkPrivateKey(key)) {
		throw damaged(dir, "ca.pem and private.pem do not belong together");
	}
	const nowMs = clock.nowMs();
	if (
		nowMs < Date.parse(certificate.validFrom) ||
		nowMs > Date.parse(certificate.validTo)
	) {
		throw new IdentityError(
			"authority_expired",
			`The certificate authority in ${dir} is valid from ${certificate.validFrom} to ${certificate.validTo}, and this machine's clock says ${new Date(nowMs).toISOString()}. Set the clock, or move the folder away and provision every device again.`,
		);
	}
	return new LocalAuthority(certificatePem, key, clock);
}

/** Made aside and renamed into place, so that a cut leaves a whole authority or none. */
async function make(dir: string, nowMs: number): Promise<void> {
	const keys = await webcrypto.subtle.generateKey(EC_P256, true, [
		"sign",
		"verify",
	]);
	const certificate = await x509.X509CertificateGenerator.createSelfSigned({
		name: [{ O: ["ThingHz"] }, { CN: [`ThingHz CA ${randomUUID()}`] }],
		keys,
		signingAlgorithm: EC_SIGNATURE,
		notBefore: new Date(nowMs - BACKDATE_MS),
		notAfter: new Date(nowMs + AUTHORITY_YEARS_MS),
		extensions: [
			new x509.BasicConstraintsExtension(true, 0, true),
			new x509.KeyUsagesExtension(
				x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
				true,
			),
			await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
		],
	});
	await makeFolder(dirname(dir));
	const aside = `${dir}.${randomUUID()}.tmp`;
	await makeFolder(aside);
	const keyPem = KeyObject.from(keys.privateKey)
		.export({ type: "pkcs8", format: "pem" })
		.toString();
	await writeWhole(join(aside, "private.pem"), keyPem, SECRET_MODE);
	await writeWhole(
		join(aside, "ca.pem"),
		`${certificate.toString("pem")}\n`,
		PUBLIC_MODE,
	);
	try {
		await rename(aside, dir);
	} catch (cause) {
		await rm(aside, { recursive: true, force: true });
		const code = cause instanceof Error && "code" in cause ? cause.code : null;
		const madeByAnother = code === "ENOTEMPTY" || code === "EEXIST";
		if (!madeByAnother) {
			throw new IdentityError(
				"file_access",
				`Cannot make ${dir} (${String(code)}). Check that the data folder belongs to you.`,
				{ cause },
			);
		}
	}
}

class LocalAuthority implements CertificateAuthority {
	readonly certificatePem: string;
	readonly #certificate: x509.X509Certificate;
	readonly #key: KeyObject;
	readonly #clock: Clock;
	/** Made at the first use. */
	#deviceIssuer: Promise<DeviceCertificateIssuer> | null = null;

	constructor(certificatePem: string, key: KeyObject, clock: Clock) {
		this.certificatePem = certificatePem;
		this.#certificate = new x509.X509Certificate(certificatePem);
		this.#key = key;
		this.#clock = clock;
	}

	async issueServer(
		publicKeyDer: Uint8Array,
		hosts: readonly string[],
	): Promise<string> {
		const publicKey = new x509.PublicKey(new Uint8Array(publicKeyDer));
		const nowMs = this.#clock.nowMs();
		const certificate = await x509.X509CertificateGenerator.create({
			subject: [{ CN: [hosts[0] ?? "localhost"] }],
			issuer: this.#certificate.subjectName,
			publicKey,
			signingKey: await webcrypto.subtle.importKey(
				"pkcs8",
				this.#key.export({ type: "pkcs8", format: "der" }),
				EC_P256,
				false,
				["sign"],
			),
			signingAlgorithm: EC_SIGNATURE,
			notBefore: new Date(nowMs - BACKDATE_MS),
			notAfter: new Date(nowMs + SERVER_LIFETIME_MS),
			extensions: [
				...(await this.#leafExtensions(x509.ExtendedKeyUsage.serverAuth)),
				await x509.SubjectKeyIdentifierExtension.create(publicKey),
				new x509.SubjectAlternativeNameExtension(
					hosts.map((host) => ({
						type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
						value: host,
					})),
				),
			],
		});
		return `${certificate.toString("pem")}\n`;
	}

	async issueDevice(publicKeyDer: Uint8Array, thing: string): Promise<string> {
		this.#deviceIssuer ??= this.#makeDeviceIssuer();
		const issuer = await this.#deviceIssuer;
		const notBefore = new Date(this.#clock.nowMs() - BACKDATE_MS);
		return certificatePem(
			signDeviceCertificate(issuer, thing, publicKeyDer, {
				notBefore,
				notAfter: DEVICE_NOT_AFTER,
			}),
		);
	}

	async #makeDeviceIssuer(): Promise<DeviceCertificateIssuer> {
		const extensions = await this.#leafExtensions(
			x509.ExtendedKeyUsage.clientAuth,
		);
		return {
			name: new Uint8Array(this.#certificate.subjectName.toArrayBuffer()),
			privateKey: this.#key,
			extensions: extensions.map(({ rawData }) => new Uint8Array(rawData)),
		};
	}

	/** What all certificates for this use have, whoever's they are. */
	async #leafExtensions(
		usage: x509.ExtendedKeyUsage,
	): Promise<readonly x509.Extension[]> {
		return [
			new x509.BasicConstraintsExtension(false, undefined, true),
			new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
			new x509.ExtendedKeyUsageExtension([usage]),
			await x509.AuthorityKeyIdentifierExtension.create(
				this.#certificate.publicKey,
			),
		];
	}
}
