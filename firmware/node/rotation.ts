/**
 * The operation `rotate`: the node gets a new key with a certificate, and connects by them. The old pair stays until the new one has been
 * let in, which is when the cloud revokes the old one (docs/decisions/0017-rotation.md): whatever fails on the way, or cuts it off, leaves
 * the node with one that it may connect with.
 */
import type { JobDocument } from "../../protocol/job-documents.ts";
import type { AskerParts } from "./asker.ts";
import type { Job, Operation } from "./job.ts";
import { type ExchangeFailure, KeyExchange } from "./key-exchange.ts";
import type { KeyRing } from "./key-ring.ts";
import type { Uplink } from "./uplink.ts";

export interface RotationParts extends AskerParts {
	readonly keys: KeyRing;
	readonly uplink: Pick<Uplink, "reconnect">;
}

export class Rotation implements Operation {
	readonly #parts: RotationParts;
	#job: Job | null = null;
	#exchange: KeyExchange | null = null;

	constructor(parts: RotationParts) {
		this.#parts = parts;
	}

	run(job: Job, document: JobDocument | null): void {
		this.#job = job;
		if (job.kept !== null) {
			this.judge(job);
			return;
		}
		if (document === null) return;
		// It asks as soon as it is told of the connection.
		this.#exchange = new KeyExchange({
			...this.#parts,
			kept: (certificateId) => job.keep(certificateId),
			ended: (failure, detail, mayBeInForce) =>
				this.ended(failure, detail, mayBeInForce),
		});
	}

	/** The first connection after the exchange, by whichever of the two pairs was let in. */
	onOnline(): void {
		const job = this.#job;
		if (job !== null && job.kept !== null) this.judge(job);
	}

	cancel(): void {
		const mayBeInForce = this.#exchange?.leave() ?? true;
		// What may be in force is tried: the old one might be good no longer.
		if (!mayBeInForce) this.#parts.keys.drop(false);
		this.#exchange = null;
		this.#job = null;
	}

	private ended(
		failure: ExchangeFailure | null,
		detail: string,
		mayBeInForce: boolean,
	): void {
		const job = this.#job;
		this.#exchange?.leave();
		this.#exchange = null;
		if (failure !== null && !mayBeInForce)
			job?.end("FAILED", { reason: failure, detail });
		// Where the connection has ended, the uplink is about to make another.
		else if (this.#parts.link.isOnline) this.#parts.uplink.reconnect();
	}

	/** While the new one is on trial there is nothing to say. */
	private judge(job: Job): void {
		const { keys } = this.#parts;
		if (keys.certificateId === job.kept) {
			if (!keys.isOnTrial) job.end("SUCCEEDED", { certificateId: job.kept });
		} else if (!keys.isOnTrial)
			job.end("FAILED", {
				reason: "not_let_in",
				detail: `The new certificate was not let in (${keys.refusedBy ?? "before a restart"}).`,
			});
	}
}
