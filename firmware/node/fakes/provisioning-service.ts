/**
 * A broker that lets in by certificates, and AWS IoT's fleet provisioning over it, made of memory: what is in force, what waits for its
 * token, which names are allowed. A certificate that takes another's place has that one revoked when it is first used.
 */
import type { KeyPair, OfflineReason } from "../ports.ts";
import type { FakeMessage, FakeNetwork } from "./network.ts";

const CREATE = "$aws/certificates/create/json";
const PROVISION = "$aws/provisioning-templates/thinghz/provision/json";
const CLAIM_PREFIX = "thinghz-claim:";

interface Certificate {
	status: "PENDING" | "ACTIVE" | "REVOKED";
	readonly token: string;
	replaces?: string;
}

export class FakeProvisioning {
	readonly certificates = new Map<string, Certificate>();
	/** Names that may be claimed, or have a certificate exchanged. */
	readonly allowed = new Set<string>();
	/** For each answer, in turn: whether it is lost. */
	losesAnswer: (topic: string) => boolean = () => false;
	/** What is sent in place of an answer. */
	answers: (topic: string) => string | null = () => null;
	/** Of the last connection that was let in. */
	connectedWith = "";
	network: FakeNetwork;
	/** By which the next connection is made. */
	used = "";
	#made = 0;

	constructor(network: FakeNetwork, provisioned: string) {
		this.network = network;
		this.certificates.set(provisioned, { status: "ACTIVE", token: "" });
	}

	/** @param isClaim of the provisioned certificate, by its id */
	refuse(clientId: string, claim: string | null): OfflineReason | null {
		const certificate = this.certificates.get(this.used);
		if (certificate?.status !== "ACTIVE") return "auth";
		if ((this.used === claim) !== clientId.startsWith(CLAIM_PREFIX))
			return "auth";
		this.connectedWith = this.used;
		const { replaces } = certificate;
		const old = this.certificates.get(replaces ?? "");
		if (old !== undefined) old.status = "REVOKED";
		return null;
	}

	/** @returns whether the message was for this service */
	take(
		{ topic, payload }: FakeMessage,
		thing: string,
		claim: string | null,
	): boolean {
		const request = JSON.parse(
			topic.startsWith("$aws/certificates/") ||
				topic.startsWith("$aws/provisioning-templates/")
				? Buffer.from(payload).toString()
				: "null",
		);
		if (topic === CREATE) this.#create();
		else if (topic === PROVISION) this.#provision(request, thing, claim);
		else return false;
		return true;
	}

	#create(): void {
		const id = (++this.#made).toString(16).padStart(64, "0");
		const token = `token-${this.#made}`;
		this.certificates.set(id, { status: "PENDING", token });
		this.#answer(`${CREATE}/accepted`, {
			...pairOf(id),
			privateKey: pairOf(id).privateKeyPem,
			privateKeyPem: undefined,
			certificateOwnershipToken: token,
		});
	}

	#provision(
		request: {
			certificateOwnershipToken: string;
			parameters: { ThingName: string };
		},
		thing: string,
		claim: string | null,
	): void {
		const { ThingName: name } = request.parameters;
		for (const certificate of this.certificates.values()) {
			if (certificate.token !== request.certificateOwnershipToken) continue;
			if (name !== thing || !this.allowed.has(name)) break;
			certificate.status = "ACTIVE";
			if (claim !== this.connectedWith)
				certificate.replaces = this.connectedWith;
			this.#answer(`${PROVISION}/accepted`, {
				deviceConfiguration: {},
				thingName: name,
			});
			return;
		}
		this.#answer(`${PROVISION}/rejected`, {
			statusCode: 403,
			errorCode: "AccessDenied",
			errorMessage: "Access denied.",
		});
	}

	#answer(topic: string, document: object): void {
		if (this.losesAnswer(topic)) return;
		this.network.send(topic, this.answers(topic) ?? JSON.stringify(document));
	}
}

/** As long as real ones. */
export function pairOf(certificateId: string): KeyPair {
	const pem = (what: string, length: number) =>
		`-----BEGIN ${what}-----\n${"M".repeat(length)}\n-----END ${what}-----\n`;
	return {
		certificateId,
		certificatePem: pem("CERTIFICATE", 1200),
		privateKeyPem: pem("PRIVATE KEY", 1650),
	};
}
