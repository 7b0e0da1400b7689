/**
 * What the pre-provisioning hook does: says whether a node with a claim certificate may become the thing that it asks to
 * be, and makes a device of it, so that its first connection is noted; and notes which certificates go as another is used: of a thing that
 * exchanges its own, and of a name that was claimed more than once.
 * https://docs.aws.amazon.com/iot/latest/developerguide/pre-provisioning-hook.html
 */
import {
	type ClaimStore,
	type RotationJobs,
	refusalOfProvisioning,
} from "../core/claims.ts";
import type { Clock, DeviceStore } from "../core/ports.ts";
import {
	areTooMany,
	claimOf,
	type ReplacementStore,
} from "../core/replacements.ts";
import type { Log } from "./log.ts";
import { PROVISIONING_PARAMETER } from "./names.ts";

/** What AWS IoT calls it with, as far as we look at it. */
export interface ProvisioningRequest {
	readonly claimCertificateId: string;
	readonly certificateId: string;
	readonly templateArn: string;
	readonly clientId: string;
	/** What the node has sent: anything. */
	readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface ProvisioningAnswer {
	readonly allowProvisioning: boolean;
}

/** When it throws, the node is refused, too, and asks again later. */
export function provisioningHookHandler(deps: {
	readonly claims: ClaimStore;
	readonly rotations: RotationJobs;
	readonly devices: Pick<DeviceStore, "create" | "get">;
	readonly replacements: ReplacementStore;
	readonly clock: Clock;
	readonly log: Log;
}): (request: ProvisioningRequest) => Promise<ProvisioningAnswer> {
	const { claims, rotations, devices, replacements, clock, log } = deps;
	return async (request) => {
		const { claimCertificateId, certificateId, clientId } = request;
		const name = request.parameters?.[PROVISIONING_PARAMETER];
		const nowMs = clock.nowMs();
		const refusal = await refusalOfProvisioning(
			claims,
			devices,
			{ clientId, name },
			nowMs,
			rotations,
		);
		const who = { name, claimCertificateId, certificateId, clientId };
		const refused = (code: string): ProvisioningAnswer => {
			log.warn("provisioning_refused", { ...who, code });
			return { allowProvisioning: false };
		};
		if (refusal !== null) return refused(refusal);
		const thing = String(name);
		// A thing that asks by its own connection exchanges the certificate that it is connected with.
		const replaces =
			clientId === thing
				? claimCertificateId
				: claimOf(thing, (await claims.get(thing))?.claimedMs ?? nowMs);
		if (areTooMany(await replacements.successorsOf(replaces), nowMs))
			return refused("too_many");
		await replacements.note({ certificateId, thing, replaces }, nowMs);
		// After it is noted: whoever settles meanwhile finds it. A connection outlives its certificate on AWS IoT, by minutes.
		if ((await replacements.settledBy(replaces)) !== null)
			return refused("replaced");
		await devices.create(thing, nowMs);
		log.info("provisioning_allowed", who);
		return { allowProvisioning: true };
	};
}
