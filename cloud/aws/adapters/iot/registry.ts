/**
 * The things of AWS IoT Core: its control plane, asked with the credentials of whoever provisions.
 * https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT.html
 */
import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import {
	AttachPolicyCommand,
	AttachThingPrincipalCommand,
	CreateCertificateFromCsrCommand,
	CreateThingCommand,
	DescribeCertificateCommand,
	type IoTClient,
	IoTServiceException,
	ListAttachedPoliciesCommand,
	ListCertificatesCommand,
	ListPrincipalThingsCommand,
	ListTargetsForPolicyCommand,
	ListThingPrincipalsCommand,
	UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import type { Clock, DeviceStore } from "../../../core/ports.ts";
import {
	type ClaimCertificate,
	type ClaimRegistry,
	RegistryError,
	type ThingRegistry,
	UnknownCertificate,
} from "../../../core/thing-registry.ts";
import { CLAIM_POLICY, THING_POLICIES, THING_TYPE } from "../../names.ts";

export interface IotRegistryOptions {
	readonly client: IoTClient;
	/** Amazon Root CA 1, PEM: what the broker's certificate goes back to. */
	readonly authorityPem: string;
	readonly devices: Pick<DeviceStore, "create">;
	readonly clock: Clock;
}

/** Signature Version 4 lets the clock of who asks be wrong by so much. */
const CLOCK_SKEW_MS = 15 * 60_000;

const CERTIFICATE_ID = /^[0-9a-f]{64}$/;

export class IotRegistry implements ThingRegistry, ClaimRegistry {
	readonly #options: IotRegistryOptions;

	constructor(options: IotRegistryOptions) {
		this.#options = options;
	}

	get authorityPem(): string {
		return this.#options.authorityPem;
	}

	async register(thing: string): Promise<void> {
		const { client, devices, clock } = this.#options;
		await asked(`make the thing ${thing}`, async () => {
			try {
				await client.send(
					new CreateThingCommand({
						thingName: thing,
						thingTypeName: THING_TYPE,
					}),
				);
			} catch (error) {
				// It is there with other attributes or another type: whose it is, they are.
				if (!isNamed(error, "ResourceAlreadyExistsException")) throw error;
			}
		});
		await devices.create(thing, clock.nowMs());
	}

	issue(thing: string, request: string): Promise<string> {
		return this.#sign(thing, request);
	}

	issueClaim(request: string): Promise<string> {
		return this.#sign("nodes that claim", request);
	}

	async #sign(whom: string, request: string): Promise<string> {
		return asked(`issue a certificate for ${whom}`, async () => {
			const { certificatePem } = await this.#options.client.send(
				new CreateCertificateFromCsrCommand({
					certificateSigningRequest: request,
					setAsActive: false,
				}),
			);
			if (certificatePem === undefined) {
				throw new RegistryError(
					"unavailable",
					`AWS IoT answered without a certificate for ${whom}.`,
				);
			}
			return certificatePem;
		});
	}

	async adopt(thing: string, certificate: string): Promise<boolean> {
		const certificateId = idOf(certificate);
		if (certificateId === null) return false;
		const { client } = this.#options;
		return asked(`put a certificate of ${thing} into force`, async () => {
			const found = await this.#describe(certificateId);
			if (found === null || found.status === "REVOKED") return false;
			const { arn, status } = found;
			const { things = [] } = await client.send(
				new ListPrincipalThingsCommand({ principal: arn }),
			);
			if (things.some((other) => other !== thing)) return false;
			for (const policyName of THING_POLICIES) {
				await client.send(new AttachPolicyCommand({ policyName, target: arn }));
			}
			await client.send(
				new AttachThingPrincipalCommand({ thingName: thing, principal: arn }),
			);
			// Last: a certificate in force that is nobody's would be one to look for.
			if (status !== "ACTIVE") await this.#setStatus(certificateId, "ACTIVE");
			return true;
		});
	}

	async inForce(thing: string): Promise<readonly string[]> {
		return asked(`list the certificates of ${thing}`, async () => {
			const active: string[] = [];
			for (const id of await this.#principalsOf(thing)) {
				if ((await this.#describe(id))?.status === "ACTIVE") active.push(id);
			}
			return active;
		});
	}

	/**
	 * Nothing but its key tells whose an inactive certificate is that is attached to nothing. Lists of certificates have no keys: those of the
	 * time in question are looked at one by one, newest first.
	 */
	async findIssued(
		keyDer: Uint8Array,
		sinceMs: number,
	): Promise<string | null> {
		const key = createPublicKey({
			key: Buffer.from(keyDer),
			format: "der",
			type: "spki",
		});
		return asked("look for a certificate that a cut has left", async () => {
			let marker: string | undefined;
			do {
				const page = await this.#options.client.send(
					new ListCertificatesCommand({
						ascendingOrder: false,
						...(marker === undefined ? {} : { marker }),
					}),
				);
				for (const one of page.certificates ?? []) {
					const { certificateId, status, creationDate } = one;
					const createdMs = creationDate?.getTime() ?? 0;
					if (createdMs < sinceMs - CLOCK_SKEW_MS) return null;
					if (certificateId === undefined || status !== "INACTIVE") continue;
					const pem = (await this.#describe(certificateId))?.pem;
					if (
						pem !== undefined &&
						new X509Certificate(pem).publicKey.equals(key)
					)
						return pem;
				}
				marker = page.nextMarker;
			} while (marker !== undefined);
			return null;
		});
	}

	async adoptClaim(certificate: string): Promise<boolean> {
		const certificateId = idOf(certificate);
		if (certificateId === null) return false;
		const { client } = this.#options;
		return asked("put a claim certificate into force", async () => {
			const found = await this.#describe(certificateId);
			if (found === null || found.status === "REVOKED") return false;
			const { arn, status } = found;
			const [{ things = [] }, { policies = [] }] = await Promise.all([
				client.send(new ListPrincipalThingsCommand({ principal: arn })),
				client.send(new ListAttachedPoliciesCommand({ target: arn })),
			]);
			// Many will have it: it must be able to do nothing else.
			const isOthers =
				things.length > 0 ||
				policies.some(({ policyName }) => policyName !== CLAIM_POLICY);
			if (isOthers) return false;
			await client.send(
				new AttachPolicyCommand({ policyName: CLAIM_POLICY, target: arn }),
			);
			if (status !== "ACTIVE") await this.#setStatus(certificateId, "ACTIVE");
			return true;
		});
	}

	/** Those that have the policy of claims, whoever has made them. */
	async claimCertificates(): Promise<readonly ClaimCertificate[]> {
		const { client } = this.#options;
		return asked("list claim certificates", async () => {
			const found: ClaimCertificate[] = [];
			let marker: string | undefined;
			do {
				const { targets = [], nextMarker } = await client.send(
					new ListTargetsForPolicyCommand({
						policyName: CLAIM_POLICY,
						...(marker === undefined ? {} : { marker }),
					}),
				);
				for (const target of targets) {
					const certificateId = /:cert\/([0-9a-f]{64})$/.exec(target)?.[1];
					if (certificateId === undefined) continue;
					const described = await this.#describe(certificateId);
					if (described === null) continue;
					const { status, createdMs } = described;
					found.push({ certificateId, status, createdMs });
				}
				marker = nextMarker;
			} while (marker !== undefined);
			return found.sort((a, b) => a.createdMs - b.createdMs);
		});
	}

	async revoke(thingOrCertificateId: string): Promise<readonly string[]> {
		return asked(`revoke ${thingOrCertificateId}`, async () => {
			const ids = await this.#certificatesOf(thingOrCertificateId);
			if (ids.length === 0) throw new UnknownCertificate(thingOrCertificateId);
			const revoked: string[] = [];
			for (const id of ids) {
				const found = await this.#describe(id);
				if (found === null || found.status === "REVOKED") continue;
				await this.#setStatus(id, "REVOKED");
				revoked.push(id);
			}
			return revoked;
		});
	}

	async #certificatesOf(
		thingOrCertificateId: string,
	): Promise<readonly string[]> {
		if (
			CERTIFICATE_ID.test(thingOrCertificateId) &&
			(await this.#describe(thingOrCertificateId)) !== null
		) {
			return [thingOrCertificateId];
		}
		return this.#principalsOf(thingOrCertificateId);
	}

	/** Ids of the certificates that are attached to a thing, in force or not. */
	async #principalsOf(thingName: string): Promise<readonly string[]> {
		const ids: string[] = [];
		let nextToken: string | undefined;
		do {
			try {
				const page = await this.#options.client.send(
					new ListThingPrincipalsCommand({
						thingName,
						...(nextToken === undefined ? {} : { nextToken }),
					}),
				);
				for (const principal of page.principals ?? []) {
					const id = /:cert\/([0-9a-f]{64})$/.exec(principal)?.[1];
					if (id !== undefined) ids.push(id);
				}
				nextToken = page.nextToken;
			} catch (error) {
				if (isNamed(error, "ResourceNotFoundException")) return [];
				throw error;
			}
		} while (nextToken !== undefined);
		return ids;
	}

	async #describe(certificateId: string): Promise<{
		readonly arn: string;
		readonly status: string;
		readonly pem: string | undefined;
		readonly createdMs: number;
	} | null> {
		try {
			const { certificateDescription } = await this.#options.client.send(
				new DescribeCertificateCommand({ certificateId }),
			);
			const { certificateArn, certificatePem, status, creationDate } =
				certificateDescription ?? {};
			if (certificateArn === undefined || status === undefined) return null;
			return {
				arn: certificateArn,
				status,
				pem: certificatePem,
				createdMs: creationDate?.getTime() ?? 0,
			};
		} catch (error) {
			if (isNamed(error, "ResourceNotFoundException")) return null;
			throw error;
		}
	}

	async #setStatus(
		certificateId: string,
		newStatus: "ACTIVE" | "REVOKED",
	): Promise<void> {
		await this.#options.client.send(
			new UpdateCertificateCommand({ certificateId, newStatus }),
		);
	}
}

function idOf(certificate: string): string | null {
	try {
		const { raw } = new X509Certificate(certificate);
		return createHash("sha256").update(raw).digest("hex");
	} catch {
		// Not PEM, so nothing that was issued here.
		return null;
	}
}

function isNamed(error: unknown, name: string): boolean {
	return error instanceof Error && error.name === name;
}

const DENIED = [
	"UnauthorizedException",
	"AccessDeniedException",
	"UnrecognizedClientException",
	"InvalidSignatureException",
	"ExpiredTokenException",
];

/** @param what "make the thing boiler". @throws RegistryError for whatever AWS or the way to it refuses */
async function asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (cause) {
		if (cause instanceof RegistryError || cause instanceof UnknownCertificate) {
			throw cause;
		}
		const { name, message } = cause as Error;
		const said = `AWS IoT could not ${what}: ${name}: ${message}`;
		if (DENIED.includes(name)) {
			throw new RegistryError(
				"denied",
				`${said}. Check the AWS credentials and their permissions.`,
				{ cause },
			);
		}
		const isOurs =
			cause instanceof IoTServiceException && cause.$fault === "client";
		const isThrottled = name === "ThrottlingException";
		throw new RegistryError(
			isOurs && !isThrottled ? "bad_request" : "unavailable",
			`${said}.`,
			{ cause },
		);
	}
}
