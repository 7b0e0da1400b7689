import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { someSettings } from "../../cloud/core/fakes/job-cloud.ts";
import type { EventDocument } from "../../protocol/documents.ts";
import { type DemoCloud, startDemoCloud } from "./demo-cloud.ts";
import {
	assertMoves,
	assertNoSidewaysScroll,
	chooseRange,
	collectErrors,
	launchBrowser,
	PHONE,
	skipWithoutBrowser,
	visitDashboard,
	WIDE,
	waitForPoints,
} from "./visit-dashboard.ts";

/** `THINGHZ_SCREENSHOTS=docs` puts the pictures where the README shows them. */
const SCREENSHOTS =
	process.env.THINGHZ_SCREENSHOTS ??
	mkdtempSync(join(tmpdir(), "thinghz-screenshots-"));

const UPDATE = {
	...someSettings({ jobId: "update-1-2-0-virtual" }),
	document: '{"operation":"update","version":1}',
};
const LOG: EventDocument = {
	type: "log",
	boot: 2,
	uptimeMs: 95_000,
	lines: [
		{
			number: 1,
			boot: 2,
			uptimeMs: 5_000,
			atMs: Date.now() - 600_000,
			level: "info",
			text: "Started: power_on.",
		},
		{
			number: 2,
			boot: 2,
			uptimeMs: 90_000,
			atMs: Date.now() - 500_000,
			level: "warn",
			text: "No connection: tcp",
		},
	],
};
const CRASHED: EventDocument = {
	type: "boot",
	journalId: "0000000000000002",
	boot: 4,
	resetReason: "out_of_memory",
	board: "virtual",
	firmware: "1.0.0",
	uptimeMs: 1200,
	crash: {
		reason: "out_of_memory",
		boot: 3,
		firmware: "1.0.0",
		uptimeMs: 3 * 3_600_000,
		atMs: Date.now() - 120_000,
		freeBytes: 1024,
		cause: "out of memory: at sample (firmware/node/sampler.ts:112)",
		untold: 0,
	},
};

describe("the dashboard in a browser", () => {
	let cloud: DemoCloud;
	let browser: Browser;
	let errors: string[];

	before(async function () {
		skipWithoutBrowser(this);
		cloud = await startDemoCloud(["greenhouse", "orchard", "roof"]);
		browser = await launchBrowser();
	});
	after(async () => {
		await browser?.close();
		await cloud?.close();
	});
	beforeEach(() => {
		errors = [];
	});
	afterEach(() => Promise.all(browser.contexts().map((c) => c.close())));

	async function open(
		url: string,
		options: BrowserContextOptions = { viewport: WIDE },
	): Promise<Page> {
		const page = await (await browser.newContext(options)).newPage();
		collectErrors(page, errors);
		await page.goto(url);
		return page;
	}

	it("shows devices, live charts and every range, wide and on a phone", async () => {
		const visit = await visitDashboard({
			signInUrl: cloud.signInUrl(),
			screenshotsDir: SCREENSHOTS,
		});
		assert.deepEqual(visit.devices, ["greenhouse", "orchard", "roof"]);
		assert.ok((visit.points["1 min"] ?? 0) >= 55);
		assert.ok((visit.points["15 min"] ?? 0) >= 890);
		assert.ok((visit.points["1 h"] ?? 0) >= 1_200);
		assert.ok((visit.points["1 d"] ?? 0) >= 280);
	});

	it("signs in once by a link, and says what to do when it has been used", async () => {
		const link = cloud.signInUrl();
		const first = await open(link);
		await first.locator(".device").first().waitFor();
		assert.deepEqual(errors, []);
		const second = await open(link);
		await second.getByRole("alert").waitFor();
		assert.match(
			(await second.getByRole("alert").textContent()) ?? "",
			/has been used/,
		);
		assert.match(
			(await second.locator("main").textContent()) ?? "",
			/npx thinghz signin/,
		);
		assert.equal(await second.locator(".device").count(), 0);
	});

	it("asks those who are not signed in for a link, without an error", async () => {
		const page = await open(cloud.url);
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		assert.deepEqual(errors, []);
	});

	it("forgets who was signed in at sign-out", async () => {
		const page = await open(cloud.signInUrl());
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		await page.reload();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		assert.deepEqual(errors, []);
	});

	it("opens a device and a range by their address, also after a reload", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device").first().waitFor();
		await page.goto(`${cloud.url}/#/devices/orchard?range=6h`);
		await page.getByRole("heading", { name: "orchard" }).waitFor();
		await waitForPoints(page, 1_000);
		await page.reload();
		await waitForPoints(page, 1_000);
		assert.deepEqual(errors, []);
	});

	it("goes back in time and forth again until it is live", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device", { hasText: "orchard" }).click();
		await chooseRange(page, "15 min");
		const later = page.getByRole("button", { name: "Later" });
		assert.ok(await later.isDisabled());
		await page.getByRole("button", { name: "Earlier" }).click();
		await page.getByRole("button", { name: "Go live" }).waitFor();
		// It was offline for a quarter of an hour: part of this window has no readings.
		await page.locator('.channels[aria-busy="false"]').first().waitFor();
		await later.click();
		await page.getByRole("button", { name: "● Live" }).waitFor();
		await waitForPoints(page, 800);
		assert.deepEqual(errors, []);
	});

	it("marks readings whose times are estimated", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device", { hasText: "roof" }).click();
		await chooseRange(page, "6 h");
		await page.getByText("Shaded: times are estimated").first().waitFor();
		assert.deepEqual(errors, []);
	});

	it("keeps the device's own health folded until it is asked for", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device", { hasText: "roof" }).click();
		await waitForPoints(page, 2);
		const heap = page.getByRole("region", { name: "Heap free" });
		assert.equal(await heap.count(), 0);
		await page.locator(".health summary").click();
		await heap.waitFor();
		const link = page.getByRole("region", { name: "Link" });
		const hint = page.getByText("choose 6 h or more");
		await hint.waitFor();
		await chooseRange(page, "6 h");
		await hint.waitFor({ state: "detached" });
		await link.locator(".current", { hasText: /wifi not found\s+3/ }).waitFor();
		await chooseRange(page, "1 d");
		await link.locator(".current", { hasText: /wifi not found\s+3/ }).waitFor();
		await heap.locator('.chart:not([data-points="0"])').waitFor();
		assert.deepEqual(errors, []);
	});

	it("shows a device's jobs, crashes and log, and asks for the log", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device", { hasText: "roof" }).click();
		await page.locator(".story summary").click();
		const crashes = page.getByRole("region", { name: "Crashes" });
		await crashes.getByText("None in the last 90 days.").waitFor();
		const log = page.getByRole("region", { name: "Log", exact: true });
		await log.getByText("Nothing yet.").waitFor();
		await page
			.getByRole("region", { name: "Latest jobs" })
			.getByText("None.")
			.waitFor();
		await page.screenshot({
			path: join(SCREENSHOTS, "story-calm.png"),
			fullPage: true,
		});

		await log.getByRole("button", { name: "Ask for the log" }).click();
		await log.getByRole("button", { name: "Asked for …" }).waitFor();
		const asked = await cloud.jobs.startNext("roof", {});
		assert.match(asked?.jobId ?? "", /^logs-[0-9a-f]{16}$/);
		await cloud.jobs.create({ ...UPDATE, targets: { things: ["roof"] } });
		await page
			.locator(".note.job", { hasText: `waits for ${asked?.jobId}` })
			.waitFor();
		await cloud.sendEvent("roof", LOG);
		await cloud.sendEvent("roof", CRASHED);
		await cloud.jobs.update("roof", asked?.jobId ?? "", {
			status: "SUCCEEDED",
		});
		await log.getByText("No connection: tcp").waitFor();
		await crashes.getByText("out of memory", { exact: true }).waitFor();
		await crashes
			.getByText("after 3 h, 1,024 B free, firmware 1.0.0")
			.waitFor();
		await cloud.jobs.startNext("roof", {});
		await cloud.jobs.update("roof", UPDATE.jobId, {
			status: "IN_PROGRESS",
			statusDetails: { step: "loading", progress: "40", version: "1.2.0" },
		});
		await page
			.locator(".note.job", { hasText: "loading 1.2.0, 40 %" })
			.waitFor();
		await assertNoSidewaysScroll(page);
		await page.screenshot({
			path: join(SCREENSHOTS, "story-wide.png"),
			fullPage: true,
		});
		await page.setViewportSize(PHONE);
		await assertNoSidewaysScroll(page);
		await page.screenshot({
			path: join(SCREENSHOTS, "story-phone.png"),
			fullPage: true,
		});
		await cloud.jobs.update("roof", UPDATE.jobId, {
			status: "FAILED",
			statusDetails: { reason: "wrong_board" },
		});
		await page
			.getByRole("region", { name: "Latest jobs" })
			.getByText("failed: wrong_board")
			.waitFor();
		await page.locator(".note.job").waitFor({ state: "detached" });
		assert.deepEqual(errors, []);
	});

	it("shows what went wrong, and tries again when told to", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device", { hasText: "roof" }).click();
		await waitForPoints(page, 2);
		await page.route("**/aggregate?*", (route) =>
			route.fulfill({
				status: 503,
				contentType: "application/problem+json",
				body: JSON.stringify({ detail: "The disk is full." }),
			}),
		);
		await page.getByRole("button", { name: "1 d", exact: true }).click();
		await page.getByRole("alert").getByText("The disk is full.").waitFor();
		await page.unroute("**/aggregate?*");
		await page.getByRole("button", { name: "Try again" }).click();
		await page.getByRole("alert").waitFor({ state: "detached" });
		await waitForPoints(page, 200);
	});

	it("says that the connection is lost, and goes on when it is back", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device", { hasText: "roof" }).click();
		await waitForPoints(page, 30);
		const bringBack = await cloud.interrupt();
		await page.getByText("Connection lost").waitFor();
		await bringBack();
		await page.getByText("Connection lost").waitFor({ state: "detached" });
		await assertMoves(page);
	});

	it("says that there is no such device, and nothing else", async () => {
		const page = await open(cloud.signInUrl());
		await page.locator(".device").first().waitFor();
		await page.goto(`${cloud.url}/#/devices/nowhere`);
		await page.getByRole("alert").getByText("nowhere").waitFor();
		assert.equal(await page.getByRole("button", { name: "1 h" }).count(), 0);
		assert.equal(await page.getByText("Connection lost").count(), 0);
		await page.getByRole("link", { name: "All devices" }).click();
		await page.locator(".device").first().waitFor();
	});

	it("can be used in the dark, by keyboard, on a phone", async () => {
		const page = await open(cloud.signInUrl(), {
			viewport: PHONE,
			colorScheme: "dark",
		});
		await page.locator(".device").first().focus();
		await page.keyboard.press("Enter");
		await waitForPoints(page, 2);
		await page.getByRole("button", { name: "1 h", exact: true }).focus();
		await page.keyboard.press("Space");
		await waitForPoints(page, 1_000);
		await assertNoSidewaysScroll(page);
		await page.screenshot({ path: join(SCREENSHOTS, "page-dark.png") });
		assert.deepEqual(errors, []);
	});
});

describe("the dashboard of a cloud that has just been set up", () => {
	before(function () {
		skipWithoutBrowser(this);
	});

	it("says how to get a device, and asks for a link when another cloud has taken its place", async () => {
		const cloud = await startDemoCloud([]);
		const browser = await launchBrowser();
		let other: DemoCloud | undefined;
		try {
			const errors: string[] = [];
			const page = await browser.newPage({ viewport: PHONE });
			collectErrors(page, errors);
			await page.goto(cloud.signInUrl());
			await page.getByText("No devices yet").waitFor();
			await page.getByText("npx thinghz sim").waitFor();
			await assertNoSidewaysScroll(page);
			assert.deepEqual(errors, []);
			await cloud.close();
			await page.getByText("Connection lost").waitFor();
			other = await startDemoCloud([], {
				port: Number(new URL(cloud.url).port),
			});
			await page.getByRole("heading", { name: "Sign in" }).waitFor();
		} finally {
			await browser.close();
			await cloud.close();
			await other?.close();
		}
	});
});
