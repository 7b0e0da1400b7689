import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStores } from "../../cloud/core/fakes/memory-stores.ts";
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
	): Promise<Printed> {
		const rows = names.map((name) => ({ name, csr: requests[which] ?? "" }));
		const place = { registry, dir, endpoint: ENDPOINT, isRemote: false };
		return capturing(() => provisionCsv(rows, place, options));
	}

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
