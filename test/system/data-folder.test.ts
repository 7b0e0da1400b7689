/** Data folders that a cloud must not serve, and how one that it serves is left. */
import assert from "node:assert/strict";
import {
	cpSync,
	existsSync,
	rmSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { DATABASE_FILE } from "../../cloud/local/sqlite/stores.ts";
import { SeededRandom } from "../../firmware/boards/virtual/peripherals/random.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { type Outcome, thinghz } from "./support/command.ts";
import { provisionThings } from "./support/nodes.ts";
import { Pusher } from "./support/pusher.ts";

const FREE_PORTS = ["--mqtt-port", "0", "--http-port", "0"];
const START_MS = Date.UTC(2026, 0, 1);

describe("A data folder", () => {
	const folder = temporaryFolder();
	/** Served once, and ended in good order. */
	const whole = join(folder.dir, "whole");
	let made = 0;

	before(async () => {
		const cloud = await CloudUnderTest.start(whole);
		assert.equal(await cloud.stop(), 0);
	});

	after(() => folder.remove());

	function copy(): string {
		made++;
		const dir = join(folder.dir, `copy-${made}`);
		cpSync(whole, dir, { recursive: true });
		return dir;
	}

	function up(dir: string): Promise<Outcome> {
		return thinghz("up", "--data", dir, ...FREE_PORTS);
	}

	/** One sentence on stderr, nothing on stdout, and no stack of calls. */
	function assertRefused(outcome: Outcome, says: RegExp): void {
		assert.equal(outcome.code, 1, outcome.stderr);
		assert.match(outcome.stderr, says);
		assert.doesNotMatch(outcome.stderr, /unexpected|\n +at /);
		assert.equal(outcome.stdout, "");
	}

	it("of a newer version is left alone", async () => {
		const dir = copy();
		const path = join(dir, DATABASE_FILE);
		const db = new Database(path);
		db.exec("PRAGMA user_version = 99");
		db.close();
		for (const args of [
			["up", "--data", dir, ...FREE_PORTS],
			["devices", "--target", `local:${dir}`],
		]) {
			assertRefused(
				await thinghz(...args),
				/data version 99.*Update thinghz, or name another data folder/,
			);
		}
	});

	it("with a damaged database says so", async () => {
		const dir = copy();
		writeFileSync(
			join(dir, DATABASE_FILE),
			"This is a text, and no database. ".repeat(1000),
		);
		assertRefused(await up(dir), /damaged.*restore it from a backup/);
	});

	it("with a secret cut short says how to get another", async () => {
		const dir = copy();
		truncateSync(join(dir, "secret"), 5);
		assertRefused(await up(dir), /secret is damaged.*Delete it/);
	});

	for (const [name, damage] of [
		[
			"without its authority's key",
			(ca: string) => rmSync(join(ca, "private.pem")),
		],
		[
			"without its authority's certificate",
			(ca: string) => rmSync(join(ca, "ca.pem")),
		],
		[
			"with a key that is no key",
			(ca: string) => writeFileSync(join(ca, "private.pem"), "?"),
		],
		[
			"with a certificate cut short",
			(ca: string) => truncateSync(join(ca, "ca.pem"), 100),
		],
	] as const) {
		it(`${name} is not served with a new authority, which no device would trust`, async () => {
			const dir = copy();
			damage(join(dir, "ca"));
			assertRefused(
				await up(dir),
				/certificate authority.*cannot be used.*Restore/,
			);
		});
	}

	it("that is a file is refused", async () => {
		const path = join(folder.dir, "file");
		writeFileSync(path, "");
		const outcome = await up(path);
		assert.equal(outcome.code, 1);
		assert.match(outcome.stderr, /file/);
	});

	it("that two clouds are started on at once is served by one of them", async () => {
		const dir = copy();
		const first = await CloudUnderTest.start(dir);
		assertRefused(await up(dir), /already runs on .*End it first/);
		assert.equal(await first.stop(), 0);
		const again = await CloudUnderTest.start(dir);
		assert.equal(await again.stop(), 0);
	});

	it("of a cloud that is told to end while blocks pour in has all that was acknowledged", async () => {
		const dir = copy();
		const random = new SeededRandom(Number(process.env.THINGHZ_SEED ?? 1));
		let cloud = await CloudUnderTest.start(dir);
		const [identity] = await provisionThings(cloud, "pusher");
		for (let round = 1; round <= 3; round++) {
			const { port } = new URL(cloud.ready.mqtt);
			const pusher = new Pusher(
				{ ...(identity as NonNullable<typeof identity>), port: Number(port) },
				START_MS + round,
				round,
			);
			const enough = 200 + random.below(1500);
			assert.ok(await pusher.push(() => pusher.acknowledged.size >= enough));
			const [code] = await Promise.all([cloud.stop(), pusher.settle()]);
			assert.equal(code, 0, cloud.process.stderr);
			assert.ok(!existsSync(join(dir, "up.json")));
			cloud = await CloudUnderTest.start(dir);
			const api = await ApiSession.signIn(cloud);
			const stored = await api.readings("pusher", "noise", 0, Date.now());
			const times = new Set(stored.map(({ timeMs }) => timeMs));
			assert.equal(times.size, stored.length, "nothing twice");
			assert.deepEqual(
				pusher
					.readingsOf(pusher.acknowledged)
					.filter(({ timeMs }) => !times.has(timeMs)),
				[],
			);
		}
		assert.equal(await cloud.stop(), 0);
	});
});
