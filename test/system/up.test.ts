/** `thinghz up` through its ends and beginnings: what a killed one leaves, two at once, other addresses, lost stores. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
	existsSync,
	mkdirSync,
	readFileSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { pathToFileURL } from "node:url";
import { takeUpLock } from "../../tools/cli/up-lock.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { Following, thinghz, thinghzJson } from "./support/command.ts";

const FREE_PORTS = ["--mqtt-port", "0", "--http-port", "0"];

describe("thinghz up on a folder whose last cloud was killed", () => {
	const folder = temporaryFolder();
	const upJson = join(folder.dir, "up.json");
	const target = `local:${folder.dir}`;
	let killed: string;

	before(async () => {
		const cloud = await CloudUnderTest.start(folder.dir);
		assert.equal(await cloud.process.end("SIGKILL"), "SIGKILL");
		killed = readFileSync(upJson, "utf8");
	});
	after(() => folder.remove());

	/** A process that lives has the killed one's id, as process 1 of a container always does. */
	const reused = (pid: number) =>
		JSON.stringify({ ...(JSON.parse(killed) as object), pid });

	for (const [left, text] of [
		["its up.json", () => killed],
		["one with the id of another process", () => reused(process.pid)],
		["one with process id 1", () => reused(1)],
		["an empty one", () => ""],
		["half of one", () => killed.slice(0, 20)],
	] as const) {
		it(`starts over ${left}, and other commands read the folder meanwhile`, async () => {
			writeFileSync(upJson, text());
			assert.deepEqual(await thinghzJson("devices", "--target", target), []);
			const cloud = await CloudUnderTest.start(folder.dir);
			assert.equal(await cloud.stop(), 0);
			assert.equal(existsSync(upJson), false);
		});
	}

	it("says that a cloud does not answer, when one holds the folder and does not", async () => {
		const lock = await takeUpLock(folder.dir);
		try {
			writeFileSync(upJson, killed);
			for (const command of ["devices", "tail"]) {
				const { code, stderr } = await thinghz(command, "--target", target);
				assert.equal(code, 1);
				assert.match(stderr, /does not answer \(ECONNREFUSED\)/);
				assert.doesNotMatch(stderr, /unexpected|\n +at /);
			}
		} finally {
			lock.release();
		}
	});
});

describe("thinghz up", () => {
	const folder = temporaryFolder();
	after(() => folder.remove());

	it("serves a folder once, of three that start on it together", async () => {
		const dir = join(folder.dir, "race");
		const clouds = [1, 2, 3].map(
			() => new Following("up", "--data", dir, ...FREE_PORTS, "--json"),
		);
		const outcomes = await Promise.allSettled(
			clouds.map((cloud) => cloud.line(({ event }) => event === "ready")),
		);
		const serving = clouds.filter(
			(_, i) => outcomes[i]?.status === "fulfilled",
		);
		assert.equal(serving.length, 1);
		for (const cloud of clouds) {
			if (serving.includes(cloud)) {
				assert.equal(await cloud.end("SIGTERM"), 0);
			} else {
				assert.equal(await cloud.ended(), 1);
				assert.match(cloud.stderr, /already runs on/);
			}
		}
	});

	it("ends with 0 when it is told to before it serves", async () => {
		const dir = join(folder.dir, "early");
		const cloud = new Following("up", "--data", dir, ...FREE_PORTS, "--json");
		await until(
			async () => existsSync(join(dir, "up.lock")),
			(isThere) => isThere,
		);
		assert.equal(await cloud.end("SIGTERM"), 0);
		assert.equal(existsSync(join(dir, "up.json")), false);
	});

	it("takes --target for --data", async () => {
		const dir = join(folder.dir, "target");
		const cloud = new Following(
			...["up", "--target", `local:${dir}`, ...FREE_PORTS, "--json"],
		);
		await cloud.line(({ event }) => event === "ready");
		assert.equal(await cloud.end("SIGTERM"), 0);
		assert.ok(existsSync(join(dir, "thinghz.db")));
	});

	it("ends with 1 and says why when the thread that stores is gone", async () => {
		const preload = join(folder.dir, "end-a-thread.mjs");
		writeFileSync(
			preload,
			`import { Worker } from "node:worker_threads";
			const { postMessage } = Worker.prototype;
			const workers = new Set();
			Worker.prototype.postMessage = function (...message) {
				workers.add(this);
				return postMessage.apply(this, message);
			};
			process.on("SIGUSR2", () => [...workers][0].terminate());`,
		);
		const dir = join(folder.dir, "lost");
		const before = process.env.NODE_OPTIONS;
		process.env.NODE_OPTIONS = `--import ${pathToFileURL(preload).href}`;
		let cloud: CloudUnderTest;
		try {
			cloud = await CloudUnderTest.start(dir);
		} finally {
			if (before === undefined) delete process.env.NODE_OPTIONS;
			else process.env.NODE_OPTIONS = before;
		}
		assert.equal(await cloud.process.end("SIGUSR2"), 1);
		assert.match(cloud.process.stderr, /Nothing can be stored any more/);
		assert.doesNotMatch(cloud.process.stderr, /unexpected/);
		assert.equal(existsSync(join(dir, "up.json")), false);
		const again = await CloudUnderTest.start(dir);
		assert.equal(await again.stop(), 0);
	});
});

describe("thinghz up --host", () => {
	const folder = temporaryFolder();
	after(() => folder.remove());

	for (const [host, page] of [
		["0.0.0.0", /^http:\/\/127\.0\.0\.1:\d+\/#signin=/],
		["::1", /^http:\/\/\[::1\]:\d+\/#signin=/],
		["localhost", /^http:\/\/localhost:\d+\/#signin=/],
	] as const) {
		it(`${host}: the page and the broker are reached where it says, by a certificate that names the place`, async function () {
			if (host.includes(":") && !hasIPv6()) {
				console.log(
					"This machine has no IPv6: sudo sysctl net.ipv6.conf.all.disable_ipv6=0",
				);
				return this.skip();
			}
			const dir = join(folder.dir, host.replaceAll(":", "_"));
			const cloud = await CloudUnderTest.start(dir, "--host", host);
			try {
				assert.match(cloud.ready.signIn, page);
				assert.equal((await fetch(cloud.ready.http)).status, 200);
				const thing = await thinghzJson<Record<string, string>>(
					...["provision", "porch", "--target", cloud.target],
				);
				const config = JSON.parse(
					readFileSync(thing.config as string, "utf8"),
				) as { endpoint: string; port: number };
				assert.ok(!["0.0.0.0", "::"].includes(config.endpoint));
				assert.doesNotMatch(config.endpoint, /[[\]]/);
				const hostInUrl = config.endpoint.includes(":")
					? `[${config.endpoint}]`
					: config.endpoint;
				assert.equal(thing.endpoint, `mqtts://${hostInUrl}:${config.port}`);
				const socket = connect({
					host: config.endpoint,
					port: config.port,
					ca: readFileSync(thing.ca as string),
					cert: readFileSync(thing.certificate as string),
					key: readFileSync(thing.privateKey as string),
				});
				await once(socket, "secureConnect");
				socket.destroy();
			} finally {
				assert.equal(await cloud.stop(), 0);
			}
		});
	}
});

describe("thinghz provision on a new folder", () => {
	const folder = temporaryFolder();
	after(() => folder.remove());

	it("makes what only its owner can enter and read", async () => {
		const dir = join(folder.dir, "made");
		await thinghzJson("provision", "porch", "--target", `local:${dir}`);
		assert.equal(statSync(dir).mode & 0o777, 0o700);
		assert.equal(statSync(join(dir, "thinghz.db")).mode & 0o777, 0o600);
	});

	it("closes one that was open to others", async () => {
		const dir = join(folder.dir, "open");
		mkdirSync(dir, { mode: 0o755 });
		await thinghzJson("provision", "porch", "--target", `local:${dir}`);
		assert.equal(statSync(dir).mode & 0o777, 0o700);
	});
});

describe("thinghz devices revoke and certificates", () => {
	const folder = temporaryFolder();
	const target = `local:${folder.dir}`;
	after(() => folder.remove());

	it("takes a thing's certificate out of force, and provisioning gives it another", async () => {
		const first = await thinghzJson<Record<string, string>>(
			...["provision", "porch", "--target", target],
		);
		const args = ["devices", "revoke", "porch", "--target", target];
		assert.deepEqual(await thinghzJson(...args), {
			name: "porch",
			revoked: [first.certificateId],
		});
		assert.deepEqual(await thinghzJson(...args), {
			name: "porch",
			revoked: [],
		});
		const second = await thinghzJson<Record<string, string>>(
			...["provision", "porch", "--target", target],
		);
		assert.notEqual(second.certificateId, first.certificateId);
		const said = await thinghz(
			"devices",
			"revoke",
			"--target",
			target,
			"porch",
		);
		assert.match(said.stderr, /^Revoked the certificate of porch/);
	});

	it("lists those in force, so that one of them can be revoked", async () => {
		const at = ["--target", target];
		const provision = () =>
			thinghzJson<Record<string, string>>(
				...["provision", "shed", "--renew", ...at],
			);
		const [one, other] = [await provision(), await provision()];
		const ids = [one.certificateId, other.certificateId];
		const args = ["devices", "certificates", "shed", ...at];
		const listed = await thinghzJson<{ inForce: string[] }>(...args);
		assert.deepEqual([...listed.inForce].sort(), [...ids].sort());
		const said = await thinghz(...args);
		assert.deepEqual(said.stdout.trim().split("\n"), listed.inForce);
		assert.match(said.stderr, /`thinghz devices revoke ID`/);
		await thinghzJson("devices", "revoke", ids[0] ?? "", ...at);
		const { inForce } = await thinghzJson<{ inForce: string[] }>(...args);
		assert.deepEqual(inForce, [ids[1]]);
		const none = await thinghz("devices", "certificates", "nobody", ...at);
		assert.equal(none.code, 0);
		assert.match(none.stderr, /^nobody has no certificate in force, or there/);
		const wrong = await thinghz("devices", "certificates", "a/b", ...at);
		assert.equal(wrong.code, 2);
		assert.match(wrong.stderr, /"a\/b" is not a device's name/);
	});

	it("knows no thing that was never provisioned", async () => {
		const { code, stderr } = await thinghz(
			...["devices", "revoke", "nobody", "--target", target],
		);
		assert.equal(code, 1);
		assert.match(stderr, /no thing with a certificate called "nobody"/);
	});
});

function hasIPv6(): boolean {
	return Object.values(networkInterfaces()).some((all) =>
		all?.some(({ address }) => address === "::1"),
	);
}
