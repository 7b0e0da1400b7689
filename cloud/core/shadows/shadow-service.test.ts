import assert from "node:assert/strict";
import fc from "fast-check";
import { movableClock } from "../contracts/movable-clock.ts";
import { MemoryShadows } from "../fakes/memory-shadows.ts";
import { type Device, StoreError } from "../ports.ts";
import type { DeviceMessage } from "../reserved-topics.ts";
import type { JsonValue } from "./document.ts";
import { CLASSIC } from "./ports.ts";
import { ShadowService } from "./shadow-service.ts";
import { Shadows } from "./shadows.ts";

const HOUR_MS = 3_600_000;
const CONFIG = "$aws/things/porch/shadow/name/config";
const CLASSIC_TOPIC = "$aws/things/porch/shadow";

interface Said {
	readonly topic: string;
	// biome-ignore lint/suspicious/noExplicitAny: documents of any shape
	readonly document: any;
}

function makeCloud() {
	const store = new MemoryShadows();
	const clock = movableClock(1_700_000_000_500);
	const sent: Said[] = [];
	const said = (messages: readonly DeviceMessage[]): Said[] =>
		messages.map(({ topic, payload }) => ({
			topic,
			document: JSON.parse(new TextDecoder().decode(payload)),
		}));
	const shadows = new Shadows({
		store,
		clock,
		sender: { send: async (messages) => void sent.push(...said(messages)) },
	});
	const service = new ShadowService({
		shadows,
		things: {
			get: async (name) => (name === "porch" ? ({} as Device) : null),
		},
		clock,
	});
	async function ask(topic: string, payload: string | JsonValue = "") {
		const text =
			typeof payload === "string" ? payload : JSON.stringify(payload);
		assert.ok(service.answers(topic));
		return said(
			await service.handle({
				thing: "porch",
				clientId: "porch",
				certificateId: "c",
				topic,
				payload: new TextEncoder().encode(text),
			}),
		);
	}
	return { store, clock, sent, shadows, service, ask };
}

describe("the shadow service", () => {
	let cloud: ReturnType<typeof makeCloud>;
	beforeEach(() => {
		cloud = makeCloud();
	});

	it("answers the requests of both kinds of shadows and nothing else", () => {
		for (const base of [CONFIG, CLASSIC_TOPIC]) {
			for (const operation of ["get", "update", "delete"]) {
				assert.ok(cloud.service.answers(`${base}/${operation}`));
				assert.ok(!cloud.service.answers(`${base}/${operation}/accepted`));
			}
			assert.ok(!cloud.service.answers(base));
			assert.ok(!cloud.service.answers(`${base}/list`));
		}
		assert.ok(!cloud.service.answers("$aws/things/porch/jobs/get"));
		assert.ok(!cloud.service.answers("$aws/things/porch/shadow/name/a b/get"));
	});

	it("accepts an update, says what differs, and shows both documents", async () => {
		const time = { timestamp: 1_700_000_000 };
		assert.deepEqual(
			await cloud.ask(`${CONFIG}/update`, {
				state: { desired: { a: 1, b: 2 }, reported: { a: 1 } },
				clientToken: "t-1",
			}),
			[
				{
					topic: `${CONFIG}/update/accepted`,
					document: {
						state: { desired: { a: 1, b: 2 }, reported: { a: 1 } },
						metadata: { desired: { a: time, b: time }, reported: { a: time } },
						version: 1,
						timestamp: 1_700_000_000,
						clientToken: "t-1",
					},
				},
				{
					topic: `${CONFIG}/update/delta`,
					document: {
						version: 1,
						timestamp: 1_700_000_000,
						state: { b: 2 },
						metadata: { b: time },
						clientToken: "t-1",
					},
				},
				{
					topic: `${CONFIG}/update/documents`,
					document: {
						previous: { state: {}, metadata: {}, version: 0 },
						current: {
							state: { desired: { a: 1, b: 2 }, reported: { a: 1 } },
							metadata: {
								desired: { a: time, b: time },
								reported: { a: time },
							},
							version: 1,
						},
						timestamp: 1_700_000_000,
						clientToken: "t-1",
					},
				},
			],
		);
	});

	it("says nothing of a difference where there is none", async () => {
		const said = await cloud.ask(`${CLASSIC_TOPIC}/update`, {
			state: { reported: { a: 1 } },
		});
		assert.deepEqual(
			said.map(({ topic }) => topic),
			[`${CLASSIC_TOPIC}/update/accepted`, `${CLASSIC_TOPIC}/update/documents`],
		);
	});

	it("gives the whole document, with the difference, to an empty request or one with a token", async () => {
		await cloud.ask(`${CONFIG}/update`, {
			state: { desired: { a: 1 }, reported: { b: 2 } },
		});
		cloud.clock.now += 7000;
		const [empty] = await cloud.ask(`${CONFIG}/get`);
		assert.equal(empty?.topic, `${CONFIG}/get/accepted`);
		assert.deepEqual(empty?.document, {
			state: { desired: { a: 1 }, reported: { b: 2 }, delta: { a: 1 } },
			metadata: {
				desired: { a: { timestamp: 1_700_000_000 } },
				reported: { b: { timestamp: 1_700_000_000 } },
			},
			version: 1,
			timestamp: 1_700_000_007,
		});
		const [tokened] = await cloud.ask(`${CONFIG}/get`, { clientToken: "x" });
		assert.equal(tokened?.document.clientToken, "x");
	});

	it("keeps classic and named shadows apart", async () => {
		await cloud.ask(`${CONFIG}/update`, { state: { desired: { a: 1 } } });
		const [answer] = await cloud.ask(`${CLASSIC_TOPIC}/get`);
		assert.equal(answer?.document.code, 404);
	});

	for (const [what, topic, payload, code, message] of [
		[
			"a shadow that is not there",
			`${CONFIG}/get`,
			"",
			404,
			"No shadow exists with name: 'porch~config'",
		],
		[
			"a classic shadow that is not there",
			`${CLASSIC_TOPIC}/get`,
			"",
			404,
			"No shadow exists with name: 'porch'",
		],
		[
			"deleting one that is not there",
			`${CONFIG}/delete`,
			"",
			404,
			"No shadow exists with name: 'porch~config'",
		],
		[
			"a thing that is not there",
			"$aws/things/attic/shadow/get",
			"",
			404,
			"Thing not found",
		],
		["an empty update", `${CONFIG}/update`, "", 400, "Invalid JSON"],
		[
			"a request to get that is no JSON",
			`${CONFIG}/get`,
			"{",
			400,
			"Invalid JSON",
		],
		[
			"a version that is not there",
			`${CONFIG}/update`,
			'{"state":{},"version":4}',
			409,
			"Version conflict",
		],
	] as const) {
		it(`rejects ${what} with ${code}: ${message}`, async () => {
			assert.deepEqual(await cloud.ask(topic, payload), [
				{
					topic: `${topic}/rejected`,
					document: { code, message, timestamp: 1_700_000_000 },
				},
			]);
		});
	}

	it("gives the token back with a rejection, if it is one", async () => {
		const [one] = await cloud.ask(`${CONFIG}/update`, { clientToken: "t" });
		assert.equal(one?.document.clientToken, "t");
		const [other] = await cloud.ask(`${CONFIG}/update`, {
			state: {},
			clientToken: "t".repeat(65),
		});
		assert.equal(other?.document.message, "Invalid clientToken");
		assert.ok(!("clientToken" in other.document));
	});

	it("counts versions strictly upwards over any updates and deletions", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.constantFrom("update", "nothing", "delete", "conflict"), {
					maxLength: 12,
				}),
				async (steps) => {
					const { ask } = makeCloud();
					let version = 0;
					for (const step of steps) {
						if (step === "delete") {
							const [answer] = await ask(`${CONFIG}/delete`);
							if (answer?.document.code === undefined) {
								assert.equal(answer?.document.version, version);
							}
							continue;
						}
						const [answer] = await ask(`${CONFIG}/update`, {
							state: step === "update" ? { desired: { a: version } } : {},
							...(step === "conflict" ? { version: version + 1 } : { version }),
						});
						if (step === "conflict") {
							assert.equal(answer?.document.code, 409);
						} else {
							version++;
							assert.equal(answer?.document.version, version);
						}
					}
				},
			),
			{ numRuns: 50 },
		);
	});

	it("deletes, says so, and goes on counting for 48 hours", async () => {
		await cloud.ask(`${CONFIG}/update`, { state: { desired: { a: 1 } } });
		await cloud.ask(`${CONFIG}/update`, { state: { desired: { a: 2 } } });
		const said = await cloud.ask(`${CONFIG}/delete`, { clientToken: "d" });
		assert.deepEqual(said, [
			{
				topic: `${CONFIG}/delete/accepted`,
				document: { version: 2, timestamp: 1_700_000_000, clientToken: "d" },
			},
		]);
		const [gone] = await cloud.ask(`${CONFIG}/get`);
		assert.equal(gone?.document.code, 404);
		cloud.clock.now += 48 * HOUR_MS - 1;
		const [again] = await cloud.ask(`${CONFIG}/update`, {
			state: { desired: { b: 1 } },
		});
		assert.equal(again?.document.version, 3);
		const [view] = await cloud.ask(`${CONFIG}/get`);
		assert.deepEqual(view?.document.state.desired, { b: 1 });
		await cloud.ask(`${CONFIG}/delete`);
		cloud.clock.now += 48 * HOUR_MS;
		const [anew] = await cloud.ask(`${CONFIG}/update`, {
			state: { desired: { c: 1 } },
		});
		assert.equal(anew?.document.version, 1);
	});

	it("rejects what would make the document too large, and changes nothing", async () => {
		const state = (letter: string) => ({
			desired: { [letter]: letter.repeat(5000) },
		});
		await cloud.ask(`${CONFIG}/update`, { state: state("a") });
		const [answer] = await cloud.ask(`${CONFIG}/update`, { state: state("b") });
		assert.equal(answer?.topic, `${CONFIG}/update/rejected`);
		assert.equal(answer?.document.code, 413);
		const [view] = await cloud.ask(`${CONFIG}/get`);
		assert.equal(view?.document.version, 1);
		assert.deepEqual(Object.keys(view?.document.state.desired), ["a"]);
	});

	it("loses none of several updates at once, and lets one of those that name a version", async () => {
		const { shadows } = cloud;
		await Promise.all(
			["a", "b", "c", "d"].map((name) =>
				shadows.update("porch", "config", {
					state: { desired: { [name]: 1 } },
				}),
			),
		);
		const { version, state } = await shadows.get("porch", "config");
		assert.equal(version, 4);
		assert.deepEqual(state.desired, { a: 1, b: 1, c: 1, d: 1 });
		const outcomes = await Promise.allSettled(
			["x", "y", "z"].map((name) =>
				shadows.update("porch", "config", {
					state: { desired: { [name]: 1 } },
					version: 4,
				}),
			),
		);
		assert.deepEqual(outcomes.map(({ status }) => status).sort(), [
			"fulfilled",
			"rejected",
			"rejected",
		]);
	});

	it("tells things what people change and delete", async () => {
		await cloud.shadows.update("porch", "config", {
			state: { desired: { a: 1 } },
		});
		await cloud.shadows.delete("porch", "config");
		assert.deepEqual(
			cloud.sent.map(({ topic }) => topic),
			[
				`${CONFIG}/update/accepted`,
				`${CONFIG}/update/delta`,
				`${CONFIG}/update/documents`,
				`${CONFIG}/delete/accepted`,
			],
		);
		assert.deepEqual(cloud.sent[1]?.document.state, { a: 1 });
	});

	it("does not tell people by messages what is answered to them", async () => {
		await assert.rejects(cloud.shadows.get("porch", CLASSIC), { status: 404 });
		await assert.rejects(cloud.shadows.delete("porch", CLASSIC), {
			status: 404,
		});
		assert.deepEqual(cloud.sent, []);
	});

	it("names the shadows of a thing that are there", async () => {
		for (const name of ["config", "a", CLASSIC, "gone"]) {
			await cloud.shadows.update("porch", name, { state: {} });
		}
		await cloud.shadows.delete("porch", "gone");
		assert.deepEqual(await cloud.shadows.names("porch"), ["a", "config"]);
	});

	it("does not answer when its store fails to write, and the request can come again", async () => {
		const { replace } = cloud.store;
		const failure = new StoreError("disk_full", "The disk is full.");
		cloud.store.replace = () => Promise.reject(failure);
		const state = { desired: { a: 1 } };
		await assert.rejects(cloud.ask(`${CONFIG}/update`, { state }), failure);
		cloud.store.replace = replace;
		const [answer] = await cloud.ask(`${CONFIG}/update`, { state });
		assert.equal(answer?.document.version, 1);
	});

	it("gives up with 500 where somebody else is always faster", async () => {
		cloud.store.replace = async () => false;
		const [answer] = await cloud.ask(`${CONFIG}/update`, { state: {} });
		assert.deepEqual(
			[answer?.document.code, answer?.document.message],
			[500, "Internal service failure"],
		);
	});

	it("does not answer when its store fails", async () => {
		cloud.store.failure = new StoreError("unavailable", "The disk is full.");
		for (const operation of ["get", "update", "delete"]) {
			await assert.rejects(
				cloud.ask(`${CONFIG}/${operation}`, { state: {} }),
				cloud.store.failure,
			);
		}
	});
});
