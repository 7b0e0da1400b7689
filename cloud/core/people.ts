/**
 * Who may do what. Administrators and operators see every device, and viewers those that were shared with them; a
 * device that somebody may not see does not exist for them. A program that only reads is a viewer that sees all of them.
 */

/** On AWS the name of a Cognito group; the most powerful of a person's counts. */
export type Role = "admin" | "operator" | "viewer";

/** From the most powerful down. */
export const ROLES: readonly Role[] = ["admin", "operator", "viewer"];

export function isRole(value: unknown): value is Role {
	return ROLES.some((role) => role === value);
}

/** Who asks, as far as permission goes. */
export interface Actor {
	/** Identifies a person for ever: on AWS the `sub` of Cognito. */
	readonly subject: string;
	readonly role: Role;
	/**
	 * Of a program that looks on, such as Grafana: it sees every device as if each had been shared with it, and may change
	 * nothing, whatever its role. Absent for people.
	 */
	readonly onlyReads?: true;
}

/** Which devices have been shared with whom. */
export interface GrantStore {
	/** By name. */
	devicesOf(subject: string): Promise<readonly string[]>;
	/** By subject. */
	subjectsOf(device: string): Promise<readonly string[]>;
	has(subject: string, device: string): Promise<boolean>;
	/** No effect when it is there already. */
	grant(subject: string, device: string): Promise<void>;
	/** No effect when it is not there. */
	revoke(subject: string, device: string): Promise<void>;
}
