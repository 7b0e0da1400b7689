/**
 * A stand-in for what Cognito's user pools do for an administrator, made from the shapes and rules of its API reference, for want
 * of an account: it answers over HTTP as the SDK asks (JSON 1.1, the operation in X-Amz-Target). It proves that we speak the
 * protocol as documented, not that Cognito does. The pool is as the stack makes it: users have a UUID for a name and sign in by
 * their e-mail address, in whatever case.
 * https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_Operations.html
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { ROLES } from "../../core/people.ts";

export const POOL_ID = "us-east-1_aBcDeFgHi";

const PREFIX = "AWSCognitoIdentityProviderService.";
/** One a page, so that whoever does not turn the page sees one alone. */
const PAGE = 1;

interface PoolUser {
	readonly username: string;
	readonly email: string;
	readonly attributes: readonly Attribute[];
	readonly createdSeconds: number;
	readonly groups: Set<string>;
}

interface Attribute {
	readonly Name: string;
	readonly Value: string;
}

type Input = Readonly<Record<string, unknown>>;

class Refusal extends Error {}

export interface CognitoUserPools {
	readonly url: string;
	/** By username. */
	readonly users: Map<string, PoolUser>;
	/** Addresses that an invitation was sent to. */
	readonly mails: string[];
	/** Usernames whose sessions were ended. */
	readonly signedOut: string[];
	/** Secrets of app clients by their IDs; null for one without. */
	readonly clients: Map<string, string | null>;
	/** "ListUsers", in the order they came. */
	readonly asked: string[];
	/** Answers the request of that number (1 is the next one) with this error instead of doing it. */
	failAt(number: number, error: string): void;
	close(): Promise<void>;
}

export async function startCognitoUserPools(): Promise<CognitoUserPools> {
	const users: CognitoUserPools["users"] = new Map();
	const mails: string[] = [];
	const signedOut: string[] = [];
	const clients: CognitoUserPools["clients"] = new Map();
	const asked: string[] = [];
	const failures = new Map<number, string>();

	const operations: Readonly<Record<string, (input: Input) => object>> = {
		AdminCreateUser(input) {
			const email = String(input.Username).toLowerCase();
			if (!/^\S+@\S+$/.test(email)) {
				throw new Refusal("InvalidParameterException");
			}
			if ([...users.values()].some((user) => user.email === email)) {
				throw new Refusal("UsernameExistsException");
			}
			const username = randomUUID();
			const user = {
				username,
				email,
				attributes: [
					{ Name: "sub", Value: username },
					...(input.UserAttributes as readonly Attribute[]),
				],
				createdSeconds: 1_764_000_000,
				groups: new Set<string>(),
			};
			users.set(username, user);
			// Without a medium it would be a text message, and there is no number.
			const media = (input.DesiredDeliveryMediums ?? ["SMS"]) as string[];
			if (media.includes("EMAIL")) mails.push(email);
			return { User: describe(user) };
		},
		AdminAddUserToGroup(input) {
			userOf(input).groups.add(groupOf(input));
			return {};
		},
		AdminRemoveUserFromGroup(input) {
			userOf(input).groups.delete(groupOf(input));
			return {};
		},
		AdminListGroupsForUser(input) {
			const { items, next } = page([...userOf(input).groups], input.NextToken);
			return {
				Groups: items.map((GroupName) => ({ GroupName, UserPoolId: POOL_ID })),
				...(next === undefined ? {} : { NextToken: next }),
			};
		},
		AdminUserGlobalSignOut(input) {
			signedOut.push(userOf(input).username);
			return {};
		},
		AdminDeleteUser(input) {
			users.delete(userOf(input).username);
			return {};
		},
		DescribeUserPoolClient({ ClientId }) {
			const secret = clients.get(String(ClientId));
			if (secret === undefined) throw new Refusal("ResourceNotFoundException");
			return {
				UserPoolClient: {
					UserPoolId: POOL_ID,
					ClientId,
					...(secret === null ? {} : { ClientSecret: secret }),
				},
			};
		},
		ListUsers(input) {
			const { items, next } = page(
				[...users.values()].filter(filterOf(input.Filter)),
				input.PaginationToken,
			);
			return {
				Users: items.map(describe),
				...(next === undefined ? {} : { PaginationToken: next }),
			};
		},
		ListUsersInGroup(input) {
			const group = groupOf(input);
			const { items, next } = page(
				[...users.values()].filter(({ groups }) => groups.has(group)),
				input.NextToken,
			);
			return {
				Users: items.map(describe),
				...(next === undefined ? {} : { NextToken: next }),
			};
		},
	};

	/** @throws Refusal */
	function userOf({ Username }: Input): PoolUser {
		const user = [...users.values()].find(
			({ username, email }) => username === Username || email === Username,
		);
		if (user === undefined) throw new Refusal("UserNotFoundException");
		return user;
	}

	/** @throws Refusal */
	function answerTo(target: string, input: Input): object {
		const failure = failures.get(asked.length);
		failures.delete(asked.length);
		if (failure !== undefined) throw new Refusal(failure);
		const operation = operations[target.slice(PREFIX.length)];
		if (!target.startsWith(PREFIX) || operation === undefined) {
			throw new Refusal("UnknownOperationException");
		}
		if (input.UserPoolId !== POOL_ID) {
			throw new Refusal("ResourceNotFoundException");
		}
		return operation(input);
	}

	const server = createServer((request, response) => {
		void read(request).then((input) => {
			const target = String(request.headers["x-amz-target"]);
			asked.push(target.slice(PREFIX.length));
			const write = (status: number, body: object) => {
				response.writeHead(status, {
					"content-type": "application/x-amz-json-1.1",
				});
				response.end(JSON.stringify(body));
			};
			try {
				write(200, answerTo(target, input));
			} catch (error) {
				const { message } = error as Error;
				write(error instanceof Refusal ? 400 : 500, {
					__type: error instanceof Refusal ? message : "InternalErrorException",
					message: `${message} (stand-in)`,
				});
			}
		});
	});
	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		users,
		mails,
		signedOut,
		clients,
		asked,
		failAt(number, error) {
			failures.set(asked.length + number, error);
		},
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

/** The one kind of filter that we ask for: an exact one, `email = "ada@example.com"`. @throws Refusal */
function filterOf(filter: unknown): (user: PoolUser) => boolean {
	if (filter === undefined) return () => true;
	const email = /^email = "([^"\\]+)"$/.exec(String(filter))?.[1];
	if (email === undefined) throw new Refusal("InvalidParameterException");
	return (user) => user.email === email;
}

/** @throws Refusal for a group that the stack does not make */
function groupOf({ GroupName }: Input): string {
	const group = ROLES.find((role) => role === GroupName);
	if (group === undefined) throw new Refusal("ResourceNotFoundException");
	return group;
}

/** UserType: dates are seconds in JSON 1.1. */
function describe(user: PoolUser): object {
	return {
		Username: user.username,
		Attributes: user.attributes,
		UserCreateDate: user.createdSeconds,
		UserLastModifiedDate: user.createdSeconds,
		Enabled: true,
		UserStatus: "FORCE_CHANGE_PASSWORD",
	};
}

function page<T>(
	all: readonly T[],
	token: unknown,
): { readonly items: readonly T[]; readonly next?: string } {
	const at = Number(token ?? 0);
	const items = all.slice(at, at + PAGE);
	return at + PAGE < all.length
		? { items, next: String(at + PAGE) }
		: { items };
}

async function read(request: IncomingMessage): Promise<Input> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return JSON.parse(Buffer.concat(chunks).toString()) as Input;
}
