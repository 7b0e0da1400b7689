import assert from "node:assert/strict";
import { CLAIM_AGAIN_MS } from "./claiming.ts";
import { IdentityBench, PROVISIONED } from "./fakes/identity-bench.ts";
import { PAIR_KEYS, PAIRS_KEY } from "./key-ring.ts";

const MINUTE_MS = 60_000;
const FIRST = "1".padStart(64, "0");

describe("a node with a claim certificate", () => {
	it("becomes the thing, starts anew as it, and sends what it has measured meanwhile", () => {
		const bench = new IdentityBench(true);
		bench.run(20 * MINUTE_MS);
		assert.equal(bench.boots, 2);
		assert.ok(bench.isConnected);
		assert.equal(bench.provisioning.connectedWith, FIRST);
		assert.equal(bench.settings.get(PAIRS_KEY), "a-");
		const boots = bench.cloud.events.map((event) =>
			event.type === "boot" ? event.boot : 0,
		);
		assert.deepEqual(boots, [2]);
		const samples = [...bench.cloud.samples("temperature").keys()];
		assert.ok(samples.some((sample) => sample.startsWith("2@")));
		bench.jobs.make("a", { operation: "rotate", version: 1 });
		bench.run(MINUTE_MS);
		assert.deepEqual(bench.jobs.told, ["a SUCCEEDED"]);
	});

	it("measures while it is nobody, and forgets nothing of it", () => {
		const bench = new IdentityBench(true);
		bench.provisioning.allowed.clear();
		bench.run(10 * MINUTE_MS);
		assert.equal(bench.cloud.blocks.size, 0);
		bench.provisioning.allowed.add("node-1");
		bench.run(70 * MINUTE_MS);
		assert.ok(bench.isConnected);
		const samples = [...bench.cloud.samples("temperature").keys()];
		const first = samples.filter((sample) => sample.startsWith("1@"));
		assert.ok(first.length >= 10 * 60, `${first.length}`);
	});

	it("asks again, with longer and longer pauses, for as long as it is refused", () => {
		const bench = new IdentityBench(true);
		bench.provisioning.allowed.clear();
		bench.run(5 * 60 * MINUTE_MS);
		const made = bench.provisioning.certificates.size - 1;
		assert.ok(made >= 5 && made <= 40, `${made} certificates`);
		assert.equal(bench.boots, 1);
		assert.equal(bench.settings.get(PAIRS_KEY), undefined);
		assert.equal(bench.settings.get(PAIR_KEYS.a), undefined);
		bench.provisioning.allowed.add("node-1");
		bench.run(70 * MINUTE_MS);
		assert.ok(bench.isConnected);
		assert.notEqual(bench.provisioning.connectedWith, PROVISIONED);
	});

	it("uses a certificate that it did not hear to be in force", () => {
		const bench = new IdentityBench(true);
		bench.provisioning.losesAnswer = (topic) => topic.includes("/provision/");
		bench.run(5 * MINUTE_MS);
		assert.equal(bench.provisioning.connectedWith, FIRST);
		assert.equal(bench.settings.get(PAIRS_KEY), "a-");
	});

	it("asks for another, not at once, where the one that it has is not let in", () => {
		const bench = new IdentityBench(true);
		const { provisioning } = bench;
		provisioning.losesAnswer = (topic) => {
			if (!topic.includes("/provision/")) return false;
			const first = provisioning.certificates.get(FIRST);
			// As when the cloud never got the request.
			if (first !== undefined) first.status = "PENDING";
			return true;
		};
		bench.run(3 * MINUTE_MS);
		assert.equal(bench.settings.get(PAIRS_KEY), "--");
		provisioning.losesAnswer = () => false;
		assert.equal(provisioning.certificates.size, 2);
		bench.run(CLAIM_AGAIN_MS);
		assert.equal(provisioning.connectedWith, "2".padStart(64, "0"));
		assert.ok(bench.isConnected);
	});

	it("asks again on a new connection where it is asked nothing on the one that it has", () => {
		const bench = new IdentityBench(true);
		// A broker that ends connections for what it is asked.
		bench.provisioning.losesAnswer = () => {
			bench.board.network.drop();
			return true;
		};
		bench.run(10 * MINUTE_MS);
		bench.provisioning.losesAnswer = () => false;
		bench.run(60 * MINUTE_MS);
		assert.ok(bench.isConnected);
		assert.notEqual(bench.provisioning.connectedWith, PROVISIONED);
	});

	it("waits for the network, as for whatever the cloud cannot answer yet", () => {
		const bench = new IdentityBench(true);
		bench.board.network.failWith = "wifi_not_found";
		bench.run(10 * MINUTE_MS);
		bench.board.network.failWith = null;
		bench.run(10 * MINUTE_MS);
		assert.equal(bench.provisioning.connectedWith, FIRST);
	});

	it("is somebody in the end, wherever power is cut, and with one name and no half of an identity", () => {
		const whole = new IdentityBench(true);
		whole.run(2 * MINUTE_MS);
		for (let at = 0; at < whole.changes; at++)
			for (const cut of [at + 1, at + 0.5]) {
				const bench = new IdentityBench(true, cut);
				bench.run(2 * MINUTE_MS);
				if (
					!bench.isConnected ||
					bench.provisioning.connectedWith === PROVISIONED
				)
					bench.run(CLAIM_AGAIN_MS + MINUTE_MS);
				assert.ok(bench.isConnected, `cut at ${cut}`);
				assert.notEqual(bench.provisioning.connectedWith, PROVISIONED);
				assert.match(bench.settings.get(PAIRS_KEY) ?? "", /^[ab]-$/);
			}
	});
});
