import assert from "node:assert/strict";
import { StoreError } from "../../cloud/core/ports.ts";
import { TestAuthority } from "../../cloud/local/broker/fakes/certificates.ts";
import { TestBroker } from "../../cloud/local/broker/fakes/test-broker.ts";
import { identityKey } from "../../protocol/block.ts";
import { readHeader } from "../../protocol/decode.ts";
import { loadSequence } from "./blocks.ts";
import type { LoadPlan } from "./plan.ts";
import { LoadError } from "./publisher.ts";
import { runLoad } from "./run-load.ts";

describe("the load generator", () => {
	let authority: TestAuthority;
	let test: TestBroker;

	before(async () => {
		authority = await TestAuthority.make();
	});
	beforeEach(async () => {
		test = await TestBroker.start(authority);
	});
	afterEach(() => test.broker.close());
	after(() => authority.remove());

	async function plan(things: readonly string[]): Promise<LoadPlan> {
		return {
			host: "127.0.0.1",
			port: test.broker.port,
			ca: authority.server.ca,
			identities: await Promise.all(
				things.map(async (thing) => ({
					thing,
					...(await test.provision(thing)),
				})),
			),
			window: 4,
			blocksPerS: null,
			contents: 10,
			warmUpMs: 20,
			measureMs: 100,
		};
	}

	it("counts what is acknowledged, and each of it has reached the broker under its identity", async () => {
		const report = await runLoad(await plan(["load-0", "load-1"]));
		assert.ok(report.acknowledged > 0);
		assert.ok(report.p50Ms <= report.p99Ms && report.p99Ms <= report.maxMs);
		const arrived = test.ingest.messages.map(({ payload }) =>
			identityKey(readHeader(payload)),
		);
		const reported = report.things.flatMap(({ journalId, blocks }) =>
			Array.from({ length: blocks }, (_, n) =>
				identityKey({ journalId, boot: 1, sequence: loadSequence(n) }),
			),
		);
		assert.deepEqual(arrived.sort(), reported.sort());
		assert.equal(new Set(arrived).size, arrived.length);
	});

	it("keeps to a rate", async () => {
		const paced = { ...(await plan(["load-0"])), blocksPerS: 200, window: 50 };
		const report = await runLoad({ ...paced, warmUpMs: 100, measureMs: 400 });
		const blocks = report.things[0]!.blocks;
		assert.ok(blocks >= 60 && blocks <= 150, `${blocks} blocks`);
	});

	it("fails when the broker drops a connection", async () => {
		test.ingest.isHolding = true;
		const running = runLoad(await plan(["load-0"]));
		await test.ingest.whenGiven(4);
		test.ingest.fail(new StoreError("unavailable", "No store."));
		await assert.rejects(running, LoadError);
	});

	it("fails when a thing may not connect", async () => {
		const refused = await plan(["load-0"]);
		await test.certificates.revoke(
			(await test.certificates.ofThing("load-0"))[0]!.certificateId,
		);
		await assert.rejects(runLoad(refused), LoadError);
	});
});
