/** What this machine notifies by, as it is configured; and that a cloud whose configuration is wrong does not open. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryAlerts } from "../../core/fakes/memory-alerts.ts";
import { openLocalCloud } from "../cloud.ts";
import { loadNotifyConfig, NOTIFY_FILE, NotifyConfigError } from "./config.ts";
import { openNotifiers } from "./notifiers.ts";
import { loadPushKeys } from "./secrets.ts";

describe("the notifiers of one machine", () => {
	let dir = "";

	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-notifiers-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	function openWith(file: object) {
		writeFileSync(join(dir, NOTIFY_FILE), JSON.stringify(file));
		return openNotifiers({
			dir,
			config: loadNotifyConfig(dir, {}),
			store: memoryAlerts(() => undefined),
			clock: { nowMs: () => 0 },
			version: "1.0.0",
			onError: (error) => assert.fail(String(error)),
		});
	}

	it("are webhooks and browsers, and e-mail where a server is named", () => {
		assert.deepEqual(openWith({}).notifier.kinds, ["webhook", "push"]);
		const smtp = { host: "mail.example.org", from: "alerts@example.org" };
		assert.deepEqual(openWith({ smtp }).notifier.kinds, [
			"email",
			"webhook",
			"push",
		]);
	});

	it("let browsers subscribe with the key that is kept, and no telephones", () => {
		const { push } = openWith({});
		assert.equal(push.webKey, loadPushKeys(dir).publicKey);
		assert.deepEqual(push.platforms, []);
	});

	it("link to where the page is served, or to where people are said to reach it", () => {
		const plain = openWith({});
		assert.equal(plain.linkTo("cellar"), null);
		plain.servedAt("http://127.0.0.1:8080");
		assert.equal(
			plain.linkTo("cellar"),
			"http://127.0.0.1:8080/#/devices/cellar",
		);
		const configured = openWith({ page: "https://thinghz.example.org/" });
		configured.servedAt("http://127.0.0.1:8080");
		assert.equal(
			configured.linkTo("cellar"),
			"https://thinghz.example.org/#/devices/cellar",
		);
	});

	it("keep a cloud from opening when what they are configured by is wrong", async () => {
		writeFileSync(join(dir, NOTIFY_FILE), '{"smtp":{}}');
		await assert.rejects(
			openLocalCloud({
				dir,
				version: "1.0.0",
				onError: (error) => assert.fail(String(error)),
			}),
			(error) =>
				error instanceof NotifyConfigError &&
				error.message.includes("/smtp/host"),
		);
	});
});
