/**
 * Answers devices that want a certificate, and to become a thing by it:
 * https://docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html
 * A certificate that was made here is in force when its device has said, with the token that came with it, which thing it
 * is to be, and that was allowed. Nothing of a certificate that never gets so far is kept beyond its token's hour.
 */
import {
	CREATE_FROM_CSR_TOPIC,
	CREATE_KEYS_TOPIC,
	PROVISION_TOPIC,
	PROVISIONING_PARAMETER,
	PROVISIONING_REQUESTS,
} from "../../../protocol/provisioning.ts";
import {
	type ClaimStore,
	type ProvisioningRefusal,
	type RotationJobs,
	refusalOfProvisioning,
} from "../claims.ts";
import type { CertificateStore, Clock, DeviceStore } from "../ports.ts";
import { areTooMany, replacementsAmong } from "../replacements.ts";
import type {
	DeviceMessage,
	DeviceRequest,
	ReservedService,
} from "../reserved-topics.ts";
import { RegistryError } from "../thing-registry.ts";
import { ProvisioningError } from "./errors.ts";
import type {
	NodeCertificates,
	PendingCertificateStore,
	SignedCertificate,
} from "./ports.ts";

/** How long a token is good: as AWS IoT's. */
export const TOKEN_LIFETIME_MS = 3_600_000;

/** `certificateSigningRequest` of https://docs.aws.amazon.com/iot/latest/apireference/API_CreateCertificateFromCsr.html */
const MAX_REQUEST_CHARACTERS = 4096;

/** Making a key takes a processor a tenth of a second or more: so many may wait for theirs, the others are told to come again. */
const MAX_WAITING_FOR_KEYS = 50;

export interface ProvisioningLogEntry {
	readonly event: "provisioned" | "refused";
	/** Which it asked to be: anything. */
	readonly name: unknown;
	readonly clientId: string;
	/** By which it is connected. */
	readonly certificateId: string;
	/** "revoked_certificate": the one by which it is connected has gone out of force meanwhile. */
	readonly reason?: ProvisioningRefusal | "revoked_certificate";
}

export interface ProvisioningDeps {
	readonly certificates: NodeCertificates;
	readonly pending: PendingCertificateStore;
	readonly claims: ClaimStore;
	readonly rotations: RotationJobs;
	readonly devices: Pick<DeviceStore, "create" | "get">;
	/** Those that are, or were, in force. */
	readonly inForce: Pick<CertificateStore, "get" | "ofThing" | "revoke">;
	readonly clock: Clock;
	/** Makes a token that nobody can guess: letters and digits. */
	readonly makeToken: () => string;
	/** SHA-256 of its UTF-8, hex. */
	readonly hash: (token: string) => string;
	readonly log?: (entry: ProvisioningLogEntry) => void;
}

type Members = Readonly<Record<string, unknown>>;

export class ProvisioningService implements ReservedService {
	readonly #deps: ProvisioningDeps;
	#waitingForKeys = 0;
	/** Keys are made one after the other: whoever has a claim certificate must not keep the machine from its work. */
	#keys: Promise<unknown> = Promise.resolve();

	constructor(deps: ProvisioningDeps) {
		this.#deps = deps;
	}

	answers(topic: string): boolean {
		return PROVISIONING_REQUESTS.includes(topic);
	}

	async handle(request: DeviceRequest): Promise<readonly DeviceMessage[]> {
		const { topic } = request;
		try {
			return [document(`${topic}/accepted`, await this.#answer(request))];
		} catch (error) {
			if (!(error instanceof ProvisioningError)) throw error;
			const { statusCode, errorCode, message: errorMessage } = error;
			return [
				document(`${topic}/rejected`, { statusCode, errorCode, errorMessage }),
			];
		}
	}

	async #answer(request: DeviceRequest): Promise<object> {
		await this.#requireInForce(request);
		switch (request.topic) {
			case CREATE_FROM_CSR_TOPIC:
				return this.#signFor(parse(request.payload));
			case CREATE_KEYS_TOPIC:
				if (request.payload.length > 0) parse(request.payload);
				return this.#withToken(await this.#makeInTurn());
			case PROVISION_TOPIC:
				return this.#provision(request, parse(request.payload));
			default:
				throw new ProvisioningError("InvalidPayload", "Unknown topic.");
		}
	}

	async #signFor(members: Members): Promise<object> {
		const csr = member(members, "certificateSigningRequest");
		if (
			typeof csr !== "string" ||
			csr === "" ||
			csr.length > MAX_REQUEST_CHARACTERS
		) {
			throw new ProvisioningError(
				"InvalidCertificateSigningRequest",
				`"certificateSigningRequest" must be a certificate request (PKCS #10, PEM) of at most ${MAX_REQUEST_CHARACTERS} characters.`,
			);
		}
		let signed: SignedCertificate;
		try {
			signed = await this.#deps.certificates.sign(csr);
		} catch (error) {
			if (!(error instanceof RegistryError) || error.code !== "bad_request") {
				throw error;
			}
			throw new ProvisioningError(
				"InvalidCertificateSigningRequest",
				error.message,
			);
		}
		return this.#withToken(signed);
	}

	#makeInTurn(): ReturnType<NodeCertificates["make"]> {
		if (this.#waitingForKeys >= MAX_WAITING_FOR_KEYS) {
			throw new ProvisioningError(
				"TooManyRequests",
				"Too many devices ask for keys at once. Ask again in a minute.",
			);
		}
		this.#waitingForKeys++;
		const made = this.#keys
			.then(() => this.#deps.certificates.make())
			.finally(() => this.#waitingForKeys--);
		// The failure of one is told to who asked for it.
		this.#keys = made.catch(() => undefined);
		return made;
	}

	async #withToken<T extends SignedCertificate>(
		signed: T,
	): Promise<T & { readonly certificateOwnershipToken: string }> {
		const { pending, clock, makeToken, hash } = this.#deps;
		const certificateOwnershipToken = makeToken();
		const nowMs = clock.nowMs();
		await pending.add(
			{
				tokenHash: hash(certificateOwnershipToken),
				certificateId: signed.certificateId,
				expiresMs: nowMs + TOKEN_LIFETIME_MS,
			},
			nowMs,
		);
		return { ...signed, certificateOwnershipToken };
	}

	async #provision(request: DeviceRequest, members: Members): Promise<object> {
		const { pending, devices, clock, hash } = this.#deps;
		const token = member(members, "certificateOwnershipToken");
		const name = nameIn(members);
		if (typeof token !== "string") throw badToken();
		const tokenHash = hash(token);
		const nowMs = clock.nowMs();
		// Looked up before the name is claimed, which a token that is of no use must not use up.
		const found = await pending.get(tokenHash, nowMs);
		if (found === null) throw badToken();
		const isRotation = request.thing !== null;
		if (request.thing !== null)
			await this.#refuseTooMany(request.thing, request.certificateId, nowMs);
		const thing = await this.#claim(request, name, nowMs);
		await devices.create(thing, nowMs);
		const certificate = {
			certificateId: found.certificateId,
			thing,
			status: "ACTIVE" as const,
			createdMs: nowMs,
			...(isRotation ? { replaces: request.certificateId } : {}),
		};
		const { certificateId: askedWith } = request;
		if (!(await pending.redeem(tokenHash, certificate, askedWith, nowMs))) {
			await this.#requireInForce(request);
			throw badToken();
		}
		if (!isRotation) await this.#revokeUnheard(thing, found.certificateId);
		this.#log("provisioned", request, thing);
		return { deviceConfiguration: {}, thingName: thing };
	}

	/** A connection outlives what it was made with, for moments: those must not be enough for another certificate. */
	async #requireInForce(request: DeviceRequest): Promise<void> {
		const known = await this.#deps.inForce.get(request.certificateId);
		if (known?.status === "ACTIVE") return;
		this.#log("refused", request, undefined, "revoked_certificate");
		throw accessDenied();
	}

	async #refuseTooMany(
		thing: string,
		certificateId: string,
		nowMs: number,
	): Promise<void> {
		const known = await this.#deps.inForce.ofThing(thing);
		const successors =
			await replacementsAmong(known).successorsOf(certificateId);
		if (areTooMany(successors, nowMs)) {
			throw new ProvisioningError(
				"TooManyRequests",
				"Too many certificates have been given out in place of this one. Ask again in a quarter of an hour.",
			);
		}
	}

	/** Of a name that was claimed more than once, the last certificate stays: the answers with the others were lost, or heard by a stranger. */
	async #revokeUnheard(thing: string, keptId: string): Promise<void> {
		const { claims, inForce } = this.#deps;
		const sinceMs = (await claims.get(thing))?.claimedMs ?? null;
		if (sinceMs === null) return;
		for (const one of await inForce.ofThing(thing)) {
			const { certificateId, status, createdMs } = one;
			if (
				certificateId !== keptId &&
				status === "ACTIVE" &&
				createdMs >= sinceMs
			)
				await inForce.revoke(certificateId);
		}
	}

	async #claim(
		request: DeviceRequest,
		name: unknown,
		nowMs: number,
	): Promise<string> {
		const { clientId } = request;
		const refusal = await refusalOfProvisioning(
			this.#deps.claims,
			this.#deps.devices,
			{ clientId, name },
			nowMs,
			this.#deps.rotations,
		);
		if (refusal === null) return String(name);
		this.#log("refused", request, name, refusal);
		throw accessDenied();
	}

	#log(
		event: ProvisioningLogEntry["event"],
		{ clientId, certificateId }: DeviceRequest,
		name: unknown,
		reason?: ProvisioningLogEntry["reason"],
	): void {
		this.#deps.log?.({
			event,
			name,
			clientId,
			certificateId,
			...(reason === undefined ? {} : { reason }),
		});
	}
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws ProvisioningError */
function parse(payload: Uint8Array): Members {
	let value: unknown;
	try {
		value = JSON.parse(utf8.decode(payload));
	} catch {
		// Neither UTF-8 nor JSON: the same to who sent it.
		value = null;
	}
	if (isObject(value)) return value;
	throw new ProvisioningError(
		"InvalidPayload",
		"The payload must be a JSON object.",
	);
}

/** @throws ProvisioningError */
function nameIn(members: Members): unknown {
	const parameters = member(members, "parameters");
	if (
		!isObject(parameters) ||
		Object.values(parameters).some((value) => typeof value !== "string") ||
		member(parameters, PROVISIONING_PARAMETER) === undefined
	) {
		throw new ProvisioningError(
			"InvalidParameters",
			`"parameters" must be an object of strings with ${PROVISIONING_PARAMETER} among them.`,
		);
	}
	return member(parameters, PROVISIONING_PARAMETER);
}

function accessDenied(): ProvisioningError {
	return new ProvisioningError("AccessDenied", "Access denied.");
}

function badToken(): ProvisioningError {
	return new ProvisioningError(
		"InvalidCertificateOwnershipToken",
		"There is no such token: it has expired, has been used, or was never given out.",
	);
}

function isObject(value: unknown): value is Members {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function member(members: Members, name: string): unknown {
	return Object.hasOwn(members, name) ? members[name] : undefined;
}

function document(topic: string, value: object): DeviceMessage {
	return { topic, payload: new TextEncoder().encode(JSON.stringify(value)) };
}
