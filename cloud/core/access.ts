import { Forbidden, UnknownDevice } from "./errors.ts";
import { type Actor, type GrantStore, ROLES, type Role } from "./people.ts";

/** Decides who may see and do what. The one place where a role or a grant is weighed. */
export class Access {
	readonly #grants: GrantStore;

	constructor(grants: GrantStore) {
		this.#grants = grants;
	}

	/** @throws Forbidden when the actor's role is less than `role` */
	requireRole(actor: Actor, role: Role): void {
		if (!hasRole(actor, role)) throw new Forbidden(role, actor.role);
	}

	/** The names of the devices that somebody may see; null for every one there is. @throws StoreError */
	async visibleDevices(actor: Actor): Promise<ReadonlySet<string> | null> {
		if (hasRole(actor, "operator")) return null;
		return new Set(await this.#grants.devicesOf(actor.subject));
	}

	/** @throws StoreError */
	async sees(actor: Actor, device: string): Promise<boolean> {
		return (
			hasRole(actor, "operator") ||
			(await this.#grants.has(actor.subject, device))
		);
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
