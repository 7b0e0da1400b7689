/**
 * Asks the cloud for a key and a certificate, keeps them on trial, and has them put into force for the thing. A node makes no RSA key
 * itself; this one travels in the answer alone, over the mutual TLS connection that it is asked by.
 * Source: https://docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html, "CreateKeysAndCertificate" and "RegisterThing".
 * The requests bear no token of the client's: there is one at a time.
 */
import {
	CREATE_KEYS_TOPIC,
	PROVISION_TOPIC,
	PROVISIONING_PARAMETER,
} from "../../protocol/provisioning.ts";
import { Asker, type AskerParts } from "./asker.ts";
import type { JsonObject } from "./json-message.ts";
import type { KeyRing, NewPair } from "./key-ring.ts";

/** Why there is no new certificate in force, or none that the node would know of. */
export type ExchangeFailure =
	/** The cloud gives out none. */
	| "create_rejected"
	/** What it gave is no key with its certificate, or too long to be received. */
	| "bad_answer"
	/** It could not be kept. */
	| "not_stored"
	/** The cloud does not put it into force: the thing was not allowed to have another. */
	| "provision_rejected"
	/** Silence, or the connection has ended. */
	| "no_answer";

export interface KeyExchangeParts extends AskerParts {
	readonly keys: KeyRing;
	/** A pair has been kept, and is not in force. @returns why to go no further, or null */
	kept(certificateId: string): string | null;
	/**
	 * It is over.
	 * @param failure null when the pair on trial is in force
	 * @param mayBeInForce though it failed, for the cloud has been asked to put it into force and nobody knows what came of that
	 */
	ended(
		failure: ExchangeFailure | null,
		detail: string,
		mayBeInForce: boolean,
	): void;
}

const PREFIX = "$aws/";
const CREATE = CREATE_KEYS_TOPIC.slice(PREFIX.length);
const PROVISION = PROVISION_TOPIC.slice(PREFIX.length);
const ACCEPTED = "/accepted";
const REJECTED = "/rejected";
const FILTERS = [
	CREATE + ACCEPTED,
	CREATE + REJECTED,
	PROVISION + ACCEPTED,
	PROVISION + REJECTED,
] as const;

export class KeyExchange extends Asker {
	readonly #parts: KeyExchangeParts;
	#step: "idle" | "create" | "provision" = "idle";

	constructor(parts: KeyExchangeParts) {
		super(parts);
		this.#parts = parts;
	}

	// It is asked for these before it is made, when it is attached to a connection that is up: no fields then.
	protected get filterEnds(): readonly string[] {
		return FILTERS;
	}

	protected get topic(): string {
		return PREFIX;
	}

	override owns(topic: string): boolean {
		return (
			topic.startsWith(CREATE, PREFIX.length) ||
			topic.startsWith(PROVISION, PREFIX.length)
		);
	}

	/** Asks again after a while, longer each time, if the connection holds. */
	beginLater(): void {
		this.failed();
	}

	/** Takes no more answers. @returns whether the pair may be in force, or come into it, all the same */
	leave(): boolean {
		const mayBeInForce = this.#step === "provision";
		this.#step = "idle";
		this.startOver();
		this.asking.link.detach(this);
		return mayBeInForce;
	}

	onOnline(): void {
		this.begin();
	}

	override onOffline(): void {
		super.onOffline();
		if (this.#step !== "idle") this.end("no_answer", "The connection ended.");
	}

	protected onDue(): void {
		if (this.#step === "idle") this.begin();
		else this.end("no_answer", "The cloud does not answer.");
	}

	protected receive(what: string, message: JsonObject): void {
		if (!this.isAwaiting) return;
		if (this.#step === "create" && what === CREATE + ACCEPTED)
			this.take(message);
		else if (this.#step === "create" && what === CREATE + REJECTED)
			this.end("create_rejected", reasonIn(message));
		else if (this.#step === "provision" && what === PROVISION + ACCEPTED)
			this.end(null, "");
		else if (this.#step === "provision" && what === PROVISION + REJECTED) {
			// It is known not to be in force.
			this.#step = "create";
			this.end("provision_rejected", reasonIn(message));
		}
	}

	protected tooLong(what: string, lengthBytes: number): void {
		if (this.isAwaiting && what.endsWith(ACCEPTED))
			this.end("bad_answer", `The answer has ${lengthBytes} bytes.`);
	}

	private begin(): void {
		this.#step = "create";
		this.askWithoutToken(CREATE, {});
	}

	private take(message: JsonObject): void {
		const { certificateOwnershipToken: token } = message;
		const pair = takePair(message);
		if (pair === null || typeof token !== "string") {
			this.end("bad_answer", "The answer lacks what it has to bring.");
			return;
		}
		const { keys } = this.#parts;
		const refusal = keys.tryOut(pair);
		if (refusal !== null) {
			this.end(refusal.reason, refusal.detail);
			return;
		}
		const why = this.#parts.kept(pair.certificateId);
		if (why !== null) {
			this.end("not_stored", why);
			return;
		}
		this.startOver();
		this.#step = "provision";
		this.askWithoutToken(PROVISION, {
			certificateOwnershipToken: token,
			parameters: { [PROVISIONING_PARAMETER]: this.asking.thing },
		});
	}

	private end(failure: ExchangeFailure | null, detail: string): void {
		const mayBeInForce = this.#step === "provision";
		this.#step = "idle";
		this.startOver();
		if (failure !== null && !mayBeInForce) this.#parts.keys.drop(false);
		this.#parts.ended(failure, detail, mayBeInForce);
	}
}

/** What is taken is in the message no more: it is much, and nobody else's. */
function takePair(
	message: JsonObject & { certificatePem?: unknown; privateKey?: unknown },
): NewPair | null {
	const { certificateId, certificatePem, privateKey } = message;
	delete message.certificatePem;
	delete message.privateKey;
	return typeof certificateId === "string" &&
		typeof certificatePem === "string" &&
		typeof privateKey === "string"
		? { certificateId, certificatePem, privateKeyPem: privateKey }
		: null;
}

function reasonIn({ errorCode, errorMessage }: JsonObject): string {
	return `${String(errorCode)}: ${String(errorMessage)}`;
}
