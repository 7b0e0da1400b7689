/**
 * Provisions many things: cut off at any moment and run again, it goes on where it was, and makes nothing twice. What cannot be done for
 * one, as where the cloud throttles it for long, is told, and the others are done.
 */
import type { ThingRegistry } from "../../cloud/core/thing-registry.ts";
import { RegistryError } from "../../cloud/core/thing-registry.ts";
import type { FleetRow } from "./fleet-csv.ts";
import { type Endpoint, provisionIn, thingLocks } from "./provision.ts";
import { AlreadyInForce, type Renewal } from "./thing-certificate.ts";

/** After so many in a row for which the cloud had no answer, there is no cloud. */
const MAX_UNAVAILABLE = 20;

export type RowOutcome =
	| {
			readonly thing: string;
			readonly certificateId: string;
			/** False when it was provisioned before and that still serves. */
			readonly issued: boolean;
			/** With `renew`: ids of others that are in force beside it, until somebody revokes them. Never empty. */
			readonly inForce?: readonly string[];
	  }
	/** It has others in force, which it has got itself or which are elsewhere: nothing was made. */
	| {
			readonly thing: string;
			readonly issued: false;
			readonly inForce: readonly string[];
	  }
	/** The others are provisioned all the same. */
	| {
			readonly thing: string;
			readonly error: string;
			/** Whether asking again may help. */
			readonly again: boolean;
	  };

export interface ListOptions {
	/** Things under way at a time. */
	readonly atOnce: number;
	/**
	 * Makes a certificate also for things that would be passed over, as the key of what they have in force is not in their files; that stays in
	 * force. Those whose files serve are left as they are.
	 */
	readonly renew?: boolean;
	/** Told of each thing once it is done, in the order in which they are. */
	readonly onOutcome: (outcome: RowOutcome) => void;
}

/**
 * @throws whatever is not of one thing: RegistryError denied, or unavailable for many in a row; IdentityError, StoreError
 */
export async function provisionList(
	registry: ThingRegistry,
	dataDir: string,
	rows: readonly FleetRow[],
	endpoint: Endpoint,
	{ atOnce, renew = false, onOutcome }: ListOptions,
): Promise<void> {
	const waiting = [...rows].reverse();
	const locks = thingLocks(dataDir);
	const site = { registry, dataDir, endpoint, locks };
	const renewal: Renewal = renew ? "elsewhere" : "never";
	let failure: unknown = null;
	let unavailable = 0;
	const one = async ({ name, csr }: FleetRow): Promise<RowOutcome> => {
		try {
			const made = await provisionIn(site, name, { csr, renew: renewal });
			unavailable = 0;
			const { certificateId, issued, others } = made;
			const beside = others.length === 0 ? {} : { inForce: others };
			return { thing: name, certificateId, issued, ...beside };
		} catch (error) {
			if (error instanceof AlreadyInForce) {
				unavailable = 0;
				return { thing: name, issued: false, inForce: error.certificateIds };
			}
			if (!(error instanceof RegistryError) || error.code === "denied")
				throw error;
			const again = error.code === "unavailable";
			if (again && ++unavailable >= MAX_UNAVAILABLE) throw error;
			return { thing: name, error: error.message, again };
		}
	};
	const work = async () => {
		for (let row = waiting.pop(); row; row = waiting.pop()) {
			try {
				onOutcome(await one(row));
			} catch (error) {
				failure ??= error;
				waiting.length = 0;
			}
		}
	};
	// What is under way ends before it is told that one has failed.
	await Promise.all(Array.from({ length: atOnce }, work));
	locks.close();
	if (failure !== null) throw failure;
}
