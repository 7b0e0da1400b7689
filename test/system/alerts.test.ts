/** Alerts from end to end: a simulated node, a rule made by the command, and a receiver of webhooks. */
import assert from "node:assert/strict";
import {
	createServer,
	type IncomingMessage,
	type Server,
	type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";
import { discard, PAST_MS, provisionThings } from "./support/nodes.ts";

interface Told {
	readonly id: string;
	readonly rule: { readonly name: string };
	readonly device: string;
	readonly status: "firing" | "resolved";
	readonly text: string;
}

/** Takes webhooks, or leaves them without an answer. */
class Receiver {
	readonly #told: Told[] = [];
	isAnswering = true;
	readonly #server: Server;

	private constructor() {
		this.#server = createServer((request, response) => {
			void this.#take(request, response);
		});
	}

	static async start(): Promise<Receiver> {
		const receiver = new Receiver();
		await new Promise<void>((resolve) =>
			receiver.#server.listen(0, "127.0.0.1", resolve),
		);
		return receiver;
	}

	get url(): string {
		const { port } = this.#server.address() as AddressInfo;
		return `http://127.0.0.1:${port}/alerts`;
	}

	of(rule: string): readonly Told[] {
		return this.#told.filter(({ rule: { name } }) => name === rule);
	}

	end(): void {
		this.#server.closeAllConnections();
		this.#server.close();
	}

	async #take(
		request: IncomingMessage,
		response: ServerResponse,
	): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		this.#told.push(JSON.parse(Buffer.concat(chunks).toString()) as Told);
		if (this.isAnswering) response.writeHead(204).end();
	}
}

describe("Alerts", () => {
	const folder = temporaryFolder();
	const clock = new VirtualClock({
		kind: "rate",
		speed: 60,
		startWallMs: PAST_MS,
	});
	let cloud: CloudUnderTest;
	let api: ApiSession;
	let receiver: Receiver;
	let machine: VirtualMachine;

	before(async () => {
		receiver = await Receiver.start();
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
		const [identity] = await provisionThings(cloud, "freezer");
		machine = new VirtualMachine({
			identity: identity ?? assert.fail("nothing was provisioned"),
			clock,
			weather: { record: true },
			config: JSON.stringify({ sampleIntervalMs: 500, blockSpanMs: 5000 }),
		});
		machine.powerOn();
	});

	after(async () => {
		await discard([machine]);
		clock.stop();
		await cloud.stop();
		receiver.end();
		folder.remove();
	});

	const alerts = <T>(...args: string[]): Promise<T> =>
		thinghzJson<T>("alerts", ...args, "--target", cloud.target);

	/** In the middle of what a channel measures, so that it goes to and fro over it. */
	async function usualValue(): Promise<number> {
		const readings = await until(
			() => api.readings("freezer", "wind", 0, Date.now()),
			(all) => all.length >= 30,
		);
		const values = readings.map(({ value }) => value).sort((a, b) => a - b);
		return values[values.length >> 1] ?? 0;
	}

	it("tell a webhook that they fire and that they are resolved, and the command when asked", async () => {
		const limit = await usualValue();
		const rule = await alerts<{ id: string }>(
			"add",
			"Draught",
			...["--device", "freezer", "--channel", "wind"],
			...["--above", String(limit), "--webhook", receiver.url],
		);
		await until(
			async () => receiver.of("Draught"),
			(told) => told.some(({ status }) => status === "resolved"),
			30_000,
		);
		const [first, second] = receiver.of("Draught");
		assert.deepEqual([first?.status, second?.status], ["firing", "resolved"]);
		assert.equal(first?.device, "freezer");
		assert.match(first.text, /^wind is \S+ m\/s, above \S+ m\/s\./);
		const history = await alerts<
			{ id: string; deliveries: { status: string }[] }[]
		>("history", "--device", "freezer", "--limit", "1000");
		const [delivery] =
			history.find(({ id }) => id === first.id)?.deliveries ?? [];
		assert.equal(delivery?.status, "delivered");
		const test = await alerts<{ result: string }[]>("test", rule.id);
		assert.deepEqual(
			test.map(({ result }) => result),
			["delivered"],
		);
		assert.ok(
			receiver
				.of("Draught")
				.some(({ text }) => text.startsWith("This is a test")),
		);
		const edited = await alerts<Record<string, unknown>>(
			...["edit", rule.id, "--for", "1h", "--nobody"],
		);
		assert.deepEqual(edited.condition, {
			type: "threshold",
			channel: "wind",
			direction: "above",
			limit,
			hysteresis: 0,
			forMs: 3_600_000,
		});
		assert.deepEqual([edited.name, edited.notify], ["Draught", []]);
		const off = await alerts<{ enabled: boolean }>("disable", rule.id);
		assert.equal(off.enabled, false);
		await alerts("remove", rule.id);
		assert.deepEqual(await alerts("rules"), []);
	});

	it("tell what they had begun to tell when the cloud was killed, after its restart", async () => {
		receiver.isAnswering = false;
		const { http, mqtt } = cloud.ready;
		await alerts(
			"add",
			"Cold",
			...["--device", "freezer", "--channel", "temperature"],
			...["--above", "-200", "--webhook", receiver.url],
		);
		await until(
			async () => receiver.of("Cold"),
			(told) => told.length > 0,
			30_000,
		);
		assert.equal(await cloud.process.end("SIGKILL"), "SIGKILL");
		receiver.isAnswering = true;
		cloud = await CloudUnderTest.start(
			folder.dir,
			...["--mqtt-port", new URL(mqtt).port],
			...["--http-port", new URL(http).port],
		);
		const [first, again] = await until(
			async () => receiver.of("Cold"),
			(told) => told.length > 1,
			30_000,
		);
		// By its id whoever is told knows it for the same.
		assert.deepEqual([again?.id, again?.text], [first?.id, first?.text]);
		const deliveries = await until(
			async () => {
				const events = await alerts<
					{
						name: string;
						deliveries: { status: string; attempts: number }[];
					}[]
				>("history", "--limit", "1000");
				return events.find(({ name }) => name === "Cold")?.deliveries ?? [];
			},
			([delivery]) => delivery?.status === "delivered",
			30_000,
		);
		assert.equal(deliveries[0]?.attempts, 2);
		const firing = await alerts<{ name: string; status: string }[]>();
		assert.deepEqual(
			firing.map(({ name, status }) => [name, status]),
			[["Cold", "firing"]],
		);
	});

	it("have rules that must make sense: else the command says what is wrong", async () => {
		for (const [args, code, said] of [
			[["add", "X"], 2, /one of --above/],
			[["add", "X", "--offline", "5s"], 2, /--offline/],
			[["add", "X", "--no-data", "5s"], 2, /--no-data.*between/],
			[["add", "X", "--no-data", "5m", "--offline", "5m"], 2, /not --no-data/],
			[
				["add", "X", "--no-data", "5m", "--email", "a@b.c"],
				1,
				/--email: .*notifications\.md/,
			],
			[["add", "X", "--offline", "1h", "--device", "nobody"], 1, /nobody/],
			[["remove", "x"], 2, /not the id of a rule/],
			[["enable", "f".repeat(16)], 1, /no alert rule/],
			[["test", "f".repeat(16)], 1, /no alert rule/],
		] as const) {
			const outcome = await thinghz(
				"alerts",
				...args,
				"--target",
				cloud.target,
			);
			assert.equal(outcome.code, code, outcome.stderr);
			assert.match(outcome.stderr, said);
			assert.equal(outcome.stdout, "");
		}
	});
});
