/**
 * Ingest: how many blocks a second the cloud on one machine takes in, each committed before its PUBACK, from 50 things
 * over mutual TLS with the load generator on the same machine.
 * On its own: `npx tsx tools/bench/ingest.ts`
 */
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Devices } from "../../cloud/core/devices.ts";
import { Ingest } from "../../cloud/core/ingest.ts";
import { LiveHub } from "../../cloud/core/live-hub.ts";
import type { BlockStore } from "../../cloud/core/ports.ts";
import { startBroker } from "../../cloud/local/broker/broker.ts";
import {
	certificateIdOf,
	openAuthority,
} from "../../cloud/local/identity/authority.ts";
import { serverIdentity } from "../../cloud/local/identity/server-certificate.ts";
import { openStores } from "../../cloud/local/sqlite/stores.ts";
import { loadSequence } from "../load/blocks.ts";
import type { LoadPlan, LoadReport } from "../load/plan.ts";
import { runLoad } from "../load/run-load.ts";
import { type BenchResult, formatResult } from "./result.ts";

const CONNECTIONS = 50;
const WINDOW = 8;
const CONTENTS = 2000;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 20_000;
const TARGET_BLOCKS_PER_S = 10_000;
const PACED_MEASURE_MS = 10_000;
/** At a rate, a connection's window is only there not to be reached. */
const PACED_WINDOW = 1000;
const PAGE_BLOCKS = 2000;

/** Takes about 50 s. */
export async function benchIngest(): Promise<BenchResult[]> {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-bench-"));
	try {
		return await measure(dir);
	} finally {
		rmSync(dir, { recursive: true });
	}
}

async function measure(dir: string): Promise<BenchResult[]> {
	const clock = { nowMs: () => Date.now() };
	const stores = await openStores(dir);
	const hub = new LiveHub();
	const authority = await openAuthority(dir);
	const broker = await startBroker({
		ingest: new Ingest({ stores, hub, clock }),
		devices: new Devices({ stores, hub, clock }),
		certificates: stores.certificates,
		tls: await serverIdentity(authority, dir),
		host: "127.0.0.1",
		port: 0,
	});
	try {
		// One key serves all: keys cost time to make and nothing once the connection is up.
		const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const key = keys.privateKey
			.export({ type: "pkcs8", format: "pem" })
			.toString();
		const publicKey = keys.publicKey.export({ type: "spki", format: "der" });
		const identities: LoadPlan["identities"][number][] = [];
		for (let at = 0; at < CONNECTIONS; at++) {
			const thing = `load-${at}`;
			const cert = await authority.issueDevice(publicKey, thing);
			await stores.devices.create(thing, Date.now());
			await stores.certificates.add({
				certificateId: certificateIdOf(new X509Certificate(cert).raw),
				thing,
				status: "ACTIVE",
				createdMs: Date.now(),
			});
			identities.push({ thing, key, cert });
		}
		const plan: LoadPlan = {
			host: "127.0.0.1",
			port: broker.port,
			ca: authority.certificatePem,
			identities,
			window: WINDOW,
			blocksPerS: null,
			contents: CONTENTS,
			warmUpMs: WARM_UP_MS,
			measureMs: MEASURE_MS,
		};
		const full = await runLoad(plan);
		const paced = await runLoad({
			...plan,
			window: PACED_WINDOW,
			blocksPerS: TARGET_BLOCKS_PER_S,
			measureMs: PACED_MEASURE_MS,
		});
		await broker.close();
		const missing =
			(await countMissing(stores.blocks, full)) +
			(await countMissing(stores.blocks, paced));
		return results(full, paced, missing);
	} finally {
		await broker.close();
		await stores.close();
	}
}

/** How many of the acknowledged blocks are not in the store. */
async function countMissing(
	store: BlockStore,
	{ things }: LoadReport,
): Promise<number> {
	let missing = 0;
	for (const { thing, journalId, blocks } of things) {
		const found = new Set<number>();
		let after: string | undefined;
		for (;;) {
			const page = await store.range(thing, 0, Date.now(), PAGE_BLOCKS, after);
			for (const block of page.blocks) {
				if (block.journalId === journalId) found.add(block.sequence);
			}
			if (page.next === null) break;
			after = page.next;
		}
		for (let n = 0; n < blocks; n++) {
			if (!found.has(loadSequence(n))) missing++;
		}
	}
	return missing;
}

function results(
	full: LoadReport,
	paced: LoadReport,
	missing: number,
): BenchResult[] {
	const blocksPerS = rateOf(full);
	const sent = [...full.things, ...paced.things].reduce(
		(sum, { blocks }) => sum + blocks,
		0,
	);
	const latency = ({ p50Ms, maxMs }: LoadReport) =>
		`median ${p50Ms.toFixed(1)} ms, longest ${maxMs.toFixed(0)} ms`;
	return [
		{
			name: "ingest: blocks of 60 × 3 values",
			value: blocksPerS,
			unit: "blocks/s",
			target: { op: ">=", value: TARGET_BLOCKS_PER_S },
			note: `${CONNECTIONS} connections, mutual TLS, QoS 1, ${WINDOW} in flight each; ${((blocksPerS * 180) / 1e6).toFixed(1)} M values/s; mean block ${Math.round(full.meanBlockBytes)} B; SQLite WAL, synchronous=FULL: one fsync a group commit, before its PUBACKs; the generator, on the same machine, took ${Math.round(full.cpuShare * 100)} % of a core`,
		},
		{
			name: "ingest: p99 from publish to PUBACK, as fast as it goes",
			value: full.p99Ms,
			unit: "ms",
			note: latency(full),
		},
		{
			name: `ingest: p99 from publish to PUBACK, at ${TARGET_BLOCKS_PER_S} blocks/s`,
			value: paced.p99Ms,
			unit: "ms",
			note: `${Math.round(rateOf(paced))} blocks/s acknowledged; ${latency(paced)}`,
		},
		{
			name: "ingest: acknowledged blocks that are not stored",
			value: missing,
			unit: "blocks",
			target: { op: "<=", value: 0 },
			note: `of ${sent}, read back after the run`,
		},
	];
}

function rateOf({ acknowledged, measuredMs }: LoadReport): number {
	return acknowledged / (measuredMs / 1000);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const result of await benchIngest()) console.log(formatResult(result));
}
