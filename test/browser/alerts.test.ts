/** Alerts on the page: a rule is made by the form, fires, is shown where it matters, and is removed. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { type DemoCloud, startDemoCloud } from "./demo-cloud.ts";
import {
	assertNoSidewaysScroll,
	collectErrors,
	launchBrowser,
	PHONE,
	skipWithoutBrowser,
	WIDE,
} from "./visit-dashboard.ts";

const SCREENSHOTS =
	process.env.THINGHZ_SCREENSHOTS ??
	mkdtempSync(join(tmpdir(), "thinghz-screenshots-"));

describe("alerts in a browser", () => {
	let cloud: DemoCloud;
	let browser: Browser;
	let page: Page;
	const errors: string[] = [];

	before(async function () {
		skipWithoutBrowser(this);
		cloud = await startDemoCloud(["greenhouse", "orchard"]);
		browser = await launchBrowser();
		page = await (await browser.newContext({ viewport: WIDE })).newPage();
		collectErrors(page, errors);
		await page.goto(cloud.signInUrl());
		await page.locator(".device").first().waitFor();
	});
	after(async () => {
		await browser?.close();
		await cloud?.close();
	});

	/** Looks at what is shown on a large and on a small screen. */
	async function look(name: string): Promise<void> {
		for (const [size, viewport] of [
			["wide", WIDE],
			["phone", PHONE],
		] as const) {
			await page.setViewportSize(viewport);
			await assertNoSidewaysScroll(page);
			await page.screenshot({
				path: join(SCREENSHOTS, `${name}-${size}.png`),
				fullPage: true,
			});
		}
		await page.setViewportSize(WIDE);
	}

	it("says what is wrong with a rule, and makes one that is right", async () => {
		await page.getByRole("link", { name: "Alerts" }).click();
		await page.getByText("There are no rules yet.").waitFor();
		await page.getByText("New rule").click();
		const form = page.locator(".rule-form");
		await form.getByRole("button").click();
		await form.getByRole("alert").waitFor();
		assert.match(
			(await form.getByRole("alert").textContent()) ?? "",
			/Give the rule a name/,
		);
		await form.getByLabel("Name").fill("Greenhouse too warm");
		await form.getByLabel("Device").selectOption("greenhouse");
		await form.getByLabel("Channel").fill("temperature");
		await form.getByLabel("Limit").fill("-40");
		await form.getByLabel("For how many minutes").fill("0");
		await form.getByLabel("Webhook").fill("ftp://example.org");
		await look("alerts-form");
		await form.getByRole("button").click();
		await form.getByRole("alert").waitFor();
		await form.getByLabel("Webhook").fill("https://example.org/hook");
		await form.getByRole("button").click();
		const rule = page.locator(".row", { hasText: "temperature above -40" });
		await rule.waitFor();
		assert.match(
			(await rule.textContent()) ?? "",
			/Greenhouse too warm.*greenhouse.*tells example\.org/,
		);
		await rule.getByRole("button", { name: "Test" }).click();
		await rule.getByText("All have been told.").waitFor();
	});

	it("shows what fires at once, on the list, the device and among the alerts", async () => {
		await cloud.sendBlock();
		await page.locator(".badge.firing").first().waitFor();
		await page.locator(".row", { hasText: "temperature is" }).waitFor();
		await look("alerts");
		await page.getByRole("link", { name: "← All devices" }).click();
		const card = page.locator(".device", { hasText: "greenhouse" });
		await card.locator(".badge.firing").waitFor();
		assert.match(
			(await card.textContent()) ?? "",
			/Greenhouse too warm: temperature above -40 °C, since/,
		);
		const other = page.locator(".device", { hasText: "orchard" });
		assert.equal(await other.locator(".badge").count(), 0);
		await look("alerts-list");
		await card.click();
		await page.locator(".note .badge.firing").waitFor();
		await look("alerts-device");
	});

	it("takes a rule away, and with it what it had fired", async () => {
		await page.locator(".note").getByRole("link", { name: "Alerts" }).click();
		page.once("dialog", (dialog) => void dialog.accept());
		await page
			.getByRole("button", { name: "Remove Greenhouse too warm" })
			.click();
		await page.getByText("There are no rules yet.").waitFor();
		await page.getByText("No alert is firing.").waitFor();
		await page.getByText("The rule has been removed.").waitFor();
		assert.deepEqual(
			errors.filter((error) => !/400/.test(error)),
			[],
		);
	});
});
