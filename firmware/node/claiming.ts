/**
 * What a node does that has a claim certificate and none of its own: it becomes the thing that it is to be, on a connection that serves for
 * nothing else, and starts anew. It measures meanwhile; its blocks wait in the journal.
 */
import { CLAIM_CLIENT_PREFIX } from "../../protocol/provisioning.ts";
import { Alarm } from "./alarm.ts";
import type { AskerParts } from "./asker.ts";
import { type ExchangeFailure, KeyExchange } from "./key-exchange.ts";
import type { KeyRing } from "./key-ring.ts";
import { Uplink, type UplinkParts } from "./uplink.ts";
import { DEFAULT_UPLINK_LIMITS } from "./uplink-limits.ts";

/**
 * After a certificate that was not let in, another is asked for so much later: within the time in which the cloud gives a name out again
 * (cloud/core/claims.ts), and not so often that certificates of nobody heap up in it.
 */
export const CLAIM_AGAIN_MS = 300_000;

/** A connection on which nothing has come of it for so long is given up: it may be one on which nothing is asked (asking.ts). */
const PATIENCE_MS = 1_200_000;

/** A place for the requests is all that is needed: blocks and events have none. */
const LIMITS = Object.freeze({ ...DEFAULT_UPLINK_LIMITS, window: 0 });

export interface ClaimingParts
	extends Pick<UplinkParts, "boot" | "system" | "timers" | "chance"> {
	readonly thing: string;
	/** Of `claimUplink`: it is the only one that such a node has. */
	readonly uplink: Uplink;
	readonly keys: KeyRing;
	/** Ends in good order and starts the board anew. */
	restart(): void;
}

/** Connects as who has the claim certificate. */
export function claimUplink(parts: UplinkParts): Uplink {
	const { identity } = parts;
	const thing = CLAIM_CLIENT_PREFIX + identity.thing;
	return new Uplink({ ...parts, identity: { ...identity, thing } }, LIMITS);
}

export class Claiming {
	readonly #parts: ClaimingParts;
	readonly #exchange: KeyExchange;
	readonly #alarm: Alarm;

	constructor(parts: ClaimingParts) {
		const { keys, boot, timers, system, chance, thing, uplink } = parts;
		this.#parts = parts;
		const asking: AskerParts = {
			thing,
			link: uplink.link,
			timers,
			system,
			boot,
			chance,
		};
		this.#exchange = new KeyExchange({
			...asking,
			keys,
			kept: () => null,
			ended: (failure, detail, mayBeInForce) =>
				this.ended(failure, detail, mayBeInForce),
		});
		this.#alarm = new Alarm(timers, () => {
			this.#alarm.setAt(timers.uptimeMs() + PATIENCE_MS);
			uplink.reconnect();
		});
	}

	start(): void {
		const { keys, system, timers, thing } = this.#parts;
		const waitMs = keys.wasRefused ? CLAIM_AGAIN_MS : 0;
		system.log("info", `The node asks to become ${thing}.`);
		this.#alarm.setAt(timers.uptimeMs() + waitMs);
	}

	stop(): void {
		this.#alarm.setAt(Number.POSITIVE_INFINITY);
		this.#exchange.leave();
		this.#parts.uplink.stop();
	}

	private ended(
		failure: ExchangeFailure | null,
		detail: string,
		mayBeInForce: boolean,
	): void {
		const { keys, system, restart, thing } = this.#parts;
		if (failure === null) {
			const why = keys.keep();
			if (why !== null)
				system.log("error", `That it is in force cannot be stored: ${why}`);
			restart();
		} else if (mayBeInForce) restart();
		else {
			system.log("warn", `The node is not ${thing} yet: ${failure}. ${detail}`);
			this.#exchange.beginLater();
		}
	}
}
