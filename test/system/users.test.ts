/** People whom `thinghz users` has made, on a cloud that runs. */
import assert from "node:assert/strict";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

describe("thinghz users", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		for (const name of ["roof", "cellar"]) {
			await thinghzJson("provision", name, "--target", cloud.target);
		}
	});
	after(async () => {
		await cloud?.stop();
		folder.remove();
	});

	const users = <T>(...args: string[]) =>
		thinghzJson<T>("users", ...args, "--target", cloud.target);

	/** Signs in by a link, as the page does. @returns the cookie */
	async function signIn(link: string): Promise<string> {
		const response = await fetch(`${cloud.ready.http}/v1/session`, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ token: link.split("#signin=")[1] }),
		});
		assert.equal(response.status, 200);
		return response.headers.get("set-cookie")?.split(";")[0] ?? "";
	}

	async function devicesSeen(headers: Record<string, string>) {
		const url = `${cloud.ready.http}/v1/devices`;
		const response = await fetch(url, { headers });
		if (!response.ok) return response.status;
		const { devices } = (await response.json()) as {
			devices: { name: string }[];
		};
		return devices.map(({ name }) => name);
	}

	it("lets somebody in who was added, to what is shared with them, until they are removed", async () => {
		await users("add", "ada", "--role", "viewer");
		await users("grant", "ada", "roof");
		const [ada] =
			await users<{ name: string; role: string; devices: string[] }[]>("list");
		assert.deepEqual(
			[ada?.name, ada?.role, ada?.devices],
			["ada", "viewer", ["roof"]],
		);
		const as = ["--user", "ada", "--target", cloud.target];
		const link = await thinghzJson<{ signIn: string }>("signin", ...as);
		const { token } = await thinghzJson<{ token: string }>(
			"signin",
			"--token",
			...as,
		);
		const cookie = await signIn(link.signIn);
		const bearer = { Authorization: `Bearer ${token}` };
		assert.deepEqual(await devicesSeen({ Cookie: cookie }), ["roof"]);
		assert.deepEqual(await devicesSeen(bearer), ["roof"]);
		await users("revoke", "ada", "roof");
		assert.deepEqual(await devicesSeen({ Cookie: cookie }), []);
		await users("remove", "ada");
		assert.equal(await devicesSeen({ Cookie: cookie }), 401);
		assert.equal(await devicesSeen(bearer), 401);
		assert.deepEqual(await users("list"), []);
	});

	for (const [args, code, said] of [
		[["add", "bob", "--role", "owner"], 2, /"owner" is no role/],
		[["grant", "nobody", "roof"], 1, /nobody named "nobody"/],
	] as const) {
		it(`ends with ${code} on users ${args.join(" ")}`, async () => {
			const outcome = await thinghz("users", ...args, "--target", cloud.target);
			assert.equal(outcome.code, code, outcome.stderr);
			assert.match(outcome.stderr, said);
		});
	}

	it("signs nobody in who was not added", async () => {
		const { code, stderr } = await thinghz(
			...["signin", "--user", "eve", "--target", cloud.target],
		);
		assert.equal(code, 1);
		assert.match(stderr, /nobody named "eve"/);
	});
});
