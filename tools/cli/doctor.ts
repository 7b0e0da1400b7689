/**
 * `thinghz doctor`: looks at everything that the system rests on here and says how to mend what is amiss. One check is
 * one small function; it never throws for what it finds.
 */

import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import {
	accessSync,
	constants,
	existsSync,
	readdirSync,
	readFileSync,
	statfsSync,
	statSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import {
	DEFAULT_PUSH_CONTACT,
	loadNotifyConfig,
	NotifyConfigError,
} from "../../cloud/local/notify/config.ts";
import { NotBuiltError } from "../../firmware/boards/virtual/not-built-error.ts";
import { findQemu } from "../../firmware/boards/virtual/qemu/command.ts";
import { findRunning } from "./runtime-file.ts";

export type Verdict = "ok" | "warn" | "fail";

export interface Finding {
	readonly check: string;
	readonly verdict: Verdict;
	/** What was seen. */
	readonly seen: string;
	/** How to mend it; null when there is nothing to mend. */
	readonly mend: string | null;
}

export interface DoctorOptions {
	/** The project's folder. */
	readonly root: string;
	/** The data folder. */
	readonly dir: string;
	readonly host: string;
	readonly mqttPort: number;
	readonly httpPort: number;
	readonly nowMs: number;
}

const DAY_MS = 86_400_000;
const MIN_FREE_BYTES = 1 << 30;
const EXPIRY_WARNING_DAYS = 30;

/** All findings, in the order in which they are worth mending. */
export async function examine(
	options: DoctorOptions,
): Promise<readonly Finding[]> {
	const { root, dir, nowMs } = options;
	const checks: readonly Check[] = [
		["Node.js", () => nodeVersion(process.versions.node)],
		[
			"C compiler",
			(check) => tool(check, ["cc", "--version"], "fail", "gcc libc6-dev"),
		],
		["make", (check) => tool(check, ["make", "--version"], "fail", "make")],
		[
			"Chromium (browser tests)",
			(check) => tool(check, ["chromium", "--version"], "warn", "chromium"),
		],
		[
			"virtual board",
			(check) => built(check, join(root, "dist/host/thinghz-xs")),
		],
		[
			"firmware",
			(check) => built(check, join(root, "dist/firmware/virtual.code")),
		],
		[
			"QEMU board (optional)",
			(check) => qemuBoard(check, root, process.env.PATH ?? ""),
		],
		["page", (check) => built(check, join(root, "dist/web/index.html"))],
		["data folder", () => dataFolder(dir)],
		["disk space", () => diskSpace(dir)],
		["clock", () => clock(dir, nowMs)],
		["certificates", () => certificates(dir, nowMs)],
		["notifications", (check) => notifications(check, dir, process.env)],
		["MQTT port", (check) => port(check, options, options.mqttPort)],
		["HTTP port", (check) => port(check, options, options.httpPort)],
	];
	const findings: Finding[] = [];
	for (const check of checks) findings.push(...(await carryOut(check)));
	return findings;
}

type Check = readonly [
	name: string,
	look: (check: string) => Finding | readonly Finding[] | Promise<Finding>,
];

/** A check that cannot be made is a finding too. */
async function carryOut([check, look]: Check): Promise<readonly Finding[]> {
	try {
		return [await look(check)].flat();
	} catch (error) {
		return [
			{
				check,
				verdict: "fail",
				seen: `cannot be checked: ${(error as Error).message}`,
				mend: "See that the files it names belong to you and are what they should be",
			},
		];
	}
}

export function nodeVersion(version: string): Finding {
	const [major = 0, minor = 0] = version.split(".").map(Number);
	const enough = major > 20 || (major === 20 && minor >= 19);
	return {
		check: "Node.js",
		verdict: enough ? "ok" : "fail",
		seen: version,
		mend: enough
			? null
			: "Install Node.js 20.19 or newer: https://nodejs.org/en/download",
	};
}

function tool(
	check: string,
	command: readonly [string, ...string[]],
	missing: Verdict,
	packages: string,
): Finding {
	const [name, ...args] = command;
	const result = spawnSync(name, args, { encoding: "utf8" });
	if (result.status === 0) {
		const seen = result.stdout.split("\n")[0] ?? "";
		return { check, verdict: "ok", seen, mend: null };
	}
	return {
		check,
		verdict: missing,
		seen: "not found",
		mend: `sudo apt-get install -y --no-install-recommends ${packages}`,
	};
}

function built(check: string, path: string): Finding {
	return existsSync(path)
		? { check, verdict: "ok", seen: "built", mend: null }
		: { check, verdict: "fail", seen: "not built", mend: "make setup" };
}

/** Everything but `thinghz sim --board qemu` does without it. */
export function qemuBoard(check: string, root: string, path: string): Finding {
	let qemu: string;
	try {
		qemu = findQemu(path);
	} catch (error) {
		if (!(error instanceof NotBuiltError)) throw error;
		return {
			check,
			verdict: "warn",
			seen: "QEMU is not installed",
			mend: "sudo apt-get install -y --no-install-recommends qemu-system-misc gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf binutils-riscv64-unknown-elf && make qemu",
		};
	}
	return existsSync(join(root, "dist/qemu/flash.img"))
		? { check, verdict: "ok", seen: `built; ${qemu}`, mend: null }
		: { check, verdict: "warn", seen: "not built", mend: "make qemu" };
}

function dataFolder(dir: string): Finding {
	const check = "data folder";
	if (!existsSync(dir)) {
		return {
			check,
			verdict: "ok",
			seen: `${dir} is not there yet; \`thinghz up\` makes it`,
			mend: null,
		};
	}
	try {
		accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
	} catch (error) {
		return {
			check,
			verdict: "fail",
			seen: `${dir}: ${(error as Error).message}`,
			mend: `sudo chown -R "$(id -un)" ${dir}`,
		};
	}
	return { check, verdict: "ok", seen: dir, mend: null };
}

function diskSpace(dir: string): Finding {
	let place = dir;
	while (!existsSync(place)) place = dirname(place);
	const { bavail, bsize } = statfsSync(place);
	const freeBytes = bavail * bsize;
	const enough = freeBytes >= MIN_FREE_BYTES;
	return {
		check: "disk space",
		verdict: enough ? "ok" : "fail",
		seen: `${(freeBytes / 2 ** 30).toFixed(1)} GiB free at ${place}`,
		mend: enough
			? null
			: `Free some room, or move the folder: thinghz up --data DIR (below 1 GiB; a full disk stops ingest)`,
	};
}

/** A clock that is behind what the data folder has seen would refuse valid certificates and misplace readings. */
function clock(dir: string, nowMs: number): Finding {
	const check = "clock";
	const seen = new Date(nowMs).toISOString();
	const newest = ["thinghz.db-wal", "thinghz.db", "up.json"]
		.map((name) => join(dir, name))
		.filter((path) => existsSync(path))
		.map((path) => statSync(path).mtimeMs)
		.reduce((a, b) => Math.max(a, b), 0);
	if (nowMs < newest - 60_000) {
		return {
			check,
			verdict: "fail",
			seen: `${seen} is before the data folder's last change (${new Date(newest).toISOString()})`,
			mend: "sudo timedatectl set-ntp true",
		};
	}
	return { check, verdict: "ok", seen, mend: null };
}

/** The authority's, the server's and every thing's certificate: in force, and for how long. */
function certificates(dir: string, nowMs: number): readonly Finding[] {
	const files: [string, string, string][] = [];
	for (const [name, mend] of [
		[
			"ca",
			`Devices trust no other authority: keep ${dir} for its data, provision the things anew in a new folder`,
		],
		["server", "Restart `thinghz up`: it renews its own certificate"],
	] as const) {
		const path = join(dir, "ca", `${name}.pem`);
		if (existsSync(path)) files.push([`${name} certificate`, path, mend]);
	}
	const things = join(dir, "things");
	if (existsSync(things)) {
		for (const name of readdirSync(things).sort()) {
			const path = join(things, name, "certificate.pem");
			if (existsSync(path)) {
				files.push([
					`certificate of ${name}`,
					path,
					`thinghz provision ${name} --renew --target local:${dir}, then put the new files on the device`,
				]);
			}
		}
	}
	const findings = files.map(([check, path, mend]) =>
		certificate(check, path, mend, nowMs),
	);
	const fine = findings.filter(({ verdict }) => verdict === "ok");
	return fine.length === findings.length && fine.length > 3
		? [
				{
					check: "certificates",
					verdict: "ok",
					seen: `${fine.length} in force`,
					mend: null,
				},
			]
		: findings;
}

export function certificate(
	check: string,
	path: string,
	mend: string,
	nowMs: number,
): Finding {
	let parsed: X509Certificate;
	try {
		parsed = new X509Certificate(readFileSync(path));
	} catch (error) {
		return {
			check,
			verdict: "fail",
			seen: `not readable: ${(error as Error).message}`,
			mend,
		};
	}
	const fromMs = Date.parse(parsed.validFrom);
	const untilMs = Date.parse(parsed.validTo);
	if (nowMs < fromMs) {
		return {
			check,
			verdict: "fail",
			seen: `not valid before ${new Date(fromMs).toISOString()}`,
			mend: "Set this machine's clock: sudo timedatectl set-ntp true",
		};
	}
	const daysLeft = Math.floor((untilMs - nowMs) / DAY_MS);
	const until = new Date(untilMs).toISOString().slice(0, 10);
	if (nowMs > untilMs) {
		return { check, verdict: "fail", seen: `expired on ${until}`, mend };
	}
	return daysLeft < EXPIRY_WARNING_DAYS
		? { check, verdict: "warn", seen: `expires on ${until}`, mend }
		: { check, verdict: "ok", seen: `valid until ${until}`, mend: null };
}

/** What `notify.json` says; that a mail server takes mail is for `thinghz alerts` to try. */
export function notifications(
	check: string,
	dir: string,
	env: Readonly<Record<string, string | undefined>>,
): Finding {
	try {
		const { smtp, pushContact } = loadNotifyConfig(dir, env);
		const mail =
			smtp === null
				? "no e-mail (docs/notifications.md says how)"
				: `e-mail by ${smtp.host}:${smtp.port} (${smtp.security}${smtp.login === null ? "" : `, as ${smtp.login.user}`})`;
		const push =
			pushContact === DEFAULT_PUSH_CONTACT
				? "web push without a contact, which Safari's service refuses"
				: `web push (contact ${pushContact})`;
		return {
			check,
			verdict: "ok",
			seen: `${mail}, webhooks, ${push}`,
			mend: null,
		};
	} catch (error) {
		if (!(error instanceof NotifyConfigError)) throw error;
		return {
			check,
			verdict: "fail",
			seen: error.message,
			mend: "Correct the file, as docs/notifications.md describes it",
		};
	}
}

async function port(
	check: string,
	{ dir, host }: DoctorOptions,
	number: number,
): Promise<Finding> {
	const running = findRunning(dir);
	if (
		running !== null &&
		[running.http, running.mqtt].some(
			(address) => new URL(address).port === String(number),
		)
	) {
		return {
			check,
			verdict: "ok",
			seen: `${number}: this folder's cloud is serving`,
			mend: null,
		};
	}
	const problem = await tryListen(host, number);
	return problem === null
		? { check, verdict: "ok", seen: `${number} is free`, mend: null }
		: {
				check,
				verdict: "fail",
				seen: `${number}: ${problem}`,
				mend: `See who has it: ss -ltnp 'sport = :${number}'; or choose another: thinghz up --${check === "MQTT port" ? "mqtt" : "http"}-port PORT`,
			};
}

function tryListen(host: string, number: number): Promise<string | null> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once("error", (error: NodeJS.ErrnoException) =>
			resolve(error.code ?? error.message),
		);
		server.listen(number, host, () => server.close(() => resolve(null)));
	});
}
