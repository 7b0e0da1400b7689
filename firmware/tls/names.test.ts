import assert from "node:assert/strict";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import fc from "fast-check";
import { sequence, tlv } from "../../test/certificates/der-writer.ts";
import { dns, ip } from "../../test/certificates/writer.ts";
import { checkHost } from "./names.ts";
import { CertificateError } from "./reasons.ts";

/** Whether a certificate of these names is for this host. */
function isFor(host: string, ...names: readonly Uint8Array[]): boolean {
	try {
		checkHost(sequence(...names), host);
		return true;
	} catch (error) {
		assert.ok(error instanceof CertificateError);
		assert.equal(error.code, "name_mismatch");
		return false;
	}
}

const label = fc.constantFrom("a", "b", "A", "xn--c", "d-e", "1f");
const hosts = fc
	.array(label, { minLength: 1, maxLength: 4 })
	.map((labels) => labels.join("."));
const patterns = fc
	.tuple(fc.constantFrom("", "", "*."), hosts)
	.map((parts) => parts.join(""));

describe("A host's name", () => {
	it("is in a certificate when Node finds it there", () => {
		let found = 0;
		fc.assert(
			fc.property(
				hosts,
				fc.array(patterns, { minLength: 1, maxLength: 3 }),
				(host, names) => {
					const certificate = {
						subject: { CN: "nobody" },
						subjectaltname: names.map((name) => `DNS:${name}`).join(", "),
					} as unknown as PeerCertificate;
					const node = checkServerIdentity(host, certificate) === undefined;
					if (node) found++;
					assert.equal(isFor(host, ...names.map(dns)), node);
				},
			),
			{ numRuns: 20_000 },
		);
		assert.ok(found > 100);
	});

	it("is itself, in whatever case, with or without the dot at its end", () => {
		fc.assert(
			fc.property(hosts, (host) => {
				assert.ok(isFor(host, dns(host.toUpperCase())));
				assert.ok(isFor(`${host}.`, dns(host)));
				assert.equal(isFor(host, dns(`${host}.`)), false);
				assert.equal(isFor(`${host}..`, dns(host)), false);
			}),
		);
	});

	it("is never matched by a wildcard of fewer or more labels", () => {
		fc.assert(
			fc.property(hosts, (domain) => {
				assert.equal(isFor(domain, dns(`*.${domain}`)), false);
				assert.equal(isFor(`x.y.${domain}`, dns(`*.${domain}`)), false);
			}),
		);
	});

	it("has at most 253 characters, 63 in a label", () => {
		const host = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;
		assert.equal(host.length, 253);
		assert.ok(isFor(host, dns(host)));
		assert.equal(isFor(`e${host}`, dns(`e${host}`)), false);
		assert.equal(isFor(`${host}e`, dns(`${host}e`)), false);
	});

	for (const host of [
		"",
		".",
		"..",
		"a..b",
		".a",
		"a b",
		"a/b",
		"a\0",
		"*.a.b",
		"ä.b",
		"a.1",
		"1.2.3",
		"a:1",
	]) {
		it(`is none: ${JSON.stringify(host)}`, () => {
			assert.equal(isFor(host, dns(host)), false);
		});
	}

	it("is no address, and an address no name", () => {
		assert.ok(isFor("1.2.3.4", ip(1, 2, 3, 4)));
		assert.equal(isFor("1.2.3.4", dns("1.2.3.4")), false);
		assert.equal(isFor("1.2.3.4", tlv(0x87)), false);
		assert.equal(isFor("a.b", ip(1, 2, 3, 4)), false);
	});

	it("is in no certificate without names", () => {
		assert.throws(() => checkHost(undefined, "a.b"), CertificateError);
	});
});
