/**
 * Takes a device out of the cloud: nobody connects as it any more, and all that is kept of it goes, its logs and crashes with it, but for
 * what it has measured, and the history that others are part of too: alerts that were, dead letters, jobs. A name may be given again
 * afterwards; what its first holder has measured is then found under it as before.
 *
 * Each step may be repeated, and the device itself goes last: where one fails, asking again does the rest.
 */
import type { AlertRule } from "./alerts/ports.ts";
import { type ClaimStore, revokeAllOf } from "./claims.ts";
import { UnknownDevice } from "./errors.ts";
import type { GrantStore } from "./people.ts";
import type { CertificateStore, DeviceStore } from "./ports.ts";

/** Whoever keeps things and their certificates. */
export interface ThingRemover {
	/**
	 * Takes all certificates of a thing out of force, for good, and forgets the thing. No effect where there is none.
	 * @returns the ids of those that were in force
	 * @throws StoreError, RegistryError
	 */
	removeThing(thing: string): Promise<readonly string[]>;
}

/** A part of the cloud that knows something of things. No effect where it knows nothing of one. */
export interface ThingForgetter {
	/** @throws StoreError */
	removeThing(thing: string): Promise<void>;
}

export interface RemovedDevice {
	/** Ids of the certificates that were in force. */
	readonly certificates: readonly string[];
	/** Ids of the alert rules that were for it alone. */
	readonly alertRules: readonly string[];
	/** With how many people it was shared. */
	readonly people: number;
}

export interface DeviceRemovalDeps {
	readonly devices: Pick<DeviceStore, "get" | "remove">;
	readonly things: ThingRemover;
	readonly shadows: ThingForgetter;
	/** What it has told of its logs and crashes. */
	readonly logs: ThingForgetter;
	readonly claims: Pick<ClaimStore, "revoke">;
	readonly rules: {
		list(): Promise<readonly Pick<AlertRule, "id" | "device">[]>;
		remove(id: string): Promise<void>;
	};
	readonly grants: Pick<GrantStore, "subjectsOf" | "revoke">;
	/** Once nobody can connect as it. */
	readonly disconnect?: (thing: string) => void;
	/** When it is gone. */
	readonly gone?: (thing: string) => void;
}

export class DeviceRemoval {
	readonly #deps: DeviceRemovalDeps;

	constructor(deps: DeviceRemovalDeps) {
		this.#deps = deps;
	}

	/** @throws UnknownDevice, StoreError, RegistryError */
	async remove(name: string): Promise<RemovedDevice> {
		const { devices, things, shadows, logs, claims, rules, grants } =
			this.#deps;
		if ((await devices.get(name)) === null) throw new UnknownDevice(name);
		// Before anything else, so that a node cannot become it again meanwhile.
		await revokeAllOf(claims, name);
		const certificates = await things.removeThing(name);
		this.#deps.disconnect?.(name);
		await shadows.removeThing(name);
		await logs.removeThing(name);
		const own = (await rules.list()).filter(({ device }) => device === name);
		for (const { id } of own) await rules.remove(id);
		const subjects = await grants.subjectsOf(name);
		for (const subject of subjects) await grants.revoke(subject, name);
		await devices.remove(name);
		this.#deps.gone?.(name);
		return {
			certificates,
			alertRules: own.map(({ id }) => id),
			people: subjects.length,
		};
	}
}

/** On a cloud that keeps the certificates itself. Those that were revoked stay known, so that none is ever taken again. */
export function certificateRemover(
	certificates: Pick<CertificateStore, "ofThing" | "revoke">,
): ThingRemover {
	return {
		async removeThing(thing) {
			const active = (await certificates.ofThing(thing)).filter(
				({ status }) => status === "ACTIVE",
			);
			for (const { certificateId } of active) {
				await certificates.revoke(certificateId);
			}
			return active.map(({ certificateId }) => certificateId);
		},
	};
}
