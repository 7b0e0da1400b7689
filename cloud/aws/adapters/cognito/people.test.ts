/** Against a stand-in for Cognito's user pools made from its API reference, and dynalite: no account was at hand. */
import assert from "node:assert/strict";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import type { Role } from "../../../core/people.ts";
import {
	PeopleError,
	type PeopleErrorCode,
} from "../../../core/people-directory.ts";
import {
	type CognitoUserPools,
	POOL_ID,
	startCognitoUserPools,
} from "../../fakes/cognito-user-pools.ts";
import { startTables, type TestTables } from "../dynamodb/fakes/test-tables.ts";
import { type DynamoRecords, dynamoRecords } from "../dynamodb/stores.ts";
import { CognitoPeople } from "./people.ts";

const ADA = "ada@example.com";
const BOB = "bob@example.com";

describe("the people of a Cognito user pool", () => {
	let tables: TestTables;
	let records: DynamoRecords;
	let pool: CognitoUserPools;
	let client: CognitoIdentityProviderClient;
	let people: CognitoPeople;

	before(async () => {
		tables = await startTables();
	});
	after(() => tables.stop());

	beforeEach(async () => {
		pool = await startCognitoUserPools();
		client = new CognitoIdentityProviderClient({
			region: "us-east-1",
			endpoint: pool.url,
			credentials: { accessKeyId: "test", secretAccessKey: "test" },
			maxAttempts: 1,
		});
		records = dynamoRecords({
			client: tables.client,
			tables: await tables.fresh(),
		});
		people = new CognitoPeople({ client, poolId: POOL_ID, ...records });
		await records.devices.create("roof", 1);
		await records.devices.create("boiler", 1);
	});
	afterEach(async () => {
		client.destroy();
		await pool.close();
	});

	function rejectsWith(code: PeopleErrorCode, promise: Promise<unknown>) {
		return assert.rejects(
			promise,
			(error) => error instanceof PeopleError && error.code === code,
		);
	}

	/** Role of everybody, by name. */
	async function roles(): Promise<Record<string, Role>> {
		const all = await people.list();
		return Object.fromEntries(all.map(({ name, role }) => [name, role]));
	}

	const groupsOf = (email: string) =>
		[...pool.users.values()]
			.filter((user) => user.email === email)
			.flatMap(({ groups }) => [...groups]);

	it("are invited by mail, with an address that counts as proven, and listed by name", async () => {
		const bob = await people.add(BOB, "operator");
		const ada = await people.add(ADA, null);
		assert.deepEqual(pool.mails, [BOB, ADA]);
		assert.deepEqual([ada.role, ada.isInvited], ["viewer", true]);
		assert.notEqual(ada.subject, bob.subject);
		assert.deepEqual(await people.list(), [
			{
				subject: ada.subject,
				name: ADA,
				role: "viewer",
				createdMs: ada.createdMs,
				devices: [],
			},
			{
				subject: bob.subject,
				name: BOB,
				role: "operator",
				createdMs: bob.createdMs,
				devices: [],
			},
		]);
		assert.equal(ada.createdMs, 1_764_000_000_000);
		const attributes = pool.users.get(ada.subject)?.attributes;
		assert.ok(
			attributes?.some(
				({ Name, Value }) => Name === "email_verified" && Value === "true",
			),
		);
		assert.deepEqual(groupsOf(ADA), ["viewer"]);
	});

	it("are the same in whatever case their address is written", async () => {
		await people.add(ADA, "viewer");
		const again = await people.add("Ada@Example.com", "viewer");
		assert.equal(again.isInvited, false);
		assert.equal(pool.users.size, 1);
	});

	it("get another role and no second mail when they are there already", async () => {
		await people.add(ADA, "admin");
		const { isInvited, role } = await people.add(ADA, "viewer");
		assert.deepEqual([isInvited, role], [false, "viewer"]);
		assert.deepEqual(groupsOf(ADA), ["viewer"]);
		assert.deepEqual(pool.mails, [ADA]);
	});

	it("keep their role when none is said", async () => {
		await people.add(ADA, "admin");
		assert.equal((await people.add(ADA, null)).role, "admin");
		assert.deepEqual(groupsOf(ADA), ["admin"]);
	});

	it("are by the most powerful of their groups, and viewers in none", async () => {
		await people.add(ADA, "viewer");
		await people.add(BOB, "viewer");
		const [ada, bob] = [...pool.users.values()];
		ada!.groups.add("operator").add("admin");
		bob!.groups.clear();
		assert.deepEqual(await roles(), { [ADA]: "admin", [BOB]: "viewer" });
	});

	for (const cut of [1, 2, 3, 4, 5]) {
		it(`are whole after a second run when request ${cut} of adding was refused`, async () => {
			if (cut > 4) {
				// A change of role, whose last request takes the former.
				await people.add(ADA, "operator");
				pool.failAt(4, "InternalErrorException");
			} else pool.failAt(cut, "TooManyRequestsException");
			await rejectsWith("unavailable", people.add(ADA, "admin"));
			await people.add(ADA, "admin");
			assert.deepEqual(await roles(), { [ADA]: "admin" });
			assert.deepEqual(groupsOf(ADA), ["admin"]);
			assert.deepEqual(pool.mails, [ADA]);
		});
	}

	it("are given devices that exist, or none at all, as often as one likes", async () => {
		const { subject } = await people.add(ADA, "viewer");
		await people.grant(ADA, ["roof", "boiler"]);
		await people.grant(ADA, ["roof"]);
		const devicesOf = () => records.grants.devicesOf(subject);
		assert.deepEqual(await devicesOf(), ["boiler", "roof"]);
		const [listed] = await people.list();
		assert.deepEqual(listed?.devices, ["boiler", "roof"]);
		await people.revoke(ADA, ["roof", "boiler", "kettle"]);
		await rejectsWith("unknown_device", people.grant(ADA, ["roof", "kettle"]));
		assert.deepEqual(await devicesOf(), []);
	});

	it("leave neither sessions nor grants nor subscriptions behind, and nobody else's are touched", async () => {
		const first = await people.add(ADA, "viewer");
		const other = await people.add(BOB, "viewer");
		for (const { subject, name } of [first, other]) {
			await people.grant(name, ["roof"]);
			await records.alerts.putSubscription({
				id: "a1",
				subject,
				createdMs: 1,
				channel: { type: "mobile", platform: "fcm", token: "t" },
			});
		}
		assert.equal((await people.remove(ADA)).subject, first.subject);
		assert.deepEqual(pool.signedOut, [first.subject]);
		assert.deepEqual(await records.grants.subjectsOf("roof"), [other.subject]);
		const { alerts } = records;
		assert.deepEqual(await alerts.listSubscriptions(first.subject), []);
		assert.equal((await alerts.listSubscriptions(other.subject)).length, 1);
		assert.deepEqual(await roles(), { [BOB]: "viewer" });
		const second = await people.add(ADA, "viewer");
		assert.notEqual(second.subject, first.subject);
	});

	for (const cut of [1, 2, 3, 4]) {
		it(`are gone after a second run when request ${cut} of removing was refused`, async () => {
			const { subject } = await people.add(ADA, "viewer");
			await people.grant(ADA, ["roof"]);
			pool.failAt(cut, "InternalErrorException");
			await rejectsWith("unavailable", people.remove(ADA));
			await people.remove(ADA);
			assert.deepEqual(await people.list(), []);
			assert.deepEqual(await records.grants.devicesOf(subject), []);
		});
	}

	it("cannot be given or taken anything when they are not there", async () => {
		for (const attempt of [
			people.grant(BOB, ["roof"]),
			people.revoke(BOB, ["roof"]),
			people.remove(BOB),
		]) {
			await rejectsWith("unknown_person", attempt);
		}
	});

	for (const name of [
		"ada",
		"",
		"a da@example.com",
		'x" or email = "b@example.com',
		"a\\@example.com",
		"ada@",
		`${"a".repeat(120)}@example.com`,
	]) {
		it(`are not called ${JSON.stringify(name)}, and Cognito is not asked`, async () => {
			await rejectsWith("invalid_name", people.add(name, "viewer"));
			await rejectsWith("invalid_name", people.remove(name));
			assert.deepEqual(pool.asked, []);
		});
	}

	it("are not touched when two have one address", async () => {
		await people.add(ADA, "viewer");
		const [ada] = [...pool.users.values()];
		pool.users.set("another", { ...ada!, username: "another" });
		await rejectsWith("unavailable", people.remove(ADA));
		assert.equal(pool.users.size, 2);
	});

	for (const [error, code] of [
		["AccessDeniedException", "denied"],
		["NotAuthorizedException", "denied"],
		["UsernameExistsException", "person_exists"],
		["UserNotFoundException", "unknown_person"],
		["ResourceNotFoundException", "unavailable"],
	] as const) {
		it(`are said to be ${code} on ${error}, in a sentence that has it`, async () => {
			pool.failAt(2, error);
			await assert.rejects(people.add(ADA, "viewer"), (thrown) => {
				assert.ok(thrown instanceof PeopleError);
				assert.equal(thrown.code, code);
				assert.match(thrown.message, new RegExp(`invite ${ADA}: ${error}`));
				return true;
			});
		});
	}

	it("are unavailable when Cognito is not reached", async () => {
		await pool.close();
		await rejectsWith("unavailable", people.list());
		pool = await startCognitoUserPools();
	});
});
