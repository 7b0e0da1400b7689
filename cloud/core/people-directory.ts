/** Whom a cloud knows, for whoever runs it: on one machine they are in its own store, on AWS in a Cognito user pool. */
import type { GrantStore, Role } from "./people.ts";
import type { DeviceStore } from "./ports.ts";

export interface Person {
	/** Identifies them for ever, and is never given to another: 16 lower-case hex digits on one machine, on AWS the `sub`. */
	readonly subject: string;
	/** As `thinghz users` calls them: unique, and free again when they are removed. On AWS their e-mail address. */
	readonly name: string;
	readonly role: Role;
	readonly createdMs: number;
}

export interface PersonWithDevices extends Person {
	/** Names of what was shared with them. */
	readonly devices: readonly string[];
}

/** Who calls it may do all of that: it asks no permission of ours. */
export interface PeopleDirectory {
	/** By name. */
	list(): Promise<readonly PersonWithDevices[]>;
	/** All of the devices or, when one of them does not exist, none. @throws PeopleError */
	grant(name: string, devices: readonly string[]): Promise<Person>;
	/** No effect for what was not shared. @throws PeopleError unknown_person */
	revoke(name: string, devices: readonly string[]): Promise<Person>;
	/** With all that was shared with them and where they are notified. @throws PeopleError unknown_person */
	remove(name: string): Promise<Person>;
}

export type PeopleErrorCode =
	| "invalid_name"
	| "person_exists"
	| "unknown_person"
	| "unknown_device"
	/** Whoever runs the command may not do that. */
	| "denied"
	/** The directory did not answer, or not as one does: it may have been done all the same. */
	| "unavailable";

export class PeopleError extends Error {
	override readonly name = "PeopleError";
	readonly code: PeopleErrorCode;

	constructor(code: PeopleErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** All of the devices or, when one of them does not exist, none. @throws PeopleError unknown_device; StoreError */
export async function shareDevices(
	stores: {
		readonly grants: GrantStore;
		readonly devices: Pick<DeviceStore, "get">;
	},
	subject: string,
	devices: readonly string[],
): Promise<void> {
	for (const device of devices) {
		if ((await stores.devices.get(device)) === null) {
			throw new PeopleError(
				"unknown_device",
				`There is no device named ${device}; nothing was shared.`,
			);
		}
	}
	for (const device of devices) await stores.grants.grant(subject, device);
}
