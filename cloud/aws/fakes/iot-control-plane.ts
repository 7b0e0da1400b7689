/**
 * A stand-in for the control plane of AWS IoT, made from the shapes and rules of its API reference, for want of an account:
 * it answers over HTTP as the SDK asks. It proves that we speak the protocol as documented, not that AWS does.
 * https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT.html
 */
// The x509 package needs this at load time.
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import {
	type CertificateAuthority,
	certificateIdOf,
} from "../../local/identity/authority.ts";

const ARN = "arn:aws:iot:us-east-1:123456789012";

/** Where nodes reach the account's broker. */
export const ENDPOINT = "a1b2c3d4e5f6g7-ats.iot.us-east-1.amazonaws.com";

interface Certificate {
	status: "ACTIVE" | "INACTIVE" | "REVOKED";
	readonly pem: string;
	readonly createdMs: number;
	readonly policies: Set<string>;
	readonly things: Set<string>;
}

interface Answer {
	readonly status: number;
	readonly body: object;
	readonly error?: string;
}

export interface IotControlPlane {
	readonly url: string;
	readonly things: Map<string, string | undefined>;
	readonly certificates: Map<string, Certificate>;
	/** "POST /things/boiler", in the order they came. */
	readonly asked: string[];
	/** Answers the request of that number (1 is the next one) with this error instead of doing it. */
	failAt(number: number, status: number, error: string): void;
	/** Does the request of that number, and ends the connection instead of answering. */
	loseAnswerAt(number: number): void;
	close(): Promise<void>;
}

/** @param policies that exist */
export async function startIotControlPlane(
	authority: CertificateAuthority,
	policies: readonly string[],
): Promise<IotControlPlane> {
	const things = new Map<string, string | undefined>();
	const certificates = new Map<string, Certificate>();
	const asked: string[] = [];
	const failures = new Map<number, Answer>();
	const lost = new Set<number>();

	const server = createServer((request, response) => {
		void read(request).then(async (body) => {
			const url = new URL(request.url ?? "/", "http://stub");
			asked.push(`${request.method} ${url.pathname}`);
			const number = asked.length;
			const failure = failures.get(number);
			failures.delete(number);
			const answer =
				failure ??
				(await answerTo(
					`${request.method} ${decodeURIComponent(url.pathname)}`,
					url.searchParams,
					body,
					String(request.headers["x-amzn-principal"] ?? ""),
				));
			if (lost.delete(number)) {
				response.destroy();
				return;
			}
			response.writeHead(answer.status, {
				"content-type": "application/json",
				...(answer.error === undefined
					? {}
					: { "x-amzn-errortype": answer.error }),
			});
			response.end(JSON.stringify(answer.body));
		});
	});

	async function answerTo(
		operation: string,
		query: URLSearchParams,
		body: Record<string, unknown>,
		principal: string,
	): Promise<Answer> {
		const [method, path = ""] = operation.split(" ");
		const [, kind, name = "", rest] =
			path === "/principals/things"
				? ["", "principals", "", "things"]
				: path.split("/");
		const certificate = certificates.get(name);
		if (operation.startsWith("POST /attached-policies/")) {
			const target = certificates.get(idOf(path));
			if (target === undefined) {
				return refusal(404, "ResourceNotFoundException");
			}
			const names = [...target.policies];
			return done({ policies: names.map((policyName) => ({ policyName })) });
		}
		switch (`${method} ${kind}${rest === undefined ? "" : `/${rest}`}`) {
			case "POST things": {
				const type = body.thingTypeName as string | undefined;
				if (things.has(name) && things.get(name) !== type) {
					return refusal(409, "ResourceAlreadyExistsException");
				}
				things.set(name, type);
				return done({ thingName: name, thingArn: `${ARN}:thing/${name}` });
			}
			case "POST certificates":
				return sign(String(body.certificateSigningRequest), query);
			case "GET certificates":
				if (name === "") return done(certificatesPage(query));
				return certificate === undefined
					? refusal(404, "ResourceNotFoundException")
					: done({
							certificateDescription: {
								certificateId: name,
								certificateArn: `${ARN}:cert/${name}`,
								certificatePem: certificate.pem,
								status: certificate.status,
								creationDate: 1_790_000_000,
							},
						});
			case "PUT certificates": {
				if (certificate === undefined) {
					return refusal(404, "ResourceNotFoundException");
				}
				certificate.status = query.get("newStatus") as Certificate["status"];
				return done({});
			}
			case "PUT target-policies": {
				const target = certificates.get(idOf(String(body.target)));
				if (!policies.includes(name) || target === undefined) {
					return refusal(404, "ResourceNotFoundException");
				}
				target.policies.add(name);
				return done({});
			}
			case "POST policy-targets": {
				const targets = [...certificates]
					.filter(([, one]) => one.policies.has(name))
					.map(([id]) => `${ARN}:cert/${id}`);
				// One a page, so that whoever does not turn the page sees one alone.
				const at = Number(query.get("marker") ?? 0);
				return policies.includes(name)
					? done({
							targets: targets.slice(at, at + 1),
							...(at + 1 < targets.length ? { nextMarker: `${at + 1}` } : {}),
						})
					: refusal(404, "ResourceNotFoundException");
			}
			case "PUT things/principals": {
				const target = certificates.get(idOf(principal));
				if (!things.has(name) || target === undefined) {
					return refusal(404, "ResourceNotFoundException");
				}
				target.things.add(name);
				return done({});
			}
			case "GET things/principals":
				return things.has(name)
					? done(page(principalsOf(name), query))
					: refusal(404, "ResourceNotFoundException");
			case "DELETE things/principals":
				certificates.get(idOf(principal))?.things.delete(name);
				return things.has(name)
					? done({})
					: refusal(404, "ResourceNotFoundException");
			case "DELETE certificates":
				if (certificate === undefined) {
					return refusal(404, "ResourceNotFoundException");
				}
				if (certificate.status === "ACTIVE") {
					return refusal(406, "CertificateStateException");
				}
				if (
					certificate.things.size > 0 ||
					(certificate.policies.size > 0 && query.get("forceDelete") !== "true")
				) {
					return refusal(409, "DeleteConflictException");
				}
				certificates.delete(name);
				return done({});
			case "DELETE things":
				// "Deletes the specified thing. Returns successfully with no error if the deletion was successful or you specify a thing that
				// doesn't exist."
				if (principalsOf(name).length > 0) {
					return refusal(400, "InvalidRequestException");
				}
				things.delete(name);
				return done({});
			case "GET endpoint":
				return query.get("endpointType") === "iot:Data-ATS"
					? done({ endpointAddress: ENDPOINT })
					: refusal(400, "InvalidRequestException");
			case "GET principals/things":
				return done({
					things: [...(certificates.get(idOf(principal))?.things ?? [])],
				});
			default:
				return refusal(400, "InvalidRequestException");
		}
	}

	async function sign(
		request: string,
		query: URLSearchParams,
	): Promise<Answer> {
		let pem: string;
		try {
			const csr = new Pkcs10CertificateRequest(request);
			const [common] = csr.subjectName.getField("CN");
			pem = await authority.issueDevice(
				new Uint8Array(csr.publicKey.rawData),
				common ?? "AWS IoT Certificate",
			);
		} catch {
			return refusal(400, "InvalidRequestException");
		}
		const id = certificateIdOf(new X509Certificate(pem).raw);
		certificates.set(id, {
			status: query.get("setAsActive") === "true" ? "ACTIVE" : "INACTIVE",
			pem,
			createdMs: Date.now(),
			policies: new Set(),
			things: new Set(),
		});
		return done({
			certificateId: id,
			certificateArn: `${ARN}:cert/${id}`,
			certificatePem: pem,
		});
	}

	/** Two a page. */
	function certificatesPage(query: URLSearchParams): object {
		const at = Number(query.get("marker") ?? 0);
		const all = [...certificates].map(([certificateId, one]) => ({
			certificateId,
			certificateArn: `${ARN}:cert/${certificateId}`,
			status: one.status,
			creationDate: one.createdMs / 1000,
		}));
		if (query.get("isAscendingOrder") !== "true") all.reverse();
		return {
			certificates: all.slice(at, at + 2),
			...(at + 2 < all.length ? { nextMarker: String(at + 2) } : {}),
		};
	}

	function principalsOf(thing: string): string[] {
		return [...certificates]
			.filter(([, certificate]) => certificate.things.has(thing))
			.map(([id]) => `${ARN}:cert/${id}`);
	}

	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		things,
		certificates,
		asked,
		failAt(number, status, error) {
			failures.set(asked.length + number, refusal(status, error));
		},
		loseAnswerAt(number) {
			lost.add(asked.length + number);
		},
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

function done(body: object): Answer {
	return { status: 200, body };
}

function refusal(status: number, error: string): Answer {
	return { status, body: { message: `${error} (stand-in)` }, error };
}

/** One principal a page, so that whoever does not turn the page sees one alone. */
function page(
	principals: readonly string[],
	query: URLSearchParams,
): { principals: readonly string[]; nextToken?: string } {
	const at = Number(query.get("nextToken") ?? 0);
	const next = at + 1 < principals.length ? { nextToken: String(at + 1) } : {};
	return { principals: principals.slice(at, at + 1), ...next };
}

function idOf(arn: string): string {
	return arn.slice(arn.indexOf(":cert/") + ":cert/".length);
}

async function read(
	request: IncomingMessage,
): Promise<Record<string, unknown>> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	const text = Buffer.concat(chunks).toString();
	return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}
