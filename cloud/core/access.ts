import { LesserRole, OnlyReads, UnknownDevice } from "./errors.ts";
import { type Actor, type GrantStore, ROLES, type Role } from "./people.ts";

/** Decides who may see and do what. The one place where a role or a grant is weighed. */
export class Access {
	readonly #grants: GrantStore;

	constructor(grants: GrantStore) {
		this.#grants = grants;
	}

	/** @throws LesserRole when the actor's role is less than `role` */
	requireRole(actor: Actor, role: Role): void {
		if (!hasRole(actor, role)) throw new LesserRole(role, actor.role);
	}

	/** @throws OnlyReads for a program that may change nothing */
	requireChanges(actor: Actor): void {
		if (actor.onlyReads) throw new OnlyReads();
	}

	/** The names of the devices that somebody may see; null for every one there is. @throws StoreError */
	async visibleDevices(actor: Actor): Promise<ReadonlySet<string> | null> {
		if (seesAll(actor)) return null;
		return new Set(await this.#grants.devicesOf(actor.subject));
	}

	/** @throws StoreError */
	async sees(actor: Actor, device: string): Promise<boolean> {
		return seesAll(actor) || (await this.#grants.has(actor.subject, device));
	}

	/**
	 * A device that is not theirs is refused in the very words that one which does not exist is. Whether a device that
	 * they may see exists is not looked at.
	 * @throws UnknownDevice, StoreError
	 */
	async requireDevice(actor: Actor, device: string): Promise<void> {
		if (!(await this.sees(actor, device))) throw new UnknownDevice(device);
	}
}

/** Whether somebody has a role or a more powerful one. */
export function hasRole(actor: Pick<Actor, "role">, role: Role): boolean {
	return ROLES.indexOf(actor.role) <= ROLES.indexOf(role);
}

function seesAll(actor: Actor): boolean {
	return actor.onlyReads === true || hasRole(actor, "operator");
}
