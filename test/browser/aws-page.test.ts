/** The page in the shape that it has on AWS: sign-in at a user pool's page, and an API that streams nothing. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { ADMIN, FakeUserPool } from "../../cloud/aws/fakes/fake-user-pool.ts";
import { type DemoCloud, startDemoCloud } from "./demo-cloud.ts";
import {
	assertNoSidewaysScroll,
	collectErrors,
	launchBrowser,
	PHONE,
	skipWithoutBrowser,
	WIDE,
	waitForPoints,
} from "./visit-dashboard.ts";

const SCREENSHOTS =
	process.env.THINGHZ_SCREENSHOTS ??
	mkdtempSync(join(tmpdir(), "thinghz-screenshots-"));

/** From scripts, from anybody on the way, and from other sites. */
const HIDDEN = { httpOnly: true, secure: true, sameSite: "Strict" } as const;

describe("the page on AWS", () => {
	let pool: FakeUserPool;
	let cloud: DemoCloud;
	let browser: Browser;
	let context: BrowserContext;
	let errors: string[];

	before(async function () {
		skipWithoutBrowser(this);
		pool = await FakeUserPool.start();
		cloud = await startDemoCloud(["greenhouse", "roof"], { userPool: pool });
		browser = await launchBrowser();
	});
	after(async () => {
		await browser?.close();
		await cloud?.close();
		await pool?.close();
	});
	beforeEach(async () => {
		errors = [];
		pool.visitor = ADMIN;
		context = await browser.newContext({ viewport: WIDE });
	});
	afterEach(() => context.close());

	async function open(path = "/"): Promise<Page> {
		const page = await context.newPage();
		collectErrors(page, errors);
		await page.goto(cloud.url + path);
		return page;
	}

	const signInButton = (page: Page) =>
		page.getByRole("main").getByRole("button", { name: "Sign in" });

	it("signs in at the pool's page, comes back to where it was, and signs out there, too", async () => {
		const page = await open("/#/devices/roof?range=6h");
		await signInButton(page).waitFor();
		await page.screenshot({ path: join(SCREENSHOTS, "sign-in-wide.png") });
		await page.setViewportSize(PHONE);
		await assertNoSidewaysScroll(page);
		await page.screenshot({ path: join(SCREENSHOTS, "sign-in-phone.png") });
		await signInButton(page).click();
		await page.getByRole("heading", { name: "roof" }).waitFor();
		assert.equal(page.url(), `${cloud.url}/#/devices/roof?range=6h`);
		await waitForPoints(page, 1_000);
		await page.getByText("ada (admin)").waitFor();
		await assertNoSidewaysScroll(page);
		await page.screenshot({ path: join(SCREENSHOTS, "aws-phone.png") });
		const cookies = await context.cookies();
		assert.deepEqual(
			cookies
				.map(({ name, path, httpOnly, secure, sameSite }) => ({
					...{ name, path, httpOnly, secure, sameSite },
				}))
				.sort((a, b) => (a.name < b.name ? -1 : 1)),
			[
				{ name: "thinghz_renewal", path: "/v1/session", ...HIDDEN },
				{ name: "thinghz_session", path: "/", ...HIDDEN },
			],
		);
		await page.getByRole("button", { name: "Sign out" }).click();
		await signInButton(page).waitFor();
		assert.deepEqual(await context.cookies(), []);
		assert.equal(pool.revoked.size, 1);
		assert.deepEqual(errors, []);
	});

	it("shows what was stored meanwhile, without a stream", async () => {
		const page = await open();
		await signInButton(page).click();
		await page.locator(".device").first().waitFor();
		await page.screenshot({ path: join(SCREENSHOTS, "aws-wide.png") });
		await page.locator(".device", { hasText: "roof" }).click();
		await waitForPoints(page, 1_000);
		const chart = page.locator(".chart").first();
		const before = Number(await chart.getAttribute("data-points"));
		await page.waitForResponse((response) =>
			response.url().includes("/blocks"),
		);
		await cloud.sendBlock();
		await waitForPoints(page, before + 1);
		assert.deepEqual(errors, []);
	});

	it("goes on by itself when the session has expired", async () => {
		const page = await open();
		await signInButton(page).click();
		await page.locator(".device").first().waitFor();
		await context.clearCookies({ name: "thinghz_session" });
		await page.locator(".device", { hasText: "roof" }).click();
		await waitForPoints(page, 1_000);
		const names = (await context.cookies()).map(({ name }) => name);
		assert.ok(names.includes("thinghz_session"));
		await context.clearCookies({ name: "thinghz_session" });
		await page.reload();
		await page.getByText("ada (admin)").waitFor();
	});

	it("says why nobody was signed in, and takes no code that it did not ask for", async () => {
		pool.visitor = null;
		const page = await open();
		await signInButton(page).click();
		await page.getByRole("alert").getByText("The visitor declined").waitFor();
		assert.equal(page.url(), `${cloud.url}/`);
		const forged = await open("/?code=made-up&state=x");
		await forged.getByRole("alert").getByText("not begun in this").waitFor();
		assert.deepEqual(await context.cookies(), []);
		assert.deepEqual(errors, []);
	});

	it("shows a viewer what is shared with them, and says so when that is nothing", async () => {
		pool.visitor = { ...ADMIN, sub: "viewer-1", username: "bob", groups: [] };
		const page = await open();
		await signInButton(page).click();
		await page.getByText("Nothing is shared with you yet").waitFor();
		await page.getByText("bob (viewer)").waitFor();
		await cloud.grants.grant("viewer-1", "roof");
		await page.reload();
		await page.locator(".device").first().waitFor();
		assert.deepEqual(await page.locator(".device h2").allTextContents(), [
			"roof",
		]);
		assert.deepEqual(errors, []);
	});
});
