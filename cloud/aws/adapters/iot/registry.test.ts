/** Against a stand-in for AWS IoT's control plane made from its API reference: no account was at hand. */
import assert from "node:assert/strict";
import {
	createHash,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	X509Certificate,
} from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IoTClient, type IoTClientConfig } from "@aws-sdk/client-iot";
import { patience } from "../../../../tools/aws/open-registry.ts";
import { certificateRequest } from "../../../../tools/identity/certificate-request.ts";
import { provision } from "../../../../tools/identity/provision.ts";
import { thingRegistryContract } from "../../../core/contracts/thing-registry.ts";
import { memoryStores } from "../../../core/fakes/memory-stores.ts";
import { RegistryError } from "../../../core/thing-registry.ts";
import {
	type CertificateAuthority,
	openAuthority,
} from "../../../local/identity/authority.ts";
import {
	type IotControlPlane,
	startIotControlPlane,
} from "../../fakes/iot-control-plane.ts";
import { CLAIM_POLICY, THING_POLICIES, THING_TYPE } from "../../names.ts";
import { IotRegistry } from "./registry.ts";

describe("AWS IoT's control plane", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-iot-"));
	// One key for all: making RSA keys is what takes time here.
	const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
	const open: { plane: IotControlPlane; client: IoTClient }[] = [];
	let authority: CertificateAuthority;

	before(async () => {
		authority = await openAuthority(dir);
	});

	afterEach(async () => {
		for (const { plane, client } of open.splice(0)) {
			client.destroy();
			await plane.close();
		}
	});

	after(() => rmSync(dir, { recursive: true }));

	async function make(config: IoTClientConfig = { maxAttempts: 1 }) {
		const plane = await startIotControlPlane(authority, [
			...THING_POLICIES,
			CLAIM_POLICY,
		]);
		const client = new IoTClient({
			region: "us-east-1",
			endpoint: plane.url,
			credentials: { accessKeyId: "test", secretAccessKey: "test" },
			...config,
		});
		open.push({ plane, client });
		const { devices } = memoryStores();
		return {
			plane,
			registry: new IotRegistry({
				client,
				authorityPem: authority.certificatePem,
				devices,
				clock: { nowMs: () => 1 },
			}),
			request: (thing: string) => certificateRequest(thing, privateKey),
			idOf: (pem: string) =>
				createHash("sha256").update(new X509Certificate(pem).raw).digest("hex"),
			devices: async () => (await devices.list()).map(({ name }) => name),
		};
	}

	thingRegistryContract("AWS IoT", make);

	it("makes claim certificates that can do nothing else, and lists them", async () => {
		const { plane, registry, request, idOf } = await make();
		const issued: string[] = [];
		for (let n = 0; n < 2; n++) {
			const pem = await registry.issueClaim(await request("claim"));
			assert.equal(plane.certificates.get(idOf(pem))?.status, "INACTIVE");
			assert.equal(await registry.adoptClaim(pem), true);
			// Once more is no harm.
			assert.equal(await registry.adoptClaim(pem), true);
			const certificate = plane.certificates.get(idOf(pem));
			assert.deepEqual([...(certificate?.policies ?? [])], [CLAIM_POLICY]);
			assert.deepEqual([...(certificate?.things ?? [])], []);
			assert.equal(certificate?.status, "ACTIVE");
			issued.push(idOf(pem));
		}
		await registry.revoke(issued[0] ?? "");
		const listed = await registry.claimCertificates();
		assert.deepEqual(
			listed.map(({ certificateId, status }) => [certificateId, status]),
			issued.map((id, at) => [id, at === 0 ? "REVOKED" : "ACTIVE"]),
		);
		assert.equal(listed[0]?.createdMs, 1_790_000_000_000);
	});

	it("makes no claim certificate of a thing's, of one for something else, or of one that is revoked", async () => {
		const { plane, registry, request, idOf } = await make();
		await registry.register("boiler");
		const things = await registry.issue("boiler", await request("boiler"));
		await registry.adopt("boiler", things);
		const others = await registry.issueClaim(await request("claim"));
		plane.certificates.get(idOf(others))?.policies.add("somebody-elses");
		const revoked = await registry.issueClaim(await request("claim"));
		await registry.revoke(idOf(revoked));
		for (const pem of [things, others, revoked, authority.certificatePem, ""]) {
			assert.equal(await registry.adoptClaim(pem), false);
		}
		assert.deepEqual(await registry.claimCertificates(), []);
	});

	it("gives a thing its type, its policies and its certificate, and puts that into force last", async () => {
		const { plane, registry, request, idOf } = await make();
		await registry.register("boiler");
		const pem = await registry.issue("boiler", await request("boiler"));
		const certificate = plane.certificates.get(idOf(pem));
		assert.equal(certificate?.status, "INACTIVE");
		assert.equal(await registry.adopt("boiler", pem), true);
		assert.equal(plane.things.get("boiler"), THING_TYPE);
		assert.deepEqual([...(certificate?.policies ?? [])], [...THING_POLICIES]);
		assert.deepEqual([...(certificate?.things ?? [])], ["boiler"]);
		assert.equal(certificate?.status, "ACTIVE");
		assert.match(plane.asked.at(-1) ?? "", /^PUT \/certificates\//);
	});

	it("mends whatever was cut: at each request in turn, the next attempt ends whole", async () => {
		for (let cut = 1; ; cut++) {
			const { plane, registry, request, idOf } = await make();
			await registry.register("boiler");
			const pem = await registry.issue("boiler", await request("boiler"));
			const before = plane.asked.length;
			plane.failAt(cut, 500, "InternalFailureException");
			const failed = await registry.adopt("boiler", pem).then(
				() => false,
				(error) => {
					assert.ok(error instanceof RegistryError);
					assert.equal(error.code, "unavailable");
					return true;
				},
			);
			if (!failed) {
				assert.ok(cut > 1 && plane.asked.length - before === cut - 1);
				break;
			}
			assert.equal(await registry.adopt("boiler", pem), true);
			const certificate = plane.certificates.get(idOf(pem));
			assert.deepEqual([...(certificate?.policies ?? [])], [...THING_POLICIES]);
			assert.deepEqual([...(certificate?.things ?? [])], ["boiler"]);
			assert.equal(certificate?.status, "ACTIVE");
		}
	});

	it("finds a certificate whose answer was lost by its key, and of those of that time alone", async () => {
		const { plane, registry, request, idOf } = await make();
		const other = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
		const keyDer = (key: KeyObject) =>
			new Uint8Array(key.export({ type: "spki", format: "der" }));
		const own = keyDer(createPublicKey(privateKey));
		await registry.register("boiler");
		const lost = await registry.issue("boiler", await request("boiler"));
		const used = await registry.issue("boiler", await request("boiler"));
		await registry.adopt("boiler", used);
		for (const since of [0, Date.now()])
			assert.equal(await registry.findIssued(own, since), lost);
		const later = Date.now() + 3_600_000;
		assert.equal(await registry.findIssued(own, later), null);
		assert.equal(await registry.findIssued(keyDer(other.publicKey), 0), null);
		assert.equal(plane.certificates.get(idOf(lost))?.status, "INACTIVE");
	});

	it("gives a thing one certificate, wherever provisioning it is cut off, and leaves none behind that nobody has", async () => {
		const where = mkdtempSync(join(tmpdir(), "thinghz-cut-"));
		const csr = await certificateRequest("boiler", privateKey);
		for (let cut = 1; ; cut++) {
			const { plane, registry } = await make();
			const folder = join(where, String(cut));
			const at = { endpointHost: "hub.example", port: 8883 };
			const run = () => provision(registry, folder, "boiler", at, { csr });
			plane.loseAnswerAt(cut);
			const failed = await run().then(
				() => false,
				() => true,
			);
			if (!failed) {
				assert.ok(cut > 8);
				break;
			}
			const { certificateId } = await run();
			assert.deepEqual([...plane.certificates.keys()], [certificateId]);
			const certificate = plane.certificates.get(certificateId);
			assert.equal(certificate?.status, "ACTIVE");
			assert.equal((await run()).issued, false);
		}
		rmSync(where, { recursive: true });
	});

	it("asks again for longer than the SDK by itself when it is told to slow down", async () => {
		const { plane, registry } = await make(patience({}));
		for (const at of [1, 2, 3]) plane.failAt(at, 429, "ThrottlingException");
		await registry.register("boiler");
		assert.equal(plane.asked.length, 4);
		assert.equal(patience({ AWS_MAX_ATTEMPTS: "1" }).maxAttempts, undefined);
	}).timeout(60_000);

	it("takes a thing of that name and another type as it is", async () => {
		const { plane, registry } = await make();
		plane.things.set("boiler", "somebody-elses");
		await registry.register("boiler");
		assert.equal(plane.things.get("boiler"), "somebody-elses");
	});

	for (const [error, status, code] of [
		["UnauthorizedException", 401, "denied"],
		["ThrottlingException", 429, "unavailable"],
		["InvalidRequestException", 400, "bad_request"],
		["ServiceUnavailableException", 503, "unavailable"],
	] as const) {
		it(`tells ${error} as ${code}, with what was asked and what AWS said`, async () => {
			const { plane, registry } = await make();
			plane.failAt(1, status, error);
			await assert.rejects(registry.register("boiler"), (thrown) => {
				assert.ok(thrown instanceof RegistryError);
				assert.equal(thrown.code, code);
				assert.match(thrown.message, new RegExp(`boiler.*${error}`));
				return true;
			});
		});
	}
});
