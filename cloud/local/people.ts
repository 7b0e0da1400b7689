/** The people of a cloud on one machine; on AWS, Cognito keeps them. */
import { randomBytes } from "node:crypto";
import type { GrantStore, Role } from "../core/people.ts";
import {
	type PeopleDirectory,
	PeopleError,
	type Person,
	type PersonWithDevices,
	shareDevices,
} from "../core/people-directory.ts";
import type { Clock, DeviceStore } from "../core/ports.ts";

export interface PersonStore {
	/** @returns false when somebody has the name or the subject already; nothing changes then */
	add(person: Person): Promise<boolean>;
	get(subject: string): Promise<Person | null>;
	named(name: string): Promise<Person | null>;
	/** By name. */
	list(): Promise<readonly Person[]>;
	/** With all that was shared with them and where they are notified. No effect where there is nobody. */
	remove(subject: string): Promise<void>;
}

export const SUBJECT_BYTES = 8;
/** What fits a line, a table and a command: no spaces, no controls. E-mail addresses do. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;

export interface PeopleStores {
	readonly people: PersonStore;
	readonly grants: GrantStore;
	readonly devices: Pick<DeviceStore, "get">;
}

/** Adds and removes people, and shares devices with them. Who calls it may do all of that: it asks no permission. */
export class People implements PeopleDirectory {
	readonly #stores: PeopleStores;
	readonly #clock: Clock;

	constructor(stores: PeopleStores, clock: Clock) {
		this.#stores = stores;
		this.#clock = clock;
	}

	/** @throws PeopleError invalid_name, person_exists; StoreError */
	async add(name: string, role: Role): Promise<Person> {
		if (!NAME.test(name)) {
			throw new PeopleError(
				"invalid_name",
				`${JSON.stringify(name)} cannot be a person's name: that is 1 to 64 letters, digits and any of . _ @ + - and begins with a letter or digit.`,
			);
		}
		const person = {
			subject: randomBytes(SUBJECT_BYTES).toString("hex"),
			name,
			role,
			createdMs: this.#clock.nowMs(),
		};
		if (!(await this.#stores.people.add(person))) {
			throw new PeopleError(
				"person_exists",
				`There is somebody named ${name} already.`,
			);
		}
		return person;
	}

	/** By name, with the names of the devices that were shared with each. @throws StoreError */
	async list(): Promise<readonly PersonWithDevices[]> {
		const people = await this.#stores.people.list();
		return Promise.all(
			people.map(async (person) => ({
				...person,
				devices: await this.#stores.grants.devicesOf(person.subject),
			})),
		);
	}

	/** @throws PeopleError unknown_person; StoreError */
	async named(name: string): Promise<Person> {
		const person = await this.#stores.people.named(name);
		if (person !== null) return person;
		throw new PeopleError(
			"unknown_person",
			`There is nobody named ${JSON.stringify(name)}. \`thinghz users list\` says who there is.`,
		);
	}

	/** All of the devices or, when one of them does not exist, none. @throws PeopleError; StoreError */
	async grant(name: string, devices: readonly string[]): Promise<Person> {
		const person = await this.named(name);
		await shareDevices(this.#stores, person.subject, devices);
		return person;
	}

	/** @throws PeopleError unknown_person; StoreError */
	async revoke(name: string, devices: readonly string[]): Promise<Person> {
		const person = await this.named(name);
		for (const device of devices) {
			await this.#stores.grants.revoke(person.subject, device);
		}
		return person;
	}

	/** Their sessions end, and what was shared with them is forgotten. @throws PeopleError unknown_person; StoreError */
	async remove(name: string): Promise<Person> {
		const person = await this.named(name);
		await this.#stores.people.remove(person.subject);
		return person;
	}
}
