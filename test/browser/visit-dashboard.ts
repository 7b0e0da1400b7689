/** Visits a dashboard as a person would, with a real browser, and checks what that person would see. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

/** As much as is used here of the page's document, inside functions that run in the page. */
declare const document: {
	querySelector(selector: string): {
		readonly textContent: string | null;
		getAttribute(name: string): string | null;
	} | null;
	readonly documentElement: {
		readonly scrollWidth: number;
		readonly clientWidth: number;
	};
};

const CHROMIUM_PATHS = [
	"/usr/bin/chromium",
	"/usr/bin/chromium-browser",
	"/usr/bin/google-chrome",
];
const CHROMIUM_ARGS = [
	"--headless",
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];
export const WIDE = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

const NO_BROWSER =
	"The test of the page needs Chromium: apt-get install chromium, or set CHROMIUM to its path.";

function chromiumPath(): string | undefined {
	return (
		process.env.CHROMIUM ?? CHROMIUM_PATHS.find((path) => existsSync(path))
	);
}

/** Skips a suite where there is no browser, and says how to get one. In CI every test runs: there it fails instead. */
export function skipWithoutBrowser(context: Mocha.Context): void {
	if (chromiumPath() !== undefined || process.env.CI === "true") return;
	console.log(NO_BROWSER);
	context.skip();
}

/** @throws Error that says how to get a browser when there is none */
export function launchBrowser(): Promise<Browser> {
	const executablePath = chromiumPath();
	if (executablePath === undefined) throw new Error(NO_BROWSER);
	return chromium.launch({ executablePath, args: CHROMIUM_ARGS });
}

/** Collects what the page writes to the console as an error, and what it throws. */
export function collectErrors(page: Page, errors: string[]): void {
	page.on("console", (message) => {
		if (message.type() === "error") errors.push(message.text());
	});
	page.on("pageerror", (error) => errors.push(String(error)));
}

export interface Visit {
	/** Names of the devices in the list. */
	readonly devices: readonly string[];
	/** Points on the first chart of the first device, by range. */
	readonly points: Readonly<Record<string, number>>;
}

/**
 * Signs in, looks at the list and at a device, over every range, wide and on a phone.
 * The cloud must have a device in live mode. Screenshots: `page-wide.png` and `page-phone.png` show a device,
 * `devices-wide.png` and `devices-phone.png` the list.
 * @param options.device the device to look at; the first in the list unless told
 * @throws AssertionError when something is not as it should be: an error in the console, an empty chart, a page that
 *   scrolls sideways, a live chart that stands still
 */
export async function visitDashboard(options: {
	readonly signInUrl: string;
	readonly screenshotsDir: string;
	readonly device?: string;
}): Promise<Visit> {
	mkdirSync(options.screenshotsDir, { recursive: true });
	const shot = (name: string) => join(options.screenshotsDir, name);
	const errors: string[] = [];
	const browser = await launchBrowser();
	try {
		const wide = await browser.newContext({ viewport: WIDE });
		const page = await wide.newPage();
		collectErrors(page, errors);
		await page.goto(options.signInUrl);
		await page.locator(".device .tile .value").first().waitFor();
		assert.ok(
			!page.url().includes("signin"),
			"the token is taken out of the address",
		);
		const devices = await page.locator(".device h2").allTextContents();
		await page.locator(".spark polyline").first().waitFor();
		await assertNoSidewaysScroll(page);
		await page.screenshot({
			path: shot("devices-wide.png"),
			animations: "disabled",
		});

		const device = options.device ?? devices[0] ?? "";
		await page.locator(".device", { hasText: device }).first().click();
		await waitForPoints(page, 2);
		await assertMoves(page);
		const points: Record<string, number> = {};
		for (const range of await page
			.locator(".ranges button")
			.allTextContents()) {
			points[range] = await chooseRange(page, range);
		}
		assert.ok((points["15 min"] ?? 0) > 0, "a quarter of an hour has points");
		// A cloud that has just started has a fuller picture of its last minute.
		const pictured = (points["15 min"] ?? 0) >= 600 ? "15 min" : "1 min";
		await chooseRange(page, pictured);
		await page.screenshot({
			path: shot("page-wide.png"),
			animations: "disabled",
		});
		await page.getByRole("button", { name: "Earlier" }).click();
		await page.getByRole("button", { name: "Go live" }).click();
		await waitForPoints(page, 2);

		const phone = await browser.newContext({
			viewport: PHONE,
			isMobile: true,
			hasTouch: true,
			storageState: await wide.storageState(),
		});
		const small = await phone.newPage();
		collectErrors(small, errors);
		await small.goto(new URL("/", options.signInUrl).href);
		await small.locator(".spark polyline").first().waitFor();
		await assertNoSidewaysScroll(small);
		await small.screenshot({
			path: shot("devices-phone.png"),
			animations: "disabled",
		});
		await small.locator(".device", { hasText: device }).first().click();
		await waitForPoints(small, 2);
		await chooseRange(small, pictured);
		await assertNoSidewaysScroll(small);
		await small.screenshot({
			path: shot("page-phone.png"),
			animations: "disabled",
		});

		assert.deepEqual(errors, [], "the console has no errors");
		return { devices, points };
	} finally {
		await browser.close();
	}
}

/** Waits until the first chart has at least so many points. */
export async function waitForPoints(page: Page, count: number): Promise<void> {
	await page.waitForFunction((least) => {
		const chart = document.querySelector(".chart");
		return Number(chart?.getAttribute("data-points") ?? 0) >= least;
	}, count);
}

/** @returns how many points the first chart then has; 0 where the range has none */
export async function chooseRange(page: Page, label: string): Promise<number> {
	await page.getByRole("button", { name: label, exact: true }).click();
	await page
		.locator(`.ranges button[aria-pressed="true"]`, { hasText: label })
		.waitFor();
	await page.locator('.channels[aria-busy="false"]').first().waitFor();
	const chart = page.locator(".chart").first();
	return Number(await chart.getAttribute("data-points"));
}

/** A live chart moves: the window goes on, and so does the value. */
export async function assertMoves(page: Page): Promise<void> {
	for (const selector of [".window", ".current .value"]) {
		const before = await page.locator(selector).first().textContent();
		await page.waitForFunction(
			([at, old]) => document.querySelector(at)?.textContent !== old,
			[selector, before ?? ""] as const,
		);
	}
}

export async function assertNoSidewaysScroll(page: Page): Promise<void> {
	const { content, viewport } = await page.evaluate(() => ({
		content: document.documentElement.scrollWidth,
		viewport: document.documentElement.clientWidth,
	}));
	assert.ok(
		content <= viewport,
		`the page is ${content} px wide in a window of ${viewport} px`,
	);
}
