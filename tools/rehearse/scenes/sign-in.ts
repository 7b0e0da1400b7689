/**
 * Somebody signs in at the pool's page and comes back to ours: by the page's own code and the configuration that the
 * deployment writes, through CloudFront and the API, whose function exchanges the code at the pool.
 */

import { OUTPUTS } from "../../../cloud/aws/names.ts";
import {
	authorizeUrl,
	type Begun,
	readReturn,
	type SignInCode,
} from "../../../cloud/web/authorization-code.ts";
import {
	type HostedSignIn,
	readConfig,
} from "../../../cloud/web/page-config.ts";
import type { ApiResponse } from "../http-api.ts";
import { isObject } from "../json.ts";
import type { Stage } from "../stage.ts";

const BEGUN: Begun = {
	state: "state-of-this-window",
	codeVerifier: "verifier-of-this-window-and-of-no-other-one",
	hash: "#/devices",
};
const OTHER_VERIFIER = "verifier-of-another-window-than-of-this-one";
const SESSION = "/v1/session";

type Cookies = Readonly<Record<string, string>>;

export async function signIn(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const { hosted, live } = readConfig(
		JSON.parse(world.pageFile("config.json")),
	);
	transcript.check(
		hosted !== null && live === "poll",
		`config.json, as the deployment writes it, names the pool's page and the page's client`,
		{ hosted, live },
	);
	if (hosted === null) return;
	world.pool.visitor = { subject: "grace", groups: ["admin"] };

	const proof = await visit(stage, hosted);
	for (const [what, changes] of [
		["a wrong verifier", { codeVerifier: OTHER_VERIFIER }],
		["a code that was used, by whatever verifier", {}],
		["a code that nobody has made", { code: "made-up" }],
	] as const) {
		await refuses(stage, what, { ...proof, ...changes });
	}
	const commands = { ...hosted, clientId: stage.clientOf("cli") };
	const [callback = ""] = callbackOf(stage);
	await refuses(
		stage,
		"a code that was made for the command's client",
		await visit(stage, commands, callback),
	);
	const elsewhere = await world.pool.visit(
		await authorizeUrl(hosted, BEGUN, "https://evil.example/"),
	);
	transcript.check(
		!String(elsewhere.headers.get("location")).includes("evil.example"),
		"the pool sends nobody to an address that the page's client has not named",
		elsewhere.headers.get("location"),
	);

	const good = await visit(stage, hosted);
	const signedIn = await ask(stage, "POST", {}, good);
	const cookies = cookiesOf(signedIn);
	transcript.equal(
		[signedIn.status, Object.keys(cookies)],
		[200, ["thinghz_session", "thinghz_renewal"]],
		"grace signs in: her code becomes a session in two cookies",
	);
	transcript.check(
		signedIn.cookies.every((one) =>
			["HttpOnly", "Secure", "SameSite=Strict"].every((attribute) =>
				one.split("; ").includes(attribute),
			),
		),
		"which no script can read and no other site can use",
		signedIn.cookies.map((one) => one.replace(/=[^;]*/, "=…")),
	);
	transcript.equal(
		nameAndRole(await ask(stage, "GET", cookies)),
		["grace", "admin"],
		"by her cookie the page knows who she is",
	);
	transcript.equal(
		await devicesAs(stage, cookies),
		200,
		"and the API answers what it asks for",
	);
	await refuses(stage, "the code of that session, again", good);
	const { subject, groups } = { subject: "grace", groups: ["admin"] };
	transcript.equal(
		await devicesAs(stage, {
			thinghz_session: await world.pool.token({
				subject,
				groups,
				clientId: "a-client-of-another-app",
			}),
		}),
		401,
		"a token that the pool made for another client is no session: 401",
	);

	const { thinghz_renewal = "" } = cookies;
	const renewed = await ask(stage, "PUT", { thinghz_renewal });
	transcript.equal(
		[renewed.status, await devicesAs(stage, cookiesOf(renewed))],
		[200, 200],
		"when the token has expired, the session goes on by its renewal",
	);
	const out = await ask(stage, "DELETE", cookies);
	const after = await ask(stage, "PUT", { thinghz_renewal });
	transcript.equal(
		[out.status, after.status],
		[204, 401],
		"until she signs out: then the pool renews it no more",
	);
}

/** Where the command waits for the browser, as the template has it. */
function callbackOf({ template }: Stage): readonly string[] {
	const id = template.output(OUTPUTS.cliClientId);
	const client = template.find(id, null, "AWS::Cognito::UserPoolClient");
	const urls = client === null ? [] : template.properties(client).CallbackURLs;
	return Array.isArray(urls) ? urls.map(String) : [];
}

/** What the pool sends a browser back with. @throws Error when it sends it elsewhere, or without a code */
async function visit(
	{ template, world }: Stage,
	hosted: HostedSignIn,
	callback = `${template.output(OUTPUTS.pageUrl)}/`,
): Promise<SignInCode> {
	const address = await authorizeUrl(hosted, BEGUN, callback);
	const response = await world.pool.visit(address);
	const location = response.headers.get("location") ?? "";
	const back = location.startsWith(callback)
		? readReturn(new URL(location).search, JSON.stringify(BEGUN), callback)
		: null;
	if (back?.is === "code") return back.proof;
	throw new Error(
		`The pool sends the browser to ${location}, which is no sign-in: ${JSON.stringify(back)}`,
	);
}

async function refuses(
	stage: Stage,
	what: string,
	proof: SignInCode,
): Promise<void> {
	const response = await ask(stage, "POST", {}, proof);
	const { type } = documentOf(response);
	stage.transcript.equal(
		[response.status, type, response.cookies.length],
		[401, "/problems/sign_in_failed", 0],
		`${what}: 401, and no cookie`,
	);
}

/** As the page asks for its session. */
async function ask(
	{ world }: Stage,
	method: string,
	cookies: Cookies,
	body?: unknown,
): Promise<ApiResponse> {
	const response = await world.browse(
		{
			method,
			uri: SESSION,
			query: {},
			headers: body === undefined ? {} : { "content-type": "application/json" },
			cookies,
		},
		body === undefined ? undefined : JSON.stringify(body),
	);
	if (response !== null) return response;
	throw new Error(`CloudFront does not bring ${SESSION} to the API.`);
}

async function devicesAs({ world }: Stage, cookies: Cookies) {
	const response = await world.browse({
		method: "GET",
		uri: "/v1/devices",
		query: {},
		headers: {},
		cookies,
	});
	return response?.status ?? null;
}

/** By name; those that are taken away are left out. */
function cookiesOf({ cookies }: ApiResponse): Cookies {
	return Object.fromEntries(
		cookies.flatMap((line) => {
			const [, name, value] = /^([^=]+)=([^;]+)/.exec(line) ?? [];
			return name === undefined || value === undefined ? [] : [[name, value]];
		}),
	);
}

function nameAndRole(response: ApiResponse): readonly unknown[] {
	const { name, role } = documentOf(response);
	return [name, role];
}

function documentOf({ body }: ApiResponse): Readonly<Record<string, unknown>> {
	const document: unknown = JSON.parse(body.toString() || "null");
	return isObject(document) ? document : {};
}
