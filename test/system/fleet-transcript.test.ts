/**
 * A node's life, by the commands that a person types: what docs/fleet.md shows of it is what this test saw. With
 * `WRITE_TRANSCRIPT=1` (`make transcript`) it writes that page; otherwise the page must be so, but for ids, times and sizes.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeProgramImage } from "../../firmware/image/program-image.ts";
import { firmwareImage } from "../../tools/build/image.ts";
import { writeSection } from "../../tools/build/page.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { Following, ROOT, thinghzJson } from "./support/command.ts";
import { Transcript, withoutChances } from "./support/transcript.ts";

const PAGE = join(ROOT, "docs/fleet.md");
const SECTION = "transcript";
const PASSPHRASE = "correct horse battery staple";
const WITHIN_MS = 110_000;

/** What `ota status` prints; or `jobs show`, whose `devices` are names. */
interface Shown {
	readonly devices?: readonly { readonly status: string }[];
	readonly executions?: readonly { readonly status: string }[];
}

interface Listed {
	readonly online: boolean;
	readonly firmware: string | null;
}

describe("a node's life, by commands", function () {
	this.timeout(300_000);
	const { dir, remove } = temporaryFolder();
	const data = join(dir, "data");
	const target = ["--target", `local:${data}`] as const;
	let cloud: CloudUnderTest;
	let node: Following;

	before(async () => {
		process.env.THINGHZ_OTA_PASSPHRASE = PASSPHRASE;
		mkdirSync(join(dir, "build"));
		cloud = await CloudUnderTest.start(data);
	});

	after(async () => {
		delete process.env.THINGHZ_OTA_PASSPHRASE;
		await node?.end("SIGTERM");
		await cloud?.stop();
		remove();
	});

	/** Waits for the end of all devices' part in a rollout, or a job. */
	async function ended(status: string, ...show: string[]): Promise<void> {
		const shown = await until(
			() => thinghzJson<Shown>(...show, ...target),
			(now) => partsOf(now).every((part) => isEnd(part.status)),
			WITHIN_MS,
		);
		assert.deepEqual(
			partsOf(shown).map((part) => part.status),
			[status],
		);
	}

	async function back(firmware: string): Promise<void> {
		await until(
			() => thinghzJson<Listed[]>("devices", ...target),
			([porch]) => porch?.online === true && porch.firmware === firmware,
			WITHIN_MS,
		);
	}

	it("is what docs/fleet.md shows", async () => {
		const page = new Transcript(dir, {
			[cloud.ready.mqtt]: "mqtts://127.0.0.1:8883",
		});
		page.say(
			"`npx thinghz up` runs in another terminal. A key for updates first, and a certificate; then the node, also in a terminal of its own " +
				"(`npx thinghz sim --identity data/things/porch`).",
		);
		await page.type("ota keygen");
		await page.type("ota trust ota-key.pub");
		await page.type("provision porch");
		node = new Following(
			...["sim", "--identity", join(data, "things/porch"), "--json", ...target],
			...["--endpoint", cloud.ready.mqtt, "--flash", join(dir, "flash")],
		);
		await node.line(({ event }) => event === "online");
		await back("0.1.0");

		page.say("**Configure.**");
		await page.type("config porch --set interval=5s");
		await until(
			() => thinghzJson<{ status: string }>("config", "porch", ...target),
			({ status }) => status === "taken",
			WITHIN_MS,
		);
		await page.type("config porch");

		page.say(
			"**Update**, with an image of the version 0.2.0 in `build/app.bin`.",
		);
		const image = join(dir, "build/app.bin");
		writeFileSync(image, firmwareImage({ board: "virtual", version: "0.2.0" }));
		await page.type("ota sign build/app.bin --board virtual");
		await page.type("ota publish build/app.bin");
		await page.type("ota rollout 0.2.0 --to porch");
		await ended("SUCCEEDED", "ota", "status", "update-0-2-0-virtual");
		await page.type("ota status update-0-2-0-virtual");
		// An update that came to its end over crashes has not gone well.
		assert.deepEqual(await thinghzJson("crashes", ...target), []);

		page.say(
			"**Roll back.** The version 0.3.0 crashes as it starts. The node starts it three times, runs 0.2.0 again each time, and says why.",
		);
		const broken = Buffer.from('throw new Error("This firmware is broken.");');
		writeFileSync(
			image,
			makeProgramImage(broken, { board: "virtual", version: "0.3.0" }),
		);
		await page.type("ota sign build/app.bin --board virtual");
		await page.type("ota publish build/app.bin");
		await page.type("ota rollout 0.3.0 --to porch");
		await ended("FAILED", "ota", "status", "update-0-3-0-virtual");
		await page.type("ota status update-0-3-0-virtual");
		await page.type("devices");

		page.say("**Rotate** its certificate.");
		writeFileSync(
			join(dir, "rotate.json"),
			JSON.stringify({ operation: "rotate", version: 1 }),
		);
		await page.type("jobs create rotate --document rotate.json --to porch");
		await ended("SUCCEEDED", "jobs", "show", "rotate");
		await page.type("jobs show rotate");

		page.say("**Revoke**: nobody can connect as porch any more.");
		await page.type("devices revoke porch");
		const text = page.text;
		const shown = readFileSync(PAGE, "utf8");
		const written = writeSection(shown, SECTION, text);
		if (process.env.WRITE_TRANSCRIPT === "1") writeFileSync(PAGE, written);
		else assert.equal(withoutChances(shown), withoutChances(written));
	});
});

function partsOf({ devices, executions }: Shown) {
	return executions ?? devices ?? [];
}

function isEnd(status: string): boolean {
	return status !== "QUEUED" && status !== "IN_PROGRESS";
}
