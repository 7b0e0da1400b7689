/**
 * Notifications in a real browser: the control in each of its states, and what the service worker shows. A browser's push
 * service is on the Internet, so the browser's subscribing is played here, and messages are handed to the worker by the
 * browser's own debugging protocol.
 */
import assert from "node:assert/strict";
import { createECDH, randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { readPushMessage } from "../../cloud/web/push-message.ts";
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
	mkdtempSync(join(tmpdir(), "thinghz-push-screenshots-"));

const TURN_ON = { name: "Notify me on this browser" };
const TURN_OFF = { name: "Stop notifying me here" };

/** What a browser's subscription would be, kept as long as the page's storage. */
const SUBSCRIPTION = {
	endpoint: "https://push.example.org/one",
	keys: {
		p256dh: createECDH("prime256v1").generateKeys().toString("base64url"),
		auth: randomBytes(16).toString("base64url"),
	},
};

const PLAYED_PUSH = `
	window.worker = () => navigator.serviceWorker.ready;
	const made = () => ({
		endpoint: ${JSON.stringify(SUBSCRIPTION.endpoint)},
		toJSON: () => (${JSON.stringify(SUBSCRIPTION)}),
		unsubscribe: async () => { localStorage.removeItem("played"); return true; },
	});
	PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
		if (!userVisibleOnly || applicationServerKey.length !== 87) throw new TypeError("no key");
		localStorage.setItem("played", "1");
		return made();
	};
	PushManager.prototype.getSubscription = async () =>
		localStorage.getItem("played") ? made() : null;
`;

interface Shown {
	readonly title: string;
	readonly body: string;
}

describe("notifications in a browser", () => {
	let cloud: DemoCloud;
	let browser: Browser;
	let context: BrowserContext;
	let errors: string[];

	before(async function () {
		skipWithoutBrowser(this);
		cloud = await startDemoCloud(["greenhouse", "cellar"]);
		browser = await launchBrowser();
	});
	after(async () => {
		await browser?.close();
		await cloud?.close();
	});
	beforeEach(() => {
		errors = [];
	});
	afterEach(() => context?.close());

	async function open(
		options: {
			readonly script?: string;
			readonly granted?: boolean;
			readonly viewport?: typeof WIDE;
		} = {},
	): Promise<Page> {
		const { script, granted = true, viewport = WIDE } = options;
		context = await browser.newContext({ viewport });
		if (granted) {
			await context.grantPermissions(["notifications"], { origin: cloud.url });
		}
		if (script !== undefined) await context.addInitScript(script);
		const page = await context.newPage();
		collectErrors(page, errors);
		await page.goto(cloud.signInUrl());
		await page.locator(".device").first().waitFor();
		return page;
	}

	it("are turned on and off, and stay as they are over a reload", async () => {
		const page = await open({ script: PLAYED_PUSH });
		await page.getByRole("button", TURN_ON).click();
		await page.getByRole("button", TURN_OFF).waitFor();
		await page.reload();
		await page.getByRole("button", TURN_OFF).waitFor();
		await page.locator(".spark polyline").first().waitFor();
		await page.screenshot({ path: join(SCREENSHOTS, "push-on-wide.png") });
		await page.getByRole("button", TURN_OFF).click();
		await page.getByRole("button", TURN_ON).waitFor();
		assert.deepEqual(errors, []);
	});

	it("fit on a phone", async () => {
		const page = await open({ script: PLAYED_PUSH, viewport: PHONE });
		const button = page.getByRole("button", TURN_ON);
		await button.scrollIntoViewIfNeeded();
		await assertNoSidewaysScroll(page);
		await page.screenshot({ path: join(SCREENSHOTS, "push-off-phone.png") });
		assert.deepEqual(errors, []);
	});

	it("are turned off by signing out", async () => {
		const page = await open({ script: PLAYED_PUSH });
		await page.getByRole("button", TURN_ON).click();
		await page.getByRole("button", TURN_OFF).waitFor();
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByRole("heading", { name: "Sign in" }).waitFor();
		await page.goto(cloud.signInUrl());
		await page.getByRole("button", TURN_ON).waitFor();
		assert.deepEqual(errors, []);
	});

	it("say that the browser could not subscribe, and can be tried again", async () => {
		const page = await open({
			script: `PushManager.prototype.subscribe = async () => {
				throw new DOMException("Registration failed - push service error", "AbortError");
			};`,
		});
		await page.getByRole("button", TURN_ON).click();
		await page.getByText("could not reach its push service").waitFor();
		await page.getByRole("button", { name: "Try again" }).click();
		await page.getByRole("button", TURN_ON).waitFor();
	});

	for (const [what, script, sentence] of [
		[
			"the page is neither from https nor from this machine",
			'Object.defineProperty(window, "isSecureContext", { value: false });',
			"https",
		],
		["the browser has no push", "delete window.PushManager;", "cannot show"],
		[
			"the person has said no",
			'Object.defineProperty(Notification, "permission", { get: () => "denied" });',
			"was told not to",
		],
	] as const) {
		it(`say that ${what}`, async () => {
			const page = await open({ script });
			await page.locator(".push").getByText(sentence).waitFor();
			assert.equal(await page.locator(".push button").count(), 0);
			assert.deepEqual(errors, []);
		});
	}

	it("say that the person said no when asked", async () => {
		const page = await open({
			script: `Object.defineProperty(Notification, "permission", { get: () => "default" });
				Notification.requestPermission = async () => "denied";`,
		});
		await page.getByRole("button", TURN_ON).click();
		await page.locator(".push").getByText("was told not to").waitFor();
	});

	it("say that the cloud does not send to browsers", async () => {
		const page = await open({
			script: `const real = window.fetch;
				window.fetch = (path, init) => path === "/v1/push/key"
					? Promise.resolve(new Response("{}", { status: 404 }))
					: real(path, init);`,
		});
		await page.locator(".push").getByText("does not send").waitFor();
		assert.deepEqual(errors, []);
	});

	it("are shown once each by the worker, newer ones in place of older ones, and lead to the device", async () => {
		const page = await open({ script: PLAYED_PUSH });
		await page.getByRole("button", TURN_ON).click();
		await page.getByRole("button", TURN_OFF).waitFor();
		const push = await pusherOf(page, cloud.url);
		const message = {
			id: "e1",
			tag: "one",
			title: "Too warm: cellar",
			body: "temperature is 9 °C.",
			device: "cellar",
			status: "firing",
			at: "2026-03-01T12:00:00.000Z",
			link: "https://elsewhere.example.org/",
		};
		await push(JSON.stringify(message));
		await push(JSON.stringify(message));
		await assertShown(page, [message]);
		const resolved = {
			...message,
			id: "e2",
			status: "resolved",
			body: "Over.",
		};
		await push(JSON.stringify(resolved));
		await assertShown(page, [resolved]);
		await push("what nobody can read");
		await assertShown(page, [
			resolved,
			readPushMessage("what nobody can read"),
		]);

		const [serviceWorker] = context.serviceWorkers();
		// Only a person's click lets a worker bring a window to the front: that is refused here, after the view has changed.
		await serviceWorker?.evaluate(async () => {
			const scope = globalThis as unknown as WorkerScope;
			const [notification] = await scope.registration.getNotifications({
				tag: "one",
			});
			scope.dispatchEvent(
				new scope.NotificationEvent("notificationclick", { notification }),
			);
		});
		await page.getByRole("heading", { name: "cellar" }).waitFor();
		assert.ok(page.url().startsWith(cloud.url));
	});
});

interface Registration {
	getNotifications(options?: { readonly tag: string }): Promise<Shown[]>;
}

interface WorkerScope {
	readonly registration: Registration;
	readonly NotificationEvent: new (
		type: string,
		init: { readonly notification: Shown | undefined },
	) => Event;
	dispatchEvent(event: Event): boolean;
}

/** In the page; defined by `PLAYED_PUSH`. */
declare function worker(): Promise<Registration>;

/** @returns what hands a message to the page's worker as a push service would */
async function pusherOf(
	page: Page,
	origin: string,
): Promise<(data: string) => Promise<void>> {
	const session = await page.context().newCDPSession(page);
	const registrationId = new Promise<string>((resolve) => {
		session.on("ServiceWorker.workerRegistrationUpdated", (event) => {
			const [registration] = event.registrations;
			if (registration !== undefined) resolve(registration.registrationId);
		});
	});
	await session.send("ServiceWorker.enable");
	const id = await registrationId;
	return async (data) => {
		await session.send("ServiceWorker.deliverPushMessage", {
			origin,
			registrationId: id,
			data,
		});
	};
}

/**
 * Waits until these are shown and no others: a browser takes a notification away, and shows the one in its place, in its
 * own time.
 */
async function assertShown(
	page: Page,
	expected: readonly Pick<Shown, "title" | "body">[],
): Promise<void> {
	const wanted = expected.map(({ title, body }) => `${title}: ${body}`).sort();
	try {
		await page.waitForFunction(
			async (text) =>
				JSON.stringify(
					(await (await worker()).getNotifications())
						.map(({ title, body }) => `${title}: ${body}`)
						.sort(),
				) === text,
			JSON.stringify(wanted),
		);
	} catch (cause) {
		const shown = await page.evaluate(async () =>
			(await (await worker()).getNotifications()).map(
				({ title, body }) => `${title}: ${body}`,
			),
		);
		assert.deepEqual(shown.sort(), wanted, String(cause));
	}
}
