/** What a thing may not send, or what nobody can read: through the broker's own port, byte by byte. */
import assert from "node:assert/strict";
import { RawClient } from "../../cloud/local/broker/fakes/raw-client.ts";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import { blockTopic } from "../../protocol/topics.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghzJson } from "./support/command.ts";
import { provisionThings } from "./support/nodes.ts";
import { Pusher } from "./support/pusher.ts";

const START_MS = Date.UTC(2026, 0, 1);
const KIB = 1024;

interface DeadLetter {
	readonly device: string;
	readonly topic: string;
	readonly reason: string;
	readonly detail: string;
	readonly bytes: string;
}

describe("A message", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;
	let api: ApiSession;
	let mallory: MachineIdentity;
	let alice: MachineIdentity;
	/** Makes blocks of Mallory's. */
	let pusher: Pusher;

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
		const things = await provisionThings(cloud, "mallory", "alice");
		[mallory, alice] = things as [MachineIdentity, MachineIdentity];
		pusher = new Pusher(mallory, START_MS);
	});

	after(async () => {
		await cloud.stop();
		folder.remove();
	});

	async function connect(): Promise<RawClient> {
		const { credentials, port, thing } = mallory;
		if (credentials === undefined) throw new Error("No key.");
		const { ca, privateKey: key, certificate: cert } = credentials;
		const client = await RawClient.open(port, ca, { key, cert });
		assert.equal(await client.connect(thing), 0);
		return client;
	}

	function deadLetters(): Promise<DeadLetter[]> {
		return thinghzJson("deadletters", "--target", cloud.target);
	}

	function stored(thing: string) {
		return api.readings(thing, "noise", 0, Date.now());
	}

	for (const [what, topic] of [
		["a block", () => blockTopic(alice.thing)],
		["an event", () => "$aws/rules/thinghz_events/alice/event"],
		["a live message", () => "thinghz/alice/live"],
		["with a topic of nobody", () => "somewhere/else"],
	] as const) {
		it(`under another's name, ${what}, ends the connection and leaves nothing`, async () => {
			const from = cloud.process.stderr.length;
			const client = await connect();
			client.publish(topic(), pusher.block(0));
			assert.equal(await client.next("puback"), null);
			await client.closed;
			await until(
				async () => cloud.process.stderr.slice(from),
				(text) =>
					text.includes("mallory: dropped: forbidden_publish") &&
					text.includes(topic()),
			);
			assert.deepEqual(await stored("alice"), []);
			assert.deepEqual(await stored("mallory"), []);
			assert.deepEqual(await deadLetters(), []);
		});
	}

	it("of more than 128 KB is refused, and nothing is kept of it", async () => {
		const from = cloud.process.stderr.length;
		const client = await connect();
		client.publish(blockTopic("mallory"), new Uint8Array(128 * KIB + 1));
		assert.equal(await client.next("puback"), null);
		await client.closed;
		await until(
			async () => cloud.process.stderr.slice(from),
			(text) => text.includes("mallory: dropped: packet_too_large"),
		);
		assert.deepEqual(await deadLetters(), []);
	});

	it("that is a block twice is stored once, and acknowledged twice", async () => {
		const client = await connect();
		for (const messageId of [1, 2]) {
			client.publish(blockTopic("mallory"), pusher.block(0), messageId);
			assert.equal((await client.next("puback"))?.messageId, messageId);
		}
		client.end();
		assert.deepEqual(await stored("mallory"), pusher.readingsOf([0]));
		assert.deepEqual(await deadLetters(), []);
	});

	it("that cannot be read is acknowledged, and kept with its reason, its sender and its bytes", async () => {
		const whole = pusher.block(1);
		const flipped = whole.slice();
		flipped[20] = (flipped[20] ?? 0) ^ 0xff;
		const other = pusher.block(0).slice();
		const messages: readonly (readonly [string, Uint8Array])[] = [
			["too_short", new Uint8Array(0)],
			["bad_magic", Buffer.from("a line of text, and no block at all")],
			["bad_checksum", flipped],
			["bad_checksum", whole.slice(0, -1)],
			["bad_checksum", Buffer.concat([whole, Uint8Array.of(0)])],
			["bad_magic", new Uint8Array(128 * KIB)],
		];
		const client = await connect();
		const topic = blockTopic("mallory");
		for (const [i, [, bytes]] of messages.entries()) {
			client.publish(topic, bytes, i + 1);
			assert.equal((await client.next("puback"))?.messageId, i + 1);
		}
		// Damage does not take the connection with it.
		client.publish(topic, other, 100);
		assert.equal((await client.next("puback"))?.messageId, 100);
		client.end();

		const letters = (await deadLetters()).reverse();
		assert.deepEqual(
			letters.map(({ reason, device, topic }) => ({ reason, device, topic })),
			messages.map(([reason]) => ({ reason, device: "mallory", topic })),
		);
		for (const [i, { bytes, detail }] of letters.entries()) {
			assert.deepEqual(
				Buffer.from(bytes, "base64"),
				Buffer.from(messages[i]?.[1] ?? []),
			);
			assert.ok(detail.length > 20, detail);
		}
		assert.deepEqual(await stored("mallory"), pusher.readingsOf([0]));
	});

	it("of an identity that is taken, with other bytes, is kept as a dead letter and changes nothing", async () => {
		const client = await connect();
		const impostor = new Pusher(mallory, START_MS + 1);
		client.publish(blockTopic("mallory"), impostor.block(0));
		assert.ok(await client.next("puback"));
		client.end();
		const [letter] = await deadLetters();
		assert.equal(letter?.reason, "identity_conflict");
		assert.deepEqual(await stored("mallory"), pusher.readingsOf([0]));
	});

	it("that is no event is kept as a dead letter", async () => {
		const client = await connect();
		const topic = "$aws/rules/thinghz_events/mallory/event";
		client.publish(topic, '{"type":"boot"');
		assert.ok(await client.next("puback"));
		client.end();
		const [letter] = await deadLetters();
		assert.equal(letter?.reason, "bad_event");
		assert.equal(letter?.topic, topic);
	});
});
