/** Certificates for tests: one authority and one RSA key for a whole file, and leaves of any validity. */
import "reflect-metadata";
import {
	createPrivateKey,
	generateKeyPairSync,
	webcrypto,
	X509Certificate,
} from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import type {
	CertificateStore,
	DeviceCertificate,
} from "../../../core/ports.ts";
import {
	type CertificateAuthority,
	certificateIdOf,
	openAuthority,
} from "../../identity/authority.ts";
import {
	type ServerIdentity,
	serverIdentity,
} from "../../identity/server-certificate.ts";

export interface ClientIdentity {
	readonly key: string;
	readonly cert: string;
	readonly certificateId: string;
}

export class MemoryCertificates implements CertificateStore {
	readonly #byId = new Map<string, DeviceCertificate>();
	/** Set to make every look-up fail with it. */
	failure: Error | null = null;
	/** Set to make every look-up wait for it. */
	gate: Promise<void> | null = null;
	/** Look-ups that have begun. */
	lookups = 0;

	async add(certificate: DeviceCertificate): Promise<void> {
		this.#byId.set(certificate.certificateId, certificate);
	}

	async get(certificateId: string): Promise<DeviceCertificate | null> {
		this.lookups++;
		if (this.gate !== null) await this.gate;
		if (this.failure !== null) throw this.failure;
		return this.#byId.get(certificateId) ?? null;
	}

	async ofThing(thing: string): Promise<readonly DeviceCertificate[]> {
		return [...this.#byId.values()].filter((each) => each.thing === thing);
	}

	async ofClaims(): Promise<readonly DeviceCertificate[]> {
		return [...this.#byId.values()].filter((each) => each.thing === null);
	}

	async revoke(certificateId: string): Promise<void> {
		const known = this.#byId.get(certificateId);
		if (known !== undefined) {
			this.#byId.set(certificateId, { ...known, status: "REVOKED" });
		}
	}
}

export class TestAuthority {
	readonly dir: string;
	readonly authority: CertificateAuthority;
	readonly server: ServerIdentity;
	/** Every test client has this key; their certificates differ. */
	readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

	private constructor(
		dir: string,
		authority: CertificateAuthority,
		server: ServerIdentity,
	) {
		this.dir = dir;
		this.authority = authority;
		this.server = server;
	}

	static async make(): Promise<TestAuthority> {
		const dir = await mkdtemp(join(tmpdir(), "thinghz-ca-"));
		const authority = await openAuthority(dir);
		const server = await serverIdentity(authority, dir);
		return new TestAuthority(dir, authority, server);
	}

	async remove(): Promise<void> {
		await rm(this.dir, { recursive: true });
	}

	async issue(thing: string): Promise<ClientIdentity> {
		return this.#identity(
			await this.authority.issueDevice(this.#publicKeyDer(), thing),
		);
	}

	/** A leaf that the authority would not issue: of another validity or usage. */
	async issueOdd(
		thing: string,
		leaf: {
			readonly notBefore?: Date;
			readonly notAfter?: Date;
			readonly usage?: "clientAuth" | "serverAuth";
		},
	): Promise<ClientIdentity> {
		const caPem = await readFile(join(this.dir, "ca", "ca.pem"), "utf8");
		const keyPem = await readFile(join(this.dir, "ca", "private.pem"));
		const signingKey = await webcrypto.subtle.importKey(
			"pkcs8",
			createPrivateKey(keyPem).export({ type: "pkcs8", format: "der" }),
			{ name: "ECDSA", namedCurve: "P-256" },
			false,
			["sign"],
		);
		const certificate = await x509.X509CertificateGenerator.create({
			subject: [{ CN: [thing] }],
			issuer: new x509.X509Certificate(caPem).subjectName,
			publicKey: new x509.PublicKey(this.#publicKeyDer()),
			signingKey,
			signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
			notBefore: leaf.notBefore ?? new Date(Date.now() - 86_400_000),
			notAfter: leaf.notAfter ?? new Date(Date.now() + 86_400_000),
			extensions: [
				new x509.ExtendedKeyUsageExtension([
					x509.ExtendedKeyUsage[leaf.usage ?? "clientAuth"],
				]),
			],
		});
		return this.#identity(certificate.toString("pem"));
	}

	#publicKeyDer(): Uint8Array<ArrayBuffer> {
		return new Uint8Array(
			this.#keys.publicKey.export({ type: "spki", format: "der" }),
		);
	}

	#identity(cert: string): ClientIdentity {
		return {
			key: this.#keys.privateKey
				.export({ type: "pkcs8", format: "pem" })
				.toString(),
			cert,
			certificateId: certificateIdOf(new X509Certificate(cert).raw),
		};
	}
}
