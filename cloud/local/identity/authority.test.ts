import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import {
	mkdtemp,
	readdir,
	readFile,
	rm,
	stat,
	writeFile,
} from "node:fs/promises";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { certificateIdOf, openAuthority } from "./authority.ts";
import { IdentityError, type IdentityErrorCode } from "./errors.ts";
import { serverIdentity, serverIsNamed } from "./server-certificate.ts";

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publicKeyDer = keys.publicKey.export({ type: "spki", format: "der" });

describe("the certificate authority", () => {
	let dir: string;

	beforeEach(async () => {
		dir = await mkdtemp(join(tmpdir(), "thinghz-identity-"));
	});
	afterEach(() => rm(dir, { recursive: true }));

	const at = (nowMs: number) => ({ nowMs: () => nowMs });

	async function fails(
		work: Promise<unknown>,
		code: IdentityErrorCode,
	): Promise<void> {
		await assert.rejects(work, (error) => {
			assert.ok(error instanceof IdentityError);
			assert.equal(error.code, code);
			assert.ok(error.message.includes(join(dir, "ca")));
			return true;
		});
	}

	it("is made at the first use and found again at the next", async () => {
		const first = await openAuthority(dir);
		const second = await openAuthority(dir);
		assert.equal(second.certificatePem, first.certificatePem);
	});

	it("is one, when many open it at once for the first time", async () => {
		const opened = await Promise.all(
			Array.from({ length: 8 }, () => openAuthority(dir)),
		);
		const certificates = opened.map(({ certificatePem }) => certificatePem);
		assert.equal(new Set(certificates).size, 1);
		assert.deepEqual(await readdir(dir), ["ca"]);
	});

	it("is an EC P-256 CA for ten years that may sign leaves only", async () => {
		const { certificatePem } = await openAuthority(dir);
		const certificate = new X509Certificate(certificatePem);
		assert.ok(certificate.ca);
		assert.equal(
			certificate.publicKey.asymmetricKeyDetails?.namedCurve,
			"prime256v1",
		);
		const leftMs = Date.parse(certificate.validTo) - Date.now();
		assert.ok(leftMs > 9.9 * YEAR_MS && leftMs < 10.1 * YEAR_MS);
		assert.ok(certificate.verify(certificate.publicKey));
		// basicConstraints CA:TRUE, pathLen 0; keyUsage keyCertSign, cRLSign.
		assert.ok(certificate.raw.includes(Buffer.from("30060101ff020100", "hex")));
		assert.ok(certificate.raw.includes(Buffer.from("03020106", "hex")));
	});

	it("keeps its key to its owner", async () => {
		await openAuthority(dir);
		const mode = async (path: string) =>
			(await stat(join(dir, path))).mode & 0o777;
		assert.equal(await mode("ca"), 0o700);
		assert.equal(await mode("ca/private.pem"), 0o600);
		assert.equal(await mode("ca/ca.pem"), 0o644);
	});

	it("gives devices client certificates till 2049 that it can verify", async () => {
		const authority = await openAuthority(dir);
		const certificate = new X509Certificate(
			await authority.issueDevice(publicKeyDer, "node-1"),
		);
		const issuer = new X509Certificate(authority.certificatePem);
		assert.ok(certificate.verify(issuer.publicKey));
		assert.ok(certificate.checkIssued(issuer));
		assert.ok(certificate.checkPrivateKey(keys.privateKey));
		assert.equal(certificate.subject, "CN=node-1");
		assert.equal(certificate.ca, false);
		assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
		assert.ok(Date.parse(certificate.validFrom) < Date.now());
		assert.equal(
			new Date(certificate.validTo).toISOString(),
			"2049-12-31T23:59:59.000Z",
		);
	});

	it("never issues the same certificate twice", async () => {
		const authority = await openAuthority(dir);
		const ids = await Promise.all(
			Array.from({ length: 20 }, async () => {
				const pem = await authority.issueDevice(publicKeyDer, "node-1");
				return certificateIdOf(new X509Certificate(pem).raw);
			}),
		);
		assert.equal(new Set(ids).size, 20);
		for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
	});

	it("without its key is refused, and stays as it is", async () => {
		await openAuthority(dir);
		await rm(join(dir, "ca", "private.pem"));
		await fails(openAuthority(dir), "authority_damaged");
		assert.deepEqual(await readdir(join(dir, "ca")), ["ca.pem"]);
	});

	it("without its certificate is refused", async () => {
		await openAuthority(dir);
		await rm(join(dir, "ca", "ca.pem"));
		await fails(openAuthority(dir), "authority_damaged");
	});

	it("with a key that is not its own is refused", async () => {
		await openAuthority(dir);
		const { privateKey } = generateKeyPairSync("ec", {
			namedCurve: "P-256",
		});
		const pem = privateKey.export({ type: "pkcs8", format: "pem" });
		await writeFile(join(dir, "ca", "private.pem"), pem);
		await fails(openAuthority(dir), "authority_damaged");
	});

	it("with a file cut short is refused", async () => {
		await openAuthority(dir);
		const path = join(dir, "ca", "ca.pem");
		await writeFile(path, (await readFile(path, "utf8")).slice(0, 200));
		await fails(openAuthority(dir), "authority_damaged");
	});

	it("past its end is refused, and so before its beginning", async () => {
		await openAuthority(dir);
		await fails(
			openAuthority(dir, at(Date.now() + 11 * YEAR_MS)),
			"authority_expired",
		);
		await fails(
			openAuthority(dir, at(Date.now() - YEAR_MS)),
			"authority_expired",
		);
	});

	describe("the server's certificate", () => {
		it("names loopback and the host, addresses as iPAddress", async () => {
			const authority = await openAuthority(dir);
			const { cert } = await serverIdentity(authority, dir, [
				"192.0.2.7",
				"hub.example",
			]);
			const certificate = new X509Certificate(cert);
			for (const address of ["127.0.0.1", "::1", "192.0.2.7"]) {
				assert.equal(certificate.checkIP(address), address);
			}
			for (const host of ["localhost", "hub.example"]) {
				assert.equal(certificate.checkHost(host), host);
			}
			assert.equal(certificate.checkIP("192.0.2.8"), undefined);
			assert.match(certificate.subjectAltName ?? "", /IP Address:192\.0\.2\.7/);
			assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
			const mode = (await stat(join(dir, "ca", "server-private.pem"))).mode;
			assert.equal(mode & 0o777, 0o600);
		});

		it("names this machine's name and addresses when it listens on all", async () => {
			const authority = await openAuthority(dir);
			const { cert } = await serverIdentity(authority, dir, ["0.0.0.0"]);
			const certificate = new X509Certificate(cert);
			assert.ok(certificate.checkHost(hostname()) !== undefined);
			assert.equal(certificate.checkIP("0.0.0.0"), undefined);
			for (const addresses of Object.values(networkInterfaces())) {
				for (const { address, family } of addresses ?? []) {
					if (family !== "IPv4") continue;
					assert.equal(certificate.checkIP(address), address);
				}
			}
		});

		it("is known to name a host or not, before anybody connects", async () => {
			assert.equal(await serverIsNamed(dir, "hub.example"), null);
			const authority = await openAuthority(dir);
			await serverIdentity(authority, dir, ["hub.example", "192.0.2.7"]);
			for (const host of ["hub.example", "192.0.2.7", "127.0.0.1"])
				assert.equal(await serverIsNamed(dir, host), true, host);
			for (const host of ["other.example", "192.0.2.8", "example"])
				assert.equal(await serverIsNamed(dir, host), false, host);
			await writeFile(join(dir, "ca", "server.pem"), "nothing");
			assert.equal(await serverIsNamed(dir, "hub.example"), null);
		});

		it("is kept while it serves", async () => {
			const authority = await openAuthority(dir);
			const first = await serverIdentity(authority, dir, ["192.0.2.7"]);
			const again = await serverIdentity(authority, dir, ["192.0.2.7"]);
			const fewer = await serverIdentity(authority, dir);
			assert.deepEqual(again, first);
			assert.deepEqual(fewer, first);
		});

		it("is made anew for another host", async () => {
			const authority = await openAuthority(dir);
			const first = await serverIdentity(authority, dir, ["192.0.2.7"]);
			const other = await serverIdentity(authority, dir, ["192.0.2.8"]);
			assert.notEqual(other.cert, first.cert);
			const certificate = new X509Certificate(other.cert);
			assert.equal(certificate.checkIP("192.0.2.8"), "192.0.2.8");
		});

		it("is made anew in its last 30 days", async () => {
			const authority = await openAuthority(dir);
			const first = await serverIdentity(authority, dir);
			const early = first.expiresMs - 31 * DAY_MS;
			const late = first.expiresMs - 29 * DAY_MS;
			const kept = await serverIdentity(authority, dir, [], early);
			assert.equal(kept.cert, first.cert);
			const laterAuthority = await openAuthority(dir, at(late));
			const renewed = await serverIdentity(laterAuthority, dir, [], late);
			assert.ok(renewed.expiresMs > first.expiresMs);
		});

		it("is made anew when its key is not its own, or another authority's", async () => {
			const authority = await openAuthority(dir);
			const first = await serverIdentity(authority, dir);
			await writeFile(join(dir, "ca", "server-private.pem"), "cut short");
			const second = await serverIdentity(authority, dir);
			assert.notEqual(second.cert, first.cert);
			await rm(join(dir, "ca", "ca.pem"));
			await rm(join(dir, "ca", "private.pem"));
			await rm(join(dir, "ca"), { recursive: true });
			const other = await openAuthority(dir);
			await writeFile(join(dir, "ca", "server.pem"), second.cert);
			await writeFile(join(dir, "ca", "server-private.pem"), second.key);
			const third = await serverIdentity(other, dir);
			const issuer = new X509Certificate(other.certificatePem);
			assert.ok(new X509Certificate(third.cert).verify(issuer.publicKey));
		});
	});
});
