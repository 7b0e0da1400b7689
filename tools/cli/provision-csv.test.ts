import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStores } from "../../cloud/core/fakes/memory-stores.ts";
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import { LocalRegistry } from "../../cloud/local/identity/registry.ts";
import { certificateRequest } from "../identity/certificate-request.ts";
import { provisionCsv } from "./provision-csv.ts";

const ENDPOINT = { endpointHost: "127.0.0.1", port: 8883 };

interface Printed {
	readonly stdout: string;
	readonly stderr: string;
}

describe("thinghz provision --csv", () => {
	const requests: string[] = [];
	let dir: string;
	let registry: LocalRegistry;

	before(async () => {
		for (let n = 0; n < 2; n++) {
			const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
			requests.push(await certificateRequest("any", keys.privateKey));
		}
	});
	beforeEach(async () => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-csv-"));
		registry = new LocalRegistry({
			authority: await openAuthority(dir),
			stores: memoryStores(),
			clock: { nowMs: Date.now },
		});
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	/** @param which of the two requests each of the things has */
	async function run(
		names: readonly string[],
		which: number,
		options: { readonly json?: boolean; readonly renew?: boolean } = {},
		eachTakesMs = 0,
	): Promise<Printed> {
		const rows = names.map((name) => ({ name, csr: requests[which] ?? "" }));
		const time = new SteppedTime();
		const slow: ThingRegistry = {
			authorityPem: registry.authorityPem,
			register: async (thing) => {
				await registry.register(thing);
				time.step(eachTakesMs);
			},
			issue: (thing, request) => registry.issue(thing, request),
			adopt: (thing, certificate) => registry.adopt(thing, certificate),
			inForce: (thing) => registry.inForce(thing),
			revoke: (thing) => registry.revoke(thing),
		};
		const place = { registry: slow, dir, endpoint: ENDPOINT, isRemote: true };
		return capturing(() => provisionCsv(rows, place, options, time));
	}

	const many = (count: number) =>
		Array.from({ length: count }, (_, n) => `node-${n}`);

	it("says how far it is where it takes five seconds, and nothing where it takes less", async () => {
		const long = await run(many(12), 0, {}, 700);
		assert.match(
			long.stderr,
			/^\d+ of 12 things are done, about \d+ s left\.\n12 of/,
		);
		assert.equal(long.stdout, "");
		const short = await run(many(7), 1, {}, 700);
		assert.doesNotMatch(short.stderr, /are done/);
	});

	it("says so beside the lines of JSON, not among them", async () => {
		const { stdout, stderr } = await run(many(12), 0, { json: true }, 700);
		assert.match(stderr, /of 12 things are done/);
		const lines = stdout.trim().split("\n");
		assert.deepEqual(
			lines.map((line) => JSON.parse(line).thing).sort(),
			many(12).sort(),
		);
	});

	it("says what --renew makes, and names what stays in force beside that, for people and as JSON", async () => {
		await run(["porch", "shed"], 0);
		const [old = ""] = await registry.inForce("porch");
		const passed = await run(["porch"], 1);
		assert.match(
			passed.stderr,
			/1 have .* for each of these, and for no other/,
		);
		const renewed = await run(["porch"], 1, { renew: true });
		assert.match(
			renewed.stderr,
			new RegExp(`porch had before .* \`thinghz devices revoke ${old}\``),
		);
		assert.match(renewed.stderr, /1 of 1 things have a new certificate/);
		const [certificateId] = (await registry.inForce("porch")).filter(
			(id) => id !== old,
		);

		const again = await run(["porch"], 1, { renew: true });
		assert.match(
			again.stderr,
			new RegExp(
				`porch has more in force .* \`thinghz devices revoke ${old}\``,
			),
		);
		assert.match(again.stderr, /0 of 1 things have a new .*, 1 had one/);
		const { stdout } = await run(["porch"], 1, { renew: true, json: true });
		assert.deepEqual(JSON.parse(stdout), {
			thing: "porch",
			certificateId,
			issued: false,
			inForce: [old],
		});
		const shed = await run(["shed"], 0, { renew: true, json: true });
		assert.ok(!("inForce" in JSON.parse(shed.stdout)));
		assert.equal((await registry.inForce("shed")).length, 1);
	});
});

/** Goes on when it is told to, at once: what waits for the disk meanwhile does not have it wait. */
class SteppedTime {
	#now = 0;
	#waiting: { readonly atMs: number; readonly run: () => void } | null = null;

	nowMs(): number {
		return this.#now;
	}

	after(delayMs: number, run: () => void): () => void {
		this.#waiting = { atMs: this.#now + delayMs, run };
		return () => {
			this.#waiting = null;
		};
	}

	step(ms: number): void {
		this.#now += ms;
		const waiting = this.#waiting;
		if (waiting === null || waiting.atMs > this.#now) return;
		this.#waiting = null;
		waiting.run();
	}
}

/** What it writes to stdout and stderr meanwhile. */
async function capturing(work: () => Promise<void>): Promise<Printed> {
	const printed = { stdout: "", stderr: "" };
	const streams = ["stdout", "stderr"] as const;
	const writes = streams.map((name) => process[name].write);
	for (const name of streams)
		process[name].write = (text: string | Uint8Array) => {
			printed[name] += text.toString();
			return true;
		};
	try {
		await work();
	} finally {
		for (const [at, name] of streams.entries())
			process[name].write = writes[at] ?? process[name].write;
	}
	return printed;
}
