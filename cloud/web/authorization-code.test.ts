import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { authorizeUrl, readReturn } from "./authorization-code.ts";

const PAGE = "https://page.example/";
const BEGUN = JSON.stringify({
	state: "s1",
	codeVerifier: "v".repeat(43),
	hash: "#/devices/roof",
});

describe("sign-in at another's page", () => {
	it("asks for a code by a challenge that only the verifier answers (RFC 7636 appendix B)", async () => {
		const codeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
		const hosted = { signInUrl: "https://id.example", clientId: "c1" };
		const url = new URL(
			await authorizeUrl(hosted, { state: "s1", codeVerifier }, PAGE),
		);
		assert.equal(
			url.origin + url.pathname,
			"https://id.example/oauth2/authorize",
		);
		assert.deepEqual(Object.fromEntries(url.searchParams), {
			response_type: "code",
			client_id: "c1",
			redirect_uri: PAGE,
			scope: "openid email profile",
			state: "s1",
			code_challenge_method: "S256",
			code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		});
		assert.equal(
			createHash("sha256").update(codeVerifier).digest("base64url"),
			url.searchParams.get("code_challenge"),
		);
	});

	it("comes back with a code, to where it began", () => {
		assert.deepEqual(readReturn("?code=c&state=s1", BEGUN, PAGE), {
			is: "code",
			proof: { code: "c", codeVerifier: "v".repeat(43), redirectUri: PAGE },
			hash: "#/devices/roof",
		});
	});

	it("is none where the address says nothing of it", () => {
		assert.equal(readReturn("", BEGUN, PAGE), null);
		assert.equal(readReturn("?utm=1", null, PAGE), null);
	});

	for (const [what, search, stored] of [
		["was not begun here", "?code=c&state=s1", null],
		["has another's state", "?code=c&state=s2", BEGUN],
		["has no state", "?code=c", BEGUN],
		["says an error with another's state", "?error=x&state=s2", BEGUN],
	] as const) {
		it(`is refused when it ${what}`, () => {
			const back = readReturn(search, stored, PAGE);
			assert.deepEqual(back, {
				is: "refused",
				message: "This sign-in was not begun in this window. Sign in again.",
			});
		});
	}

	it("says why nobody was signed in", () => {
		const query =
			"?error=access_denied&error_description=User+declined&state=s1";
		assert.deepEqual(readReturn(query, BEGUN, PAGE), {
			is: "refused",
			message: "Nobody was signed in: User declined",
		});
	});
});
