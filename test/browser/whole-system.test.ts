/** The page over the whole system: `thinghz up` with three simulated nodes, through its own sign-in link. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CloudUnderTest, temporaryFolder } from "../system/support/cloud.ts";
import { thinghz } from "../system/support/command.ts";
import { skipWithoutBrowser, visitDashboard } from "./visit-dashboard.ts";

describe("the page of thinghz up", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;

	before(async function () {
		skipWithoutBrowser(this);
		cloud = await CloudUnderTest.start(folder.dir, "--nodes", "3");
	});

	after(async () => {
		await (cloud as CloudUnderTest | undefined)?.stop();
		folder.remove();
	});

	it("shows three nodes and their charts moving, without an error", async () => {
		const visit = await visitDashboard({
			signInUrl: cloud.ready.signIn,
			screenshotsDir: join(folder.dir, "screenshots"),
		});
		assert.deepEqual(visit.devices, ["sim-1", "sim-2", "sim-3"]);
	});

	it("lets nobody in by a link that was used", async () => {
		const used = new URL(cloud.ready.signIn).hash.slice("#signin=".length);
		const exchange = (token: string) =>
			fetch(`${cloud.ready.http}/v1/session`, {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify({ token }),
			});
		assert.equal((await exchange(used)).status, 401);
		const { stdout } = await thinghz("signin", "--target", cloud.target);
		const fresh = new URL(stdout.trim()).hash.slice("#signin=".length);
		assert.ok((await exchange(fresh)).ok);
	});
});
