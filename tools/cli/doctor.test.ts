import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { examine, type Finding, notifications, qemuBoard } from "./doctor.ts";

describe("what doctor finds", () => {
	let dir: string;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-doctor-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	const look = () =>
		examine({
			root: dir,
			dir,
			host: "127.0.0.1",
			mqttPort: 0,
			httpPort: 0,
			nowMs: Date.now(),
		});
	const verdictOn = (findings: readonly Finding[], check: string) =>
		findings.find((finding) => finding.check === check)?.verdict;

	it("is that a certificate cannot be read, and everything after it too", async () => {
		for (const thing of ["porch", "shed"]) {
			mkdirSync(join(dir, "things", thing), { recursive: true });
		}
		mkdirSync(join(dir, "things", "porch", "certificate.pem"));
		writeFileSync(join(dir, "things", "shed", "certificate.pem"), "?");
		writeFileSync(join(dir, "up.json"), '{"pid":');
		const findings = await look();
		assert.equal(verdictOn(findings, "certificate of porch"), "fail");
		assert.equal(verdictOn(findings, "certificate of shed"), "fail");
		assert.equal(verdictOn(findings, "HTTP port"), "ok");
	});

	it("is that a check could not be made, where it could not", async () => {
		writeFileSync(join(dir, "things"), "");
		const findings = await look();
		const finding = findings.find(({ check }) => check === "certificates");
		assert.equal(finding?.verdict, "fail");
		assert.match(finding?.seen ?? "", /cannot be checked: ENOTDIR/);
		assert.equal(verdictOn(findings, "MQTT port"), "ok");
	});

	it("is how people are notified, and what notify.json has wrong", () => {
		const check = () => notifications("notifications", dir, { P: "hunter2" });
		assert.equal(check().verdict, "ok");
		assert.match(check().seen, /no e-mail/);
		const path = join(dir, "notify.json");
		const smtp = { host: "mail.example.org", from: "alerts@example.org" };
		const login = { user: "alerts", passwordEnv: "P" };
		writeFileSync(path, JSON.stringify({ smtp: { ...smtp, ...login } }));
		assert.deepEqual(check(), {
			check: "notifications",
			verdict: "ok",
			seen: "e-mail by mail.example.org:587 (starttls, as alerts), webhooks, web push (contact mailto:alerts@example.org)",
			mend: null,
		});
		writeFileSync(path, JSON.stringify({ smtp: { host: "a" } }));
		const { verdict, seen, mend } = check();
		assert.equal(verdict, "fail");
		assert.ok(seen.includes(path) && seen.includes("/smtp/from"), seen);
		assert.match(mend ?? "", /docs\/notifications\.md/);
	});

	it("is that the QEMU board lacks QEMU, or its image, and that neither is a failure", () => {
		const lookFor = (path: string) => qemuBoard("QEMU board", dir, path);
		const none = lookFor(dir);
		assert.equal(none.verdict, "warn");
		assert.match(none.mend ?? "", /^sudo apt-get install .*&& make qemu$/);
		writeFileSync(join(dir, "qemu-system-riscv32"), "", { mode: 0o755 });
		assert.deepEqual(lookFor(dir), {
			check: "QEMU board",
			verdict: "warn",
			seen: "not built",
			mend: "make qemu",
		});
		mkdirSync(join(dir, "dist", "qemu"), { recursive: true });
		writeFileSync(join(dir, "dist", "qemu", "flash.img"), "");
		assert.equal(lookFor(dir).verdict, "ok");
	});
});
