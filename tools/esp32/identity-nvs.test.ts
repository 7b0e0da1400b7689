import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { readNvs } from "../../firmware/image/nvs-reader.ts";
import {
	dataPartition,
	parsePartitionCsv,
} from "../../firmware/image/partition-table.ts";
import { BoardError } from "./errors.ts";
import { EC, makeIdentity } from "./fakes/identity.ts";
import { type BoardIdentity, makeNvs, NVS_BYTES } from "./identity-nvs.ts";

function codeOf(act: () => unknown): string | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof BoardError, String(error));
		return error.code;
	}
}

describe("an NVS image of an identity", () => {
	let identity: BoardIdentity;
	let raw: Uint8Array;
	before(async () => {
		({ identity, raw } = await makeIdentity());
	});

	const valuesOf = (image: Uint8Array) =>
		new Map(
			readNvs(image).map(({ namespace, key, value }) => [
				`${namespace}.${key}`,
				value,
			]),
		);

	it("has what a board reads at its start, under the names that it reads it by", () => {
		const values = valuesOf(
			makeNvs(identity, {
				wifi: { ssid: "Garden", password: "not a secret" },
				sensors: '[{"type": "sht3x"}]',
			}),
		);
		assert.deepEqual(
			[...values.keys()],
			[
				"identity.thing",
				"identity.host",
				"identity.port",
				"identity.certificateId",
				"identity.certificate",
				"identity.key",
				"identity.authority",
				"identity.ssid",
				"identity.password",
				"thinghz.sensors",
			],
		);
		assert.equal(values.get("identity.thing"), "porch");
		assert.equal(values.get("identity.host"), "broker.example.org");
		assert.equal(values.get("identity.port"), 8883);
		assert.deepEqual(values.get("identity.certificate"), raw);
		assert.equal(values.get("identity.ssid"), "Garden");
	});

	it("says of a claim certificate that it is one, and which thing the node is to become", () => {
		const config = { ...identity.config, clientIdPrefix: "thinghz-claim:" };
		const values = valuesOf(makeNvs({ ...identity, config }));
		assert.equal(values.get("identity.claim"), 1);
		assert.equal(values.get("identity.thing"), identity.config.thing);
		assert.equal(valuesOf(makeNvs(identity)).has("identity.claim"), false);
		const { thing, ...nameless } = config;
		assert.equal(values.get("identity.thing"), thing);
		const batch = valuesOf(makeNvs({ ...identity, config: nameless }));
		assert.equal(batch.has("identity.thing"), false);
		assert.equal(batch.get("identity.claim"), 1);
		const { clientIdPrefix: _, ...neither } = nameless;
		assert.throws(() => makeNvs({ ...identity, config: neither }), {
			code: "bad_identity",
		});
	});

	it("is of the size of the board's partition", () => {
		const table = parsePartitionCsv(
			readFileSync(
				new URL("../../firmware/boards/esp32/partitions.csv", import.meta.url),
				"utf8",
			),
		);
		assert.equal(dataPartition(table, "nvs")?.sizeBytes, NVS_BYTES);
		assert.equal(makeNvs(identity).length, NVS_BYTES);
	});

	it("has the node's own namespace although nothing is in it, since reading there throws without", () => {
		assert.ok(Buffer.from(makeNvs(identity)).includes("thinghz"));
	});

	it("has no password of an open network", () => {
		const values = valuesOf(
			makeNvs(identity, { wifi: { ssid: "Open", password: null } }),
		);
		assert.equal(values.has("identity.password"), false);
	});

	for (const [what, wifi] of [
		["no name", { ssid: "", password: "password1" }],
		["a name of 33 bytes", { ssid: "ü".repeat(17), password: "password1" }],
		["a password of 7", { ssid: "a", password: "1234567" }],
		[
			"a password of 64 that is no hex",
			{ ssid: "a", password: "z".repeat(64) },
		],
		["a password that is not ASCII", { ssid: "a", password: "Gästezimmer" }],
	] as const)
		it(`is not made for a network with ${what}`, () => {
			assert.equal(
				codeOf(() => makeNvs(identity, { wifi })),
				"bad_wifi",
			);
		});

	it("takes a network's key in place of its password", () => {
		makeNvs(identity, { wifi: { ssid: "a", password: "0f".repeat(32) } });
	});

	it("is not made of a key that is another's, of a certificate that is damaged, or of two authorities", () => {
		const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const other = privateKey.export({ type: "pkcs8", format: "pem" });
		for (const change of [
			{ keyPem: other.toString() },
			{ keyPem: "no key" },
			{ certificatePem: identity.certificatePem.replace("MII", "MIX") },
			{ certificatePem: "" },
			{ authorityPem: identity.authorityPem.repeat(2) },
		])
			assert.equal(
				codeOf(() => makeNvs({ ...identity, ...change })),
				"bad_identity",
			);
	});

	it("is not made of a key that the board's TLS cannot sign with", async () => {
		const { identity: ec } = await makeIdentity(EC);
		assert.equal(
			codeOf(() => makeNvs(ec)),
			"bad_identity",
		);
	});

	it("is not made with sensors that a board would refuse", () => {
		assert.throws(() => makeNvs(identity, { sensors: '[{"type":"x"}]' }), {
			name: "SensorConfigError",
		});
	});
});
