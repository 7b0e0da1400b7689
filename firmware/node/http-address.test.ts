import assert from "node:assert/strict";
import fc from "fast-check";
import { parseHttpAddress } from "./http-address.ts";

describe("an address of a file", () => {
	for (const [text, secure, host, port, authority, target] of [
		["http://a", false, "a", 80, "a", "/"],
		["https://a.b/c", true, "a.b", 443, "a.b", "/c"],
		["https://a:8443/c?d=e%20f&g", true, "a", 8443, "a:8443", "/c?d=e%20f&g"],
		["http://127.0.0.1:80/#x", false, "127.0.0.1", 80, "127.0.0.1:80", "/"],
		["http://a?b", false, "a", 80, "a", "/?b"],
		["http://a:/b", false, "a", 80, "a:", "/b"],
		["https://[::1]:9/x", true, "::1", 9, "[::1]:9", "/x"],
		["https://[::1]", true, "::1", 443, "[::1]", "/"],
	] as const)
		it(`is taken apart: ${text}`, () => {
			assert.deepEqual(parseHttpAddress(text), {
				isSecure: secure,
				host,
				port,
				authority,
				target,
			});
		});

	for (const text of [
		"",
		"a/b",
		"ftp://a/b",
		"https://",
		"https:///b",
		"http://:80/",
		"http://user@a/b",
		"http://a:0/",
		"http://a:65536/",
		"http://a:8x/",
		"http://a:+8/",
		"http://[::1/b",
		"http://::1]/b",
		"http://a b/",
		"http://a/b\r\nX: y",
		"http://ä/",
		`${"${"}firmware:x}`,
	])
		it(`is none: ${JSON.stringify(text)}`, () => {
			assert.equal(parseHttpAddress(text), null);
		});

	it("is taken apart as the platform's URL does, whatever there is of its parts", () => {
		fc.assert(
			fc.property(
				fc.webUrl({
					validSchemes: ["http", "https"],
					withQueryParameters: true,
					withFragments: true,
				}),
				(text) => {
					const url = new URL(text.split("#")[0] ?? "");
					const address = parseHttpAddress(text);
					assert.equal(address?.host.toLowerCase(), url.hostname);
					assert.equal(
						new URL(`${url.origin}${address?.target}`).href,
						url.href,
					);
				},
			),
			{ numRuns: 25 },
		);
	});
});
