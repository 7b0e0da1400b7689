/** The command as a person uses it: a cloud, three nodes, and the questions asked from a second shell. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import Database from "libsql";
import { DATABASE_FILE } from "../../cloud/local/sqlite/stores.ts";
import { readHeader } from "../../protocol/decode.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { Following, thinghz, thinghzJson } from "./support/command.ts";

interface Row {
	time: string;
	channel: string;
	value: number;
}

describe("thinghz up with simulated nodes", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;

	before(async () => {
		cloud = await CloudUnderTest.start(
			folder.dir,
			"--nodes",
			"3",
			"--speed",
			"60",
		);
	});

	after(async () => {
		await cloud.stop();
		folder.remove();
	});

	it("says where it serves, in one line of JSON", () => {
		assert.match(cloud.ready.http, /^http:\/\/127\.0\.0\.1:\d+$/);
		assert.match(cloud.ready.mqtt, /^mqtts:\/\/127\.0\.0\.1:\d+$/);
		assert.ok(cloud.ready.signIn.startsWith(`${cloud.ready.http}/#signin=`));
		assert.ok(existsSync(cloud.ready.ca));
	});

	it("lists the nodes as online, with board and firmware", async () => {
		const devices = await until(
			() =>
				thinghzJson<{ name: string; online: boolean; board: string | null }[]>(
					"devices",
					"--target",
					cloud.target,
				),
			(list) =>
				list.length === 3 &&
				list.every(({ online, board }) => online && board !== null),
			45_000,
		);
		assert.deepEqual(
			devices.map(({ board }) => board),
			["virtual", "virtual", "virtual"],
		);
	});

	it("prints stored readings as JSON, CSV and a table, raw and by the minute", async () => {
		const ask = (...more: string[]) => [
			"readings",
			"sim-1",
			...[
				"--channel",
				"temperature",
				"--from",
				"-2d",
				"--target",
				cloud.target,
			],
			...more,
		];
		const rows = await until(
			() => thinghzJson<Row[]>(...ask()),
			(list) => list.length >= 300,
			45_000,
		);
		const [first] = rows;
		assert.equal(first?.channel, "temperature");
		assert.match(first?.time ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		assert.equal(typeof first?.value, "number");
		const times = rows.map(({ time }) => Date.parse(time));
		assert.ok(times.every((ms, i) => i === 0 || ms > (times[i - 1] as number)));
		assert.ok(
			times.every((ms) => ms <= Date.now()),
			"no reading from the future",
		);

		const csv = await thinghz(...ask("--format", "csv"));
		assert.equal(csv.stdout.split("\r\n")[0], "time,channel,value,estimated");
		const table = await thinghz(...ask());
		assert.match(table.stdout, /^time +channel +value\n/);

		const minutes = await thinghzJson<Row[]>(
			...ask("--every", "1m", "--agg", "count"),
		);
		assert.ok(minutes.some(({ value }) => value === 60));
	});

	it("follows live samples", async () => {
		const tail = new Following(
			"tail",
			"sim-2",
			"--json",
			"--target",
			cloud.target,
		);
		const sample = await tail.line(({ event }) => event === "sample");
		assert.equal(sample.device, "sim-2");
		await tail.end("SIGINT");
	});

	it("has no dead letters, and says so", async () => {
		const args = ["deadletters", "--target", cloud.target];
		assert.deepEqual(await thinghzJson(...args), []);
		assert.match((await thinghz(...args)).stderr, /No dead letters/);
	});

	for (const asked of [
		["deadletters", "--redrive"],
		["alerts", "history"],
	])
		it(`${asked.join(" ")} says that a device is not there, where it finds nothing of it`, async () => {
			const { code, stdout, stderr } = await thinghz(
				...[...asked, "--device", "prch", "--target", cloud.target],
			);
			assert.equal(code, 1);
			assert.equal(stdout, "");
			assert.match(stderr, /prch.*`thinghz devices` lists them/);
		});

	it("refuses a second cloud on the same folder", async () => {
		const second = await thinghz(
			"up",
			"--data",
			cloud.dir,
			"--mqtt-port",
			"0",
			"--http-port",
			"0",
		);
		assert.equal(second.code, 1);
		assert.match(second.stderr, /already runs on/);
	});

	it("provisions, and does it again without making anything new", async () => {
		const args = ["provision", "porch", "--target", cloud.target];
		const first = await thinghzJson<Record<string, string>>(...args);
		assert.equal(first.endpoint, cloud.ready.mqtt);
		assert.equal(statSync(first.privateKey as string).mode & 0o777, 0o600);
		const again = await thinghzJson<Record<string, unknown>>(...args);
		assert.equal(again.certificateId, first.certificateId);
		assert.equal(again.issued, false);
	});

	it("does not run a second node under the name of one that is connected", async () => {
		const outcome = await thinghz("sim", "--target", cloud.target);
		assert.equal(outcome.code, 1);
		assert.match(outcome.stderr, /sim-1 is connected already.*--prefix/);
	});

	it("prints a token that the API takes", async () => {
		const { token } = await thinghzJson<{ token: string }>(
			"signin",
			...["--token", "--target", cloud.target],
		);
		const response = await fetch(`${cloud.ready.http}/v1/devices`, {
			headers: { authorization: `Bearer ${token}` },
		});
		assert.equal(response.status, 200);
	});

	it("never prints a private key", async () => {
		const { stdout, stderr } = await thinghz(
			"provision",
			"porch",
			"--target",
			cloud.target,
		);
		assert.ok(!/PRIVATE KEY/.test(stdout + stderr));
	});

	it("ends with 0 on SIGTERM, and what was stored can be read without it", async () => {
		const args = [
			"readings",
			"sim-1",
			"--channel",
			"temperature",
			"--from",
			"-2d",
			"--target",
			cloud.target,
		];
		const before = await thinghzJson<Row[]>(...args);
		assert.equal(await cloud.stop(), 0);
		assert.equal(existsSync(join(cloud.dir, "up.json")), false);
		const after = await thinghzJson<Row[]>(...args);
		assert.ok(after.length >= before.length);
		const devices = await thinghzJson<{ online: boolean }[]>(
			"devices",
			"--target",
			cloud.target,
		);
		assert.ok(devices.every(({ online }) => !online));
	});

	it("says how many stored blocks cannot be read, and prints the rest", async () => {
		const args = [
			...["readings", "sim-1", "--channel", "temperature"],
			...["--from", "-2d", "--target", cloud.target],
		];
		const whole = await thinghzJson<Row[]>(...args);
		const db = new Database(join(cloud.dir, DATABASE_FILE));
		const stored = db
			.prepare(
				"SELECT id, bytes FROM blocks WHERE thing = (SELECT id FROM things WHERE name = 'sim-1')",
			)
			.all() as { id: number; bytes: ArrayBuffer }[];
		const victim = stored.find(({ bytes }) =>
			readHeader(new Uint8Array(bytes)).channels.some(
				({ id }) => id === "temperature",
			),
		);
		db.prepare(
			"UPDATE blocks SET bytes = zeroblob(length(bytes)) WHERE id = ?",
		).run([victim!.id]);
		db.close();
		const { code, stdout, stderr } = await thinghz(...args, "--json");
		assert.equal(code, 0);
		assert.match(stderr, /1 stored block of this range cannot be read/);
		const rest = JSON.parse(stdout) as Row[];
		assert.ok(rest.length > 0 && rest.length < whole.length);
	});
});

describe("thinghz used wrongly", () => {
	const folder = temporaryFolder();
	after(() => folder.remove());
	const missing = `local:${join(folder.dir, "nowhere")}`;

	for (const [args, code, says] of [
		[["reading"], 2, /unknown command 'reading'/],
		[["readings"], 2, /missing required argument 'name'/],
		[["readings", "a"], 2, /--channel ID/],
		[["readings", "a", "--chanel", "t"], 2, /unknown option '--chanel'/],
		[
			["readings", "a", "--channel", "t", "--from", "yesterday"],
			2,
			/--from: "yesterday" is not a time/,
		],
		[
			["readings", "a", "--channel", "t", "--format", "xml"],
			2,
			/--format: "xml" is not one of/,
		],
		[
			["readings", "a", "--channel", "t", "--every", "0"],
			2,
			/--every: "0" is not a span/,
		],
		[
			["readings", "a", "--channel", "t", "--every", "1m", "--agg", "p99"],
			2,
			/--agg: "p99" is not one of mean/,
		],
		[
			["readings", "a", "--channel", "t", "--agg", "mean"],
			2,
			/--agg needs --every/,
		],
		[
			["readings", "a", "--channel", "t", "--from", "now", "--to", "-1h"],
			2,
			/--from must lie before --to/,
		],
		[
			["readings", "a", "--channel", "t", "--from", "-99999999999d"],
			2,
			/--from: "99999999999d" is longer than a century/,
		],
		[["up", "--mqtt-port", "99999"], 2, /--mqtt-port: "99999"/],
		[["up", "--host", "a b"], 2, /--host: "a b" is not a host name/],
		[["up", "--data", "package.json"], 1, /package.json.*cannot be used/],
		[["up", "--target", "s3"], 2, /--target: "s3" is not a target/],
		[
			["up", "--target", missing, "--data", folder.dir],
			2,
			/--data and --target name the same thing/,
		],
		[["devices", "all"], 2, /too many arguments/],
		[["alerts", "rule"], 2, /`alerts` has no command "rule"\. It has: list, /],
		[
			["devices", "revoke"],
			2,
			/missing required argument 'name'\n`thinghz devices revoke --help`/,
		],
		[["devices", "revoke", "a", "--target", missing], 1, /no data folder at/],
		[["devices", "--target", "s3"], 2, /--target: "s3" is not a target/],
		[["devices", "--target", missing], 1, /There is no data folder at/],
		[["tail", "--target", missing], 1, /No cloud runs on/],
		[
			["provision", "../x", "--target", `local:${folder.dir}`],
			2,
			/cannot be the name of a thing/,
		],
		[["sim", "--nodes", "many"], 2, /--nodes: "many"/],
		[["sim", "--board", "esp8266"], 2, /--board: "esp8266"/],
		[["sim", "--interval", "0s"], 2, /--interval: "0s" is not between/],
		[["sim", "--interval", "999d"], 2, /--interval: "999d" is not between/],
		[["sim", "--span", "999d"], 2, /--span: "999d" is not between/],
		[["sim", "--for", "soon"], 2, /--for: "soon" is not a duration/],
		[["sim", "--interval", "600s"], 2, /--span \(300s\) must not be shorter/],
		[["sim", "--sleep"], 2, /--sleep needs an --interval of at least 5s/],
		[["sim", "--flash", "package.json"], 1, /package.json is no folder/],
	] as const) {
		it(`${args.join(" ").replace(folder.dir, "DIR")} → ${code}`, async () => {
			const outcome = await thinghz(...args);
			assert.match(outcome.stderr, says);
			assert.equal(outcome.code, code);
			assert.equal(outcome.stdout, "");
		});
	}

	it("what only reads makes no data folder of one that is none", async () => {
		const dir = join(folder.dir, "empty");
		mkdirSync(dir);
		const target = `local:${dir}`;
		for (const args of [
			["devices", "--target", target],
			["devices", "revoke", "porch", "--target", target],
			["readings", "porch", "--channel", "t", "--target", target],
			["deadletters", "--target", target],
			["tail", "--target", target],
			["signin", "--target", target],
			["sim", "--target", target],
		]) {
			const { code, stderr } = await thinghz(...args);
			assert.equal(code, 1, stderr);
			assert.match(stderr, /There is no data folder at|No cloud runs on/);
			assert.deepEqual(readdirSync(dir), [], args.join(" "));
		}
	});

	it("a port in use is named, with what to do", async () => {
		const server = createServer();
		await new Promise<void>((resolve) =>
			server.listen(0, "127.0.0.1", resolve),
		);
		const { port } = server.address() as { port: number };
		for (const option of ["--mqtt-port", "--http-port"]) {
			const other = option === "--mqtt-port" ? "--http-port" : "--mqtt-port";
			const outcome = await thinghz(
				"up",
				"--data",
				join(folder.dir, "busy"),
				option,
				String(port),
				other,
				"0",
			);
			assert.equal(outcome.code, 1);
			assert.match(outcome.stderr, new RegExp(`${port}.*in use`));
			assert.match(outcome.stderr, new RegExp(option));
		}
		server.close();
	});

	it("doctor says what is amiss and how to mend it, as JSON too", async () => {
		const [mqttPort, httpPort] = await freePorts();
		const findings = await thinghzJson<{ check: string; verdict: string }[]>(
			"doctor",
			...["--mqtt-port", String(mqttPort), "--http-port", String(httpPort)],
			...["--target", `local:${folder.dir}`],
		);
		assert.ok(findings.some(({ check }) => check === "disk space"));
		const bad = await thinghz(
			"doctor",
			"--mqtt-port",
			"1",
			"--host",
			"203.0.113.1",
			"--target",
			`local:${folder.dir}`,
		);
		assert.equal(bad.code, 1);
		assert.match(bad.stdout, /MQTT port: See who has it/);
	});

	it("every command's help names its options", async () => {
		for (const command of [
			"up",
			"sim",
			"provision",
			"devices",
			"readings",
			"tail",
			"deadletters",
			"doctor",
		]) {
			const { code, stdout } = await thinghz(command, "--help");
			assert.equal(code, 0);
			assert.match(stdout, /--json/);
		}
	});
});

/** Two ports that nobody listened on a moment ago. */
async function freePorts(): Promise<[number, number]> {
	const servers = [createServer(), createServer()];
	const ports = await Promise.all(
		servers.map(async (server) => {
			server.listen(0, "127.0.0.1");
			await once(server, "listening");
			return (server.address() as AddressInfo).port;
		}),
	);
	for (const server of servers) server.close();
	return ports as [number, number];
}
