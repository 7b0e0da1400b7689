/**
 * How fast things are provisioned from a list, by the command: with keys made here beside the bare rate of RSA-2048 keys that this machine
 * makes, with requests that are given, and a list of 10,000 whose command is killed again and again and run anew. On ext4, to be run some
 * minutes after thousands of files were deleted, as by this itself: inodes that have just been deleted are passed over one by one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, generateKeyPair, X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
	existsSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openStores } from "../../cloud/local/sqlite/stores.ts";
import { certificateRequest } from "../identity/certificate-request.ts";
import type { BenchResult } from "./result.ts";

const BIN = fileURLToPath(new URL("../../bin/thinghz.mjs", import.meta.url));
const KEYS = 200;
const REQUESTS = 5000;
const MANY = 10_000;
/** From the start of a command to its kill: within what it takes for all. */
const KILLED_AFTER_MS = [900, 4000, 1500, 6000, 2500] as const;
/** So many keys are behind the requests: a device has one of its own, which costs the cloud no other work. */
const DISTINCT_KEYS = 50;

export async function benchProvision(): Promise<BenchResult[]> {
	// Before and after: a machine that others share does not stay as fast as it was.
	const before = await bareKeysMs();
	const withKeys = await thingsPerS(listOf(names(2 * KEYS)));
	const after = await bareKeysMs();
	const bare = (2 * KEYS) / ((before + after) / 1000);
	const requests = await makeRequests();
	const given = await thingsPerS(listOf(names(REQUESTS), requests));
	const resumed = await killedAndResumed(listOf(names(MANY), requests));
	return [
		{
			name: "RSA-2048 keys alone",
			value: bare,
			unit: "keys/s",
			note: `${cpus().length} at a time, mean of ${KEYS} before the list and ${KEYS} after it`,
		},
		{
			name: "Things provisioned, keys made here",
			value: withKeys,
			unit: "things/s",
			note: `a list of ${2 * KEYS}, start of the command included`,
		},
		{
			name: "Things provisioned, of the bare rate of keys",
			value: (withKeys / bare) * 100,
			unit: "%",
			target: { op: ">=", value: 80 },
			note: "how long a key takes is chance: a few per cent either way",
		},
		{
			name: "Things provisioned, requests given",
			value: given,
			unit: "things/s",
			target: { op: ">=", value: 500 },
			note: `a list of ${REQUESTS} with RSA-2048 requests of ${DISTINCT_KEYS} keys, start of the command included`,
		},
		{
			name: `Of ${MANY} things from a list, killed ${KILLED_AFTER_MS.length} times and resumed: not exactly one certificate in force, or other files than it`,
			value: resumed,
			unit: "things",
			target: { op: "<=", value: 0 },
		},
	];
}

function names(count: number): readonly string[] {
	return Array.from({ length: count }, (_, n) => `node-${n}`);
}

function listOf(things: readonly string[], requests?: readonly string[]) {
	const rows = things.map((name, n) =>
		requests === undefined
			? name
			: `${name},"${requests[n % requests.length]}"`,
	);
	const text = [requests === undefined ? "name" : "name,csr", ...rows, ""];
	return { things, text: text.join("\n") };
}

async function bareKeysMs(): Promise<number> {
	let left = KEYS;
	const startMs = performance.now();
	const work = async () => {
		while (left-- > 0)
			await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
	};
	await Promise.all(cpus().map(work));
	return performance.now() - startMs;
}

async function makeRequests(): Promise<readonly string[]> {
	const requests: string[] = [];
	for (let n = 0; n < DISTINCT_KEYS; n++) {
		const pair = await promisify(generateKeyPair)("rsa", {
			modulusLength: 2048,
		});
		requests.push(await certificateRequest("device", pair.privateKey));
	}
	return requests;
}

type List = ReturnType<typeof listOf>;

async function inFolder<T>(
	{ text }: List,
	use: (start: () => ChildProcess, data: string) => Promise<T>,
): Promise<T> {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-provision-"));
	const data = join(dir, "data");
	const csv = join(dir, "fleet.csv");
	writeFileSync(csv, text);
	const args = [BIN, "provision", "--csv", csv, "--target", `local:${data}`];
	try {
		return await use(
			() => spawn(process.execPath, args, { stdio: "ignore" }),
			data,
		);
	} finally {
		rmSync(dir, { recursive: true });
	}
}

async function toTheEnd(child: ChildProcess): Promise<void> {
	const [code] = (await once(child, "close")) as [number | null];
	if (code !== 0) throw new Error(`thinghz provision exited with ${code}.`);
}

function thingsPerS(list: List): Promise<number> {
	return inFolder(list, async (start) => {
		const startMs = performance.now();
		await toTheEnd(start());
		return list.things.length / ((performance.now() - startMs) / 1000);
	});
}

/** @returns how many things are not as they should be */
function killedAndResumed(list: List): Promise<number> {
	return inFolder(list, async (start, data) => {
		for (const afterMs of KILLED_AFTER_MS) {
			const child = start();
			const closed = once(child, "close");
			const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
			await closed;
			clearTimeout(timer);
		}
		await toTheEnd(start());
		const stores = await openStores(data);
		try {
			let wrong = 0;
			for (const thing of list.things) {
				const file = join(data, "things", thing, "certificate.pem");
				const all = await stores.certificates.ofThing(thing);
				const [only, ...more] = all.filter(({ status }) => status === "ACTIVE");
				const isRight =
					more.length === 0 &&
					existsSync(file) &&
					only?.certificateId === idOf(readFileSync(file, "utf8"));
				if (!isRight) wrong++;
			}
			return wrong;
		} finally {
			await stores.close();
		}
	});
}

function idOf(pem: string): string {
	return createHash("sha256")
		.update(new X509Certificate(pem).raw)
		.digest("hex");
}
