/**
 * Against a stand-in for AWS KMS, made from its API reference (https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html) on
 * node:crypto: it proves that we speak the protocol as documented, not that AWS does.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KMSClient } from "@aws-sdk/client-kms";
import fc from "fast-check";
import { OtaError } from "./errors.ts";
import { isSignedBy, pointOf } from "./keys.ts";
import { createKmsKey, fromDer, readKmsKey, signByKms } from "./kms.ts";

const ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd";

interface Asked {
	readonly operation: string;
	readonly body: Readonly<Record<string, unknown>>;
}

describe("a key in AWS KMS", () => {
	let server: Server;
	let client: KMSClient;
	let asked: Asked[];
	let keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
	let spec: { KeySpec: string; KeyUsage: string };
	/** Names of the errors that operations are answered with. */
	let refusals: Readonly<Record<string, string>>;
	let spoil: (signature: Buffer) => Buffer;

	beforeEach(async () => {
		asked = [];
		refusals = {};
		spec = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" };
		spoil = (signature) => signature;
		keys = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
		server = createServer(async (request, response) => {
			const chunks: Buffer[] = [];
			for await (const chunk of request) chunks.push(chunk as Buffer);
			const [, operation = ""] = String(request.headers["x-amz-target"]).split(
				".",
			);
			const body = JSON.parse(Buffer.concat(chunks).toString());
			asked.push({ operation, body });
			const refusal = refusals[operation];
			response.writeHead(refusal === undefined ? 200 : 400, {
				"content-type": "application/x-amz-json-1.1",
			});
			response.end(
				JSON.stringify(
					refusal === undefined
						? answerTo(operation, body)
						: { __type: refusal, message: "No." },
				),
			);
		});
		await new Promise<void>((resolve) => {
			server.listen(0, "127.0.0.1", resolve);
		});
		const { port } = server.address() as AddressInfo;
		client = new KMSClient({
			region: "eu-west-1",
			endpoint: `http://127.0.0.1:${port}`,
			credentials: { accessKeyId: "A", secretAccessKey: "B" },
			maxAttempts: 1,
		});
	});

	afterEach(async () => {
		client.destroy();
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	});

	function answerTo(
		operation: string,
		body: Readonly<Record<string, unknown>>,
	): object {
		switch (operation) {
			case "CreateKey":
				return { KeyMetadata: { KeyId: "1234abcd", Arn: ARN, ...spec } };
			case "GetPublicKey": {
				const spki = keys.publicKey.export({ type: "spki", format: "der" });
				return { KeyId: ARN, PublicKey: spki.toString("base64"), ...spec };
			}
			case "Sign": {
				const message = Buffer.from(String(body.Message), "base64");
				const signature = spoil(sign("sha256", message, keys.privateKey));
				return {
					KeyId: ARN,
					Signature: signature.toString("base64"),
					SigningAlgorithm: body.SigningAlgorithm,
				};
			}
			default:
				return {};
		}
	}

	const codeOf = async (work: Promise<unknown>): Promise<string> => {
		try {
			await work;
		} catch (error) {
			assert.ok(error instanceof OtaError, String(error));
			return error.code;
		}
		return "none";
	};

	it("is made for signing alone, with a name where one is given, and its public half is told", async () => {
		const made = await createKmsKey(client, "alias/thinghz-ota");
		assert.deepEqual(made, { arn: ARN, publicKey: pointOf(keys.publicKey) });
		const [create, alias] = asked;
		assert.equal(create?.body.KeySpec, "ECC_NIST_P256");
		assert.equal(create?.body.KeyUsage, "SIGN_VERIFY");
		assert.deepEqual(alias, {
			operation: "CreateAlias",
			body: { AliasName: "alias/thinghz-ota", TargetKeyId: ARN },
		});
		await createKmsKey(client, undefined);
		assert.equal(
			asked.filter(({ operation }) => operation === "CreateAlias").length,
			1,
		);
	});

	it("signs what a node verifies", async () => {
		const bytes = Buffer.from("a manifest");
		const key = await readKmsKey(client, ARN);
		const signature = await signByKms(client, ARN, key, bytes);
		assert.ok(isSignedBy(bytes, signature, key));
		assert.deepEqual(asked.at(-1), {
			operation: "Sign",
			body: {
				KeyId: ARN,
				Message: bytes.toString("base64"),
				MessageType: "RAW",
				SigningAlgorithm: "ECDSA_SHA_256",
			},
		});
	});

	it("gives no signature that does not verify", async () => {
		const key = await readKmsKey(client, ARN);
		for (const spoilt of [
			(der: Buffer) => Buffer.from(der.map((b, at) => (at === 8 ? b ^ 1 : b))),
			(der: Buffer) => der.subarray(1),
			() => Buffer.alloc(0),
		]) {
			spoil = spoilt;
			const signed = signByKms(client, ARN, key, Buffer.from("x"));
			assert.equal(await codeOf(signed), "signature_wrong");
		}
	});

	it("of another kind is refused", async () => {
		spec = { KeySpec: "ECC_NIST_P384", KeyUsage: "SIGN_VERIFY" };
		assert.equal(await codeOf(readKmsKey(client, ARN)), "bad_key");
		spec = { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" };
		assert.equal(await codeOf(readKmsKey(client, ARN)), "bad_key");
	});

	for (const operation of ["CreateKey", "CreateAlias", "GetPublicKey"]) {
		it(`tells why AWS refuses ${operation}`, async () => {
			refusals = { [operation]: "AccessDeniedException" };
			await assert.rejects(
				createKmsKey(client, "alias/x"),
				(error) =>
					error instanceof OtaError &&
					error.code === "kms" &&
					error.message.includes("AccessDeniedException"),
			);
		});
	}

	it("tells why AWS does not sign", async () => {
		const key = await readKmsKey(client, ARN);
		refusals = { Sign: "DisabledException" };
		const signed = signByKms(client, ARN, key, Buffer.from("x"));
		assert.equal(await codeOf(signed), "kms");
	});
});

describe("a signature in DER", () => {
	it("is read as node:crypto writes it", () => {
		const { privateKey, publicKey } = generateKeyPairSync("ec", {
			namedCurve: "prime256v1",
		});
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
				const signature = fromDer(sign("sha256", bytes, privateKey));
				assert.ok(signature !== null);
				assert.ok(isSignedBy(bytes, signature, publicKey));
			}),
			{ numRuns: 100 },
		);
	});

	it("is none where it is anything else", () => {
		for (const hex of [
			"",
			"30",
			"3000",
			"3006020101020101ff",
			"300602010102020102",
			"3006030101020101",
			"300402010102",
			`3045022101${"11".repeat(32)}020101`,
		]) {
			assert.equal(fromDer(Buffer.from(hex, "hex")), null, hex);
		}
		const small = fromDer(Buffer.from("3006020101020102", "hex"));
		assert.deepEqual([small?.[31], small?.[63], small?.length], [1, 2, 64]);
	});
});
