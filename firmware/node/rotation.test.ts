import assert from "node:assert/strict";
import { crc32 } from "../../protocol/crc32.ts";
import { IdentityBench, PROVISIONED } from "./fakes/identity-bench.ts";
import { pairOf } from "./fakes/provisioning-service.ts";
import { JOB_KEY } from "./jobs.ts";
import { PAIR_KEYS, PAIRS_KEY } from "./key-ring.ts";
import type { OfflineReason } from "./ports.ts";

const MINUTE_MS = 60_000;
const ROTATE = { operation: "rotate", version: 1 };
const FIRST = "1".padStart(64, "0");

function start(prepare: (bench: IdentityBench) => void = () => undefined) {
	const bench = new IdentityBench();
	bench.run(5000);
	prepare(bench);
	bench.jobs.make("a", ROTATE);
	return bench;
}

const reasonOf = (bench: IdentityBench) =>
	bench.jobs.executions[0]?.statusDetails.reason;

describe("the job rotate", () => {
	it("has the node connect with a new certificate, by which the old one is revoked, and keeps it", () => {
		const bench = start();
		bench.run(MINUTE_MS);
		const { provisioning, jobs } = bench;
		assert.deepEqual(jobs.told, ["a SUCCEEDED"]);
		assert.equal(jobs.executions[0]?.statusDetails.certificateId, FIRST);
		assert.equal(provisioning.connectedWith, FIRST);
		assert.equal(provisioning.certificates.get(PROVISIONED)?.status, "REVOKED");
		assert.equal(bench.settings.get(PAIRS_KEY), "a-");
		bench.boot();
		bench.run(MINUTE_MS);
		assert.ok(bench.isConnected);
		assert.equal(provisioning.connectedWith, FIRST);
	});

	it("can be done again and again, with two places", () => {
		const bench = start();
		for (const id of ["b", "c", "d"]) {
			bench.run(MINUTE_MS);
			bench.jobs.make(id, ROTATE);
		}
		bench.run(MINUTE_MS);
		assert.deepEqual(
			bench.jobs.told,
			["a", "b", "c", "d"].map((id) => `${id} SUCCEEDED`),
		);
		assert.equal(bench.provisioning.connectedWith, "4".padStart(64, "0"));
		assert.equal(bench.settings.get(PAIRS_KEY), "b-");
		assert.equal(bench.settings.get(PAIR_KEYS.a), undefined);
		const inForce = [...bench.provisioning.certificates.values()].filter(
			({ status }) => status === "ACTIVE",
		);
		assert.equal(inForce.length, 1);
	});

	it("begins the new session clean, once", () => {
		const bench = start();
		bench.run(MINUTE_MS);
		bench.board.network.drop();
		bench.run(MINUTE_MS);
		assert.deepEqual(
			bench.board.network.connects.map(({ clean }) => clean),
			[true, true, false],
		);
	});

	it("loses no reading", () => {
		const bench = start();
		bench.run(20 * MINUTE_MS);
		const samples = bench.cloud.samples("temperature");
		// All but what is in the open block.
		assert.ok(samples.size >= 14 * 60, `${samples.size} samples`);
	});

	it("fails by name, and leaves the node with the old one, for whatever goes wrong", () => {
		const cases: Record<string, (bench: IdentityBench) => void> = {
			create_rejected: ({ provisioning }) => {
				provisioning.answers = () => '{"errorCode":"TooManyRequests"}';
				const send = provisioning.network.send.bind(provisioning.network);
				provisioning.network.send = (topic, payload) =>
					send(
						topic.replace("create/json/accepted", "create/json/rejected"),
						payload,
					);
			},
			provision_rejected: ({ provisioning }) => provisioning.allowed.clear(),
			bad_answer: (bench) => {
				bench.refusesPair = () => "The key is not the certificate's.";
			},
			no_answer: ({ provisioning }) => {
				provisioning.losesAnswer = (topic) => topic.includes("/create/");
			},
			not_stored: ({ settings }) => {
				const set = settings.set.bind(settings);
				settings.set = (key, value) => {
					if (key.startsWith("pair-")) throw new Error("no space");
					set(key, value);
				};
			},
			not_let_in: ({ provisioning, board }) => {
				const refuses = board.network.refuses;
				board.network.refuses = (id) =>
					provisioning.used === PROVISIONED ? refuses(id) : "tls";
			},
		};
		for (const [reason, prepare] of Object.entries(cases)) {
			const bench = start(prepare);
			bench.run(3 * MINUTE_MS);
			assert.deepEqual(bench.jobs.told, [`a FAILED ${reason}`]);
			assert.ok(bench.isConnected, reason);
			assert.equal(bench.provisioning.connectedWith, PROVISIONED);
			assert.equal(bench.settings.get(PAIR_KEYS.a), undefined, reason);
			bench.boot();
			bench.run(MINUTE_MS);
			assert.equal(bench.provisioning.connectedWith, PROVISIONED);
		}
	});

	it("fails for answers that make no sense, without anything being kept", () => {
		const { certificateId, certificatePem, privateKeyPem } = pairOf(FIRST);
		for (const answer of [
			"{}",
			JSON.stringify({
				certificateId,
				certificatePem,
				privateKey: privateKeyPem,
			}),
			JSON.stringify({
				certificateId: 1,
				certificatePem,
				privateKey: privateKeyPem,
				certificateOwnershipToken: "t",
			}),
			JSON.stringify({
				certificateId,
				certificatePem: "x".repeat(4000),
				privateKey: privateKeyPem,
				certificateOwnershipToken: "t",
			}),
		]) {
			const bench = start(({ provisioning }) => {
				provisioning.answers = (topic) =>
					topic.endsWith("create/json/accepted") ? answer : null;
			});
			bench.run(3 * MINUTE_MS);
			assert.deepEqual(bench.jobs.told, ["a FAILED bad_answer"]);
			assert.equal(bench.settings.get(PAIRS_KEY), undefined);
			assert.ok(bench.isConnected);
		}
	});

	it("tries the new one where it did not hear that it is in force", () => {
		const bench = start(({ provisioning }) => {
			provisioning.losesAnswer = (topic) => topic.includes("/provision/");
		});
		bench.run(3 * MINUTE_MS);
		assert.deepEqual(bench.jobs.told, ["a SUCCEEDED"]);
		assert.equal(bench.provisioning.connectedWith, FIRST);
	});

	it("tries the new one where the connection ends in between", () => {
		const bench = start((bench) => {
			bench.provisioning.losesAnswer = (topic) => {
				if (!topic.includes("/provision/")) return false;
				bench.board.network.drop();
				return true;
			};
		});
		bench.run(3 * MINUTE_MS);
		assert.deepEqual(bench.jobs.told, ["a SUCCEEDED"]);
	});

	it("waits for a network that is not there, and blames no certificate for it", () => {
		for (const reason of ["wifi", "name_lookup", "tcp"] as const) {
			const bench = start((bench) => {
				bench.provisioning.losesAnswer = (topic) => {
					if (topic.includes("/provision/"))
						bench.board.network.failWith = reason;
					return false;
				};
			});
			bench.run(10 * MINUTE_MS);
			assert.equal(bench.settings.get(PAIRS_KEY), "-a");
			bench.board.network.failWith = null;
			bench.run(6 * MINUTE_MS);
			assert.deepEqual(bench.jobs.told, ["a SUCCEEDED"]);
		}
	});

	it("takes the new one again where the old one has been revoked and nobody told the node", () => {
		for (const reason of [
			"tls",
			"auth",
			"closed",
			"timeout",
		] satisfies OfflineReason[]) {
			const bench = start(({ board, provisioning }) => {
				const refuses = board.network.refuses;
				let lost = 0;
				// The broker has let it in, and the node does not hear of it.
				board.network.refuses = (id) => {
					const why = refuses(id);
					if (why !== null || provisioning.used === PROVISIONED) return why;
					return lost++ < 4 ? reason : null;
				};
			});
			bench.run(6 * MINUTE_MS);
			assert.deepEqual(bench.jobs.told, ["a SUCCEEDED"], reason);
			assert.equal(bench.provisioning.connectedWith, FIRST);
		}
	});

	it("leaves all as it was when it is cancelled before the new one is asked to be in force", () => {
		const bench = start(({ provisioning }) => {
			provisioning.losesAnswer = () => true;
		});
		bench.run(1000);
		bench.jobs.cancel("a");
		bench.provisioning.losesAnswer = () => false;
		bench.run(3 * MINUTE_MS);
		assert.deepEqual(bench.jobs.told, []);
		assert.equal(bench.settings.get(JOB_KEY), undefined);
		assert.equal(bench.provisioning.connectedWith, PROVISIONED);
		assert.ok(bench.isConnected);
	});

	it("is rejected by a board that knows no other key", () => {
		const bench = new IdentityBench();
		bench.jobs.make("a", ROTATE);
		bench.hasKeys = false;
		bench.boot();
		bench.run(10_000);
		assert.deepEqual(bench.jobs.told, ["a REJECTED unknown_operation"]);
	});

	it("leaves the node with one that is let in, and ends, wherever power is cut", () => {
		const ends = new Set<string>();
		const whole = start();
		const before = whole.changes;
		whole.run(2 * MINUTE_MS);
		const changes = whole.changes - before;
		assert.ok(changes >= 6);
		for (let at = 0; at < changes; at++)
			for (const cut of [at + 1, at + 0.5]) {
				const bench = start();
				bench.cutAt = bench.changes + cut;
				bench.run(3 * MINUTE_MS);
				assert.equal(bench.cutAt, Number.POSITIVE_INFINITY, `cut at ${cut}`);
				assert.ok(bench.isConnected, `cut at ${cut}`);
				assert.equal(bench.jobs.told.length, 1, `cut at ${cut}`);
				const end = bench.jobs.told[0] ?? "";
				ends.add(end);
				const { provisioning } = bench;
				if (end === "a SUCCEEDED")
					assert.notEqual(provisioning.connectedWith, PROVISIONED);
				const inForce = bench.settings.get(PAIRS_KEY);
				assert.ok(inForce === undefined || inForce.endsWith("-"), `${inForce}`);
				// And it can be done again.
				bench.jobs.make("b", ROTATE);
				bench.run(2 * MINUTE_MS);
				assert.equal(bench.jobs.told[1], "b SUCCEEDED", `cut at ${cut}`);
				assert.equal(reasonOf(bench) ?? "not_let_in", "not_let_in");
			}
		assert.ok(ends.has("a SUCCEEDED"));
	});

	it("goes back to what it was provisioned with where the pair in use has decayed", () => {
		const bench = start();
		bench.run(MINUTE_MS);
		const { settings, provisioning } = bench;
		const text = settings.get(PAIR_KEYS.a) ?? "";
		settings.values.set(PAIR_KEYS.a, text.replace("MMM", "MXM"));
		const provisioned = provisioning.certificates.get(PROVISIONED);
		if (provisioned !== undefined) provisioned.status = "ACTIVE";
		bench.boot();
		bench.run(MINUTE_MS);
		assert.equal(provisioning.connectedWith, PROVISIONED);
		assert.ok(bench.isConnected);
	});

	it("goes by a certificate that it is provisioned with anew, and forgets the pair from the cloud, wherever power is cut", () => {
		for (const cut of [1, 0.5, 2, 1.5, 3, 2.5, Number.POSITIVE_INFINITY]) {
			const bench = start();
			bench.run(MINUTE_MS);
			const { provisioning, settings } = bench;
			const rotated = provisioning.certificates.get(FIRST);
			if (rotated !== undefined) rotated.status = "REVOKED";
			bench.provisioned = "cert-2";
			provisioning.certificates.set("cert-2", { status: "ACTIVE", token: "" });
			bench.cutAt = bench.changes + cut;
			bench.boot();
			bench.run(MINUTE_MS);
			assert.ok(bench.isConnected, `cut at ${cut}`);
			assert.equal(provisioning.connectedWith, "cert-2");
			assert.equal(settings.get(PAIR_KEYS.a), undefined, `cut at ${cut}`);
			// And it can be exchanged in its turn.
			bench.jobs.make("b", ROTATE);
			bench.run(MINUTE_MS);
			assert.equal(bench.jobs.told.at(-1), "b SUCCEEDED");
			bench.boot();
			bench.run(MINUTE_MS);
			assert.equal(provisioning.connectedWith, "2".padStart(64, "0"));
		}
	});

	it("keeps the pair from the cloud where another claim certificate is all that it is provisioned with", () => {
		const bench = start();
		bench.run(MINUTE_MS);
		bench.provisioned = "cert-2";
		bench.isClaim = true;
		bench.boot();
		bench.run(MINUTE_MS);
		assert.equal(bench.provisioning.connectedWith, FIRST);
		assert.ok(bench.isConnected);
	});

	it("keeps a pair that does not say what the node was provisioned with", () => {
		const bench = start();
		bench.run(MINUTE_MS);
		const { certificateId, certificatePem, privateKeyPem } = pairOf(FIRST);
		const text = JSON.stringify([certificateId, certificatePem, privateKeyPem]);
		const crc = crc32(new TextEncoder().encode(text));
		bench.settings.values.set(
			PAIR_KEYS.a,
			crc.toString(16).padStart(8, "0") + text,
		);
		bench.boot();
		bench.run(MINUTE_MS);
		assert.equal(bench.provisioning.connectedWith, FIRST);
	});
});
