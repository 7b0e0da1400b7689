/**
 * The people of a Cognito user pool, as whoever operates the stack keeps them. Their e-mail address is their name, their
 * role a group of the pool, and what is shared with them lies in our own table, by the `sub` that Cognito gave them.
 * https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_Operations.html
 *
 * Each operation is a number of requests and may end between any two of them; asked again, it does what is left.
 */
import {
	AdminAddUserToGroupCommand,
	AdminCreateUserCommand,
	AdminDeleteUserCommand,
	AdminListGroupsForUserCommand,
	AdminRemoveUserFromGroupCommand,
	AdminUserGlobalSignOutCommand,
	type AttributeType,
	type CognitoIdentityProviderClient,
	ListUsersCommand,
	ListUsersInGroupCommand,
	type UserType,
} from "@aws-sdk/client-cognito-identity-provider";
import type { AlertStore } from "../../../core/alerts/ports.ts";
import {
	type GrantStore,
	isRole,
	ROLES,
	type Role,
} from "../../../core/people.ts";
import {
	type PeopleDirectory,
	PeopleError,
	type Person,
	type PersonWithDevices,
	shareDevices,
} from "../../../core/people-directory.ts";
import type { DeviceStore } from "../../../core/ports.ts";

export interface CognitoPeopleOptions {
	readonly client: CognitoIdentityProviderClient;
	/** "REGION_ID", such as "eu-central-1_aBcDeFgHi". */
	readonly poolId: string;
	readonly grants: GrantStore;
	readonly devices: Pick<DeviceStore, "get">;
	readonly alerts: Pick<AlertStore, "listSubscriptions" | "deleteSubscription">;
}

export interface AddedPerson extends PersonWithDevices {
	/** Whether Cognito has just sent them the mail that lets them in; false for somebody who was there already. */
	readonly isInvited: boolean;
}

/** Somebody as the pool has them; `username` is what its requests want, and no name for people. */
interface PoolUser extends Omit<Person, "role"> {
	readonly username: string;
}

/** Neither spaces nor what would end the value of a filter: quotation marks and backslashes. */
const EMAIL = /^[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\p{L}\p{N}.-]+$/u;
/** Of a username (AdminCreateUser, "Username"). */
const MAX_EMAIL_LENGTH = 128;

/** As many as ListUsers, ListUsersInGroup and AdminListGroupsForUser give at most. */
const PAGE = 60;

/** What somebody is who is in none of the groups. */
const LEAST: Role = "viewer";

export class CognitoPeople implements PeopleDirectory {
	readonly #options: CognitoPeopleOptions;

	constructor(options: CognitoPeopleOptions) {
		this.#options = options;
	}

	/**
	 * Invites somebody by a mail of Cognito's. Who is there already gets no mail: the groups are mended.
	 * @param role null for a viewer or, when they are there already, for whatever they are
	 * @throws PeopleError invalid_name, denied, unavailable; StoreError
	 */
	async add(email: string, role: Role | null): Promise<AddedPerson> {
		const name = assertEmail(email);
		const there = await this.#find(name);
		const user = there ?? (await this.#invite(name));
		const before = await this.#groupsOf(user);
		const wanted =
			role ?? (there === null ? LEAST : (mostPowerful(before) ?? LEAST));
		await this.#setGroups(user, before, wanted);
		return {
			...(await this.#withDevices(user, wanted)),
			isInvited: there === null,
		};
	}

	/** By e-mail address. @throws PeopleError denied, unavailable; StoreError */
	async list(): Promise<readonly PersonWithDevices[]> {
		const users = await this.#listUsers();
		const roles = new Map<string, Role>();
		// From the least powerful up, so that the most powerful is what stays.
		for (const role of ROLES.toReversed()) {
			if (role === LEAST) continue;
			for (const subject of await this.#subjectsIn(role)) {
				roles.set(subject, role);
			}
		}
		users.sort((a, b) => (a.name < b.name ? -1 : 1));
		return Promise.all(
			users.map((user) =>
				this.#withDevices(user, roles.get(user.subject) ?? LEAST),
			),
		);
	}

	/** @throws PeopleError unknown_person, unknown_device, denied, unavailable; StoreError */
	async grant(email: string, devices: readonly string[]): Promise<Person> {
		const user = await this.#require(email);
		await shareDevices(this.#options, user.subject, devices);
		return this.#withRole(user);
	}

	/** @throws PeopleError unknown_person, denied, unavailable; StoreError */
	async revoke(email: string, devices: readonly string[]): Promise<Person> {
		const user = await this.#require(email);
		for (const device of devices) {
			await this.#options.grants.revoke(user.subject, device);
		}
		return this.#withRole(user);
	}

	/**
	 * Ends their sessions first, and takes them out of the pool last: a run that was cut finds them again. An access token
	 * that they have stays good until its hour is over.
	 * @throws PeopleError unknown_person, denied, unavailable; StoreError
	 */
	async remove(email: string): Promise<Person> {
		const user = await this.#require(email);
		const person = await this.#withRole(user);
		const { client, poolId, grants, alerts } = this.#options;
		const of = { UserPoolId: poolId, Username: user.username };
		await asked(`end the sessions of ${user.name}`, () =>
			client.send(new AdminUserGlobalSignOutCommand(of)),
		);
		const { subject } = user;
		for (const device of await grants.devicesOf(subject)) {
			await grants.revoke(subject, device);
		}
		for (const { id } of await alerts.listSubscriptions(subject)) {
			await alerts.deleteSubscription(subject, id);
		}
		await asked(`remove ${user.name}`, () =>
			client.send(new AdminDeleteUserCommand(of)),
		);
		return person;
	}

	async #require(email: string): Promise<PoolUser> {
		const name = assertEmail(email);
		const user = await this.#find(name);
		if (user !== null) return user;
		throw new PeopleError(
			"unknown_person",
			`Nobody in the user pool has the e-mail address ${name}. \`thinghz users list --target aws\` says who there is.`,
		);
	}

	async #find(name: string): Promise<PoolUser | null> {
		const users = await this.#listUsers(`email = "${name}"`);
		if (users.length > 1) {
			throw new PeopleError(
				"unavailable",
				`${users.length} users of the pool have the e-mail address ${name}: remove all but one in Cognito's console.`,
			);
		}
		return users[0] ?? null;
	}

	async #invite(name: string): Promise<PoolUser> {
		const { client, poolId } = this.#options;
		const { User } = await asked(`invite ${name}`, () =>
			client.send(
				new AdminCreateUserCommand({
					UserPoolId: poolId,
					Username: name,
					UserAttributes: [
						{ Name: "email", Value: name },
						// Else they could not get a new password by mail. The invitation is what proves it.
						{ Name: "email_verified", Value: "true" },
					],
					// A text message is what Cognito would send otherwise.
					DesiredDeliveryMediums: ["EMAIL"],
				}),
			),
		);
		return toUser(User ?? {}, User?.Attributes);
	}

	async #listUsers(filter?: string): Promise<PoolUser[]> {
		const { client, poolId } = this.#options;
		const users: PoolUser[] = [];
		let token: string | undefined;
		do {
			const page = await asked("list the people of the pool", () =>
				client.send(
					new ListUsersCommand({
						UserPoolId: poolId,
						Limit: PAGE,
						...(filter === undefined ? {} : { Filter: filter }),
						...(token === undefined ? {} : { PaginationToken: token }),
					}),
				),
			);
			users.push(
				...(page.Users ?? []).map((user) => toUser(user, user.Attributes)),
			);
			token = page.PaginationToken;
		} while (token !== undefined);
		return users;
	}

	async #subjectsIn(role: Role): Promise<readonly string[]> {
		const { client, poolId } = this.#options;
		const subjects: string[] = [];
		let token: string | undefined;
		do {
			const page = await asked(`list who is ${role}`, () =>
				client.send(
					new ListUsersInGroupCommand({
						UserPoolId: poolId,
						GroupName: role,
						Limit: PAGE,
						...(token === undefined ? {} : { NextToken: token }),
					}),
				),
			);
			subjects.push(
				...(page.Users ?? []).map(
					(user) => toUser(user, user.Attributes).subject,
				),
			);
			token = page.NextToken;
		} while (token !== undefined);
		return subjects;
	}

	/** Those of their groups that are roles. */
	async #groupsOf(user: PoolUser): Promise<readonly Role[]> {
		const { client, poolId } = this.#options;
		const roles: Role[] = [];
		let token: string | undefined;
		do {
			const page = await asked(`ask for the role of ${user.name}`, () =>
				client.send(
					new AdminListGroupsForUserCommand({
						UserPoolId: poolId,
						Username: user.username,
						Limit: PAGE,
						...(token === undefined ? {} : { NextToken: token }),
					}),
				),
			);
			roles.push(
				...(page.Groups ?? []).map(({ GroupName }) => GroupName).filter(isRole),
			);
			token = page.NextToken;
		} while (token !== undefined);
		return roles;
	}

	/** Into the new group first: who loses a role is never for a moment in none of the groups. */
	async #setGroups(
		user: PoolUser,
		before: readonly Role[],
		role: Role,
	): Promise<void> {
		const { client, poolId } = this.#options;
		const of = { UserPoolId: poolId, Username: user.username };
		if (!before.includes(role)) {
			await asked(`make ${user.name} ${role}`, () =>
				client.send(new AdminAddUserToGroupCommand({ ...of, GroupName: role })),
			);
		}
		for (const other of before) {
			if (other === role) continue;
			await asked(`take the role ${other} from ${user.name}`, () =>
				client.send(
					new AdminRemoveUserFromGroupCommand({ ...of, GroupName: other }),
				),
			);
		}
	}

	async #withRole(user: PoolUser): Promise<Person> {
		return toPerson(user, mostPowerful(await this.#groupsOf(user)) ?? LEAST);
	}

	async #withDevices(user: PoolUser, role: Role): Promise<PersonWithDevices> {
		const devices = await this.#options.grants.devicesOf(user.subject);
		return { ...toPerson(user, role), devices };
	}
}

/** In lower case, as the pool, which does not tell cases apart, is to have it. @throws PeopleError invalid_name */
function assertEmail(text: string): string {
	if (EMAIL.test(text) && text.length <= MAX_EMAIL_LENGTH) {
		return text.toLowerCase();
	}
	throw new PeopleError(
		"invalid_name",
		`${JSON.stringify(text)} is no e-mail address: on AWS that is how people are called.`,
	);
}

function mostPowerful(roles: readonly Role[]): Role | null {
	return ROLES.find((role) => roles.includes(role)) ?? null;
}

function toPerson({ subject, name, createdMs }: PoolUser, role: Role): Person {
	return { subject, name, role, createdMs };
}

/** @throws PeopleError unavailable when it has no `sub` */
function toUser(
	{ Username, UserCreateDate }: UserType,
	attributes: readonly AttributeType[] = [],
): PoolUser {
	const attribute = (name: string) =>
		attributes.find(({ Name }) => Name === name)?.Value;
	const subject = attribute("sub");
	if (subject === undefined || Username === undefined) {
		throw new PeopleError(
			"unavailable",
			"Cognito answered with a user without a name or a sub.",
		);
	}
	return {
		subject,
		username: Username,
		name: attribute("email") ?? Username,
		createdMs: UserCreateDate?.getTime() ?? 0,
	};
}

/** Names of exceptions that say: not you ("Common Errors" of the API reference, and NotAuthorizedException). */
const DENIED: ReadonlySet<string> = new Set([
	"AccessDeniedException",
	"NotAuthorizedException",
	"UnrecognizedClientException",
	"InvalidSignatureException",
	"ExpiredTokenException",
	"CredentialsProviderError",
]);

/** @param what "invite ada@example.com". @throws PeopleError for whatever Cognito or the way to it refuses */
async function asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (cause) {
		const { name, message } = cause as Error;
		const said = `Cognito could not ${what}: ${name}: ${message}`;
		if (DENIED.has(name)) {
			throw new PeopleError(
				"denied",
				`${said}. Check the AWS credentials and their permissions.`,
				{ cause },
			);
		}
		if (name === "UsernameExistsException") {
			throw new PeopleError(
				"person_exists",
				`${said}. Somebody was added at the same moment, or is in the pool with this address in other letters: try again, or look in Cognito's console.`,
				{ cause },
			);
		}
		if (name === "UserNotFoundException") {
			throw new PeopleError(
				"unknown_person",
				`${said}. Somebody removed them at the same moment.`,
				{ cause },
			);
		}
		throw new PeopleError("unavailable", `${said}.`, { cause });
	}
}
