/** What docs/notifications.md shows is so: the configuration loads, the document is the one that is posted, the check checks. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { signWebhook, webhookDocument } from "../../core/alerts/webhook.ts";
import { notificationOf } from "../../core/contracts/notifier.ts";
import { loadNotifyConfig, NOTIFY_FILE } from "./config.ts";

const PAGE = readFileSync(
	new URL("../../../docs/notifications.md", import.meta.url),
	"utf8",
);

function block(language: string, index = 0): string {
	const fence = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g");
	return [...PAGE.matchAll(fence)][index]?.[1] ?? "";
}

describe("docs/notifications.md", () => {
	let dir = "";

	before(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-notify-docs-"));
	});
	after(() => rmSync(dir, { recursive: true }));

	it("shows a notify.json that can be used", () => {
		writeFileSync(join(dir, NOTIFY_FILE), block("json"));
		writeFileSync(join(dir, "smtp-password"), "secret", { mode: 0o600 });
		const config = loadNotifyConfig(dir, {});
		assert.equal(config.smtp?.login?.password, "secret");
		assert.equal(config.page, "https://thinghz.example.org");
	});

	it("shows the document that is posted", () => {
		const shown = JSON.parse(block("json", 1)) as Record<string, unknown>;
		const posted = JSON.parse(
			JSON.stringify(webhookDocument(notificationOf())),
		);
		assert.deepEqual({ ...shown, id: "" }, { ...posted, id: "" });
	});

	it("shows how to check a signature, which refuses what is not ours, changed or old", async () => {
		const path = join(dir, "check.mjs");
		writeFileSync(path, `${block("js")}\nexport { isFromThinghz };\n`);
		const { isFromThinghz } = (await import(pathToFileURL(path).href)) as {
			isFromThinghz(secret: string, header: string, body: string): boolean;
		};
		const nowS = Math.floor(Date.now() / 1_000);
		const sign = (timeS: number) =>
			signWebhook("secret", timeS, new TextEncoder().encode("body"));
		const header = await sign(nowS);
		assert.equal(isFromThinghz("secret", header, "body"), true);
		assert.equal(isFromThinghz("secret", header, "bodY"), false);
		assert.equal(isFromThinghz("other", header, "body"), false);
		assert.equal(
			isFromThinghz("secret", await sign(nowS - 600), "body"),
			false,
		);
		assert.equal(
			isFromThinghz(
				"secret",
				header.replace(`t=${nowS}`, `t=${nowS + 1}`),
				"body",
			),
			false,
		);
		assert.equal(isFromThinghz("secret", "", "body"), false);
	});
});
