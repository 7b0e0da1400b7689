import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LambdaFunction } from "./lambda.ts";

describe("A function in a rehearsal", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-lambda-"));
	const functions: LambdaFunction[] = [];
	let count = 0;

	function make(code: string, timeoutMs = 10_000): LambdaFunction {
		const bundle = join(dir, `${count++}.mjs`);
		writeFileSync(bundle, code);
		const made = new LambdaFunction(
			{
				name: "thinghz-test",
				arn: "arn:aws:lambda:eu-central-1:123456789012:function:thinghz-test",
				roleArn: "arn:aws:iam::123456789012:role/test",
				bundle,
				handler: "handler",
				timeoutMs,
				memoryMb: 128,
				environment: { THINGHZ_X: "from the template" },
				place: null,
			},
			"AKIATEST",
			{ AWS_ENDPOINT_URL: "http://127.0.0.1:9" },
			{ "https://cognito.example": "http://127.0.0.1:9" },
		);
		functions.push(made);
		return made;
	}

	after(async () => {
		await Promise.all(functions.map((one) => one.stop()));
		rmSync(dir, { recursive: true });
	});

	it("is loaded once and answers one event after another", async () => {
		const counter = make(
			"let n = 0; export const handler = async (event) => ({ n: ++n, event });",
		);
		assert.deepEqual(await counter.invoke({ a: 1 }), {
			ok: true,
			result: { n: 1, event: { a: 1 } },
		});
		assert.deepEqual(await counter.invoke([]), {
			ok: true,
			result: { n: 2, event: [] },
		});
		assert.equal(counter.succeeded, 2);
	});

	it("has its own environment and nothing of ours", async () => {
		process.env.THINGHZ_REHEARSAL_SECRET = "ours";
		const shows = make("export const handler = () => process.env;");
		const outcome = await shows.invoke({});
		delete process.env.THINGHZ_REHEARSAL_SECRET;
		assert.ok(outcome.ok);
		const environment = outcome.result as Record<string, string>;
		assert.equal(environment.THINGHZ_X, "from the template");
		assert.equal(environment.AWS_ACCESS_KEY_ID, "AKIATEST");
		assert.equal(environment.AWS_ENDPOINT_URL, "http://127.0.0.1:9");
		assert.equal(environment.AWS_REGION, "eu-central-1");
		assert.equal(environment.THINGHZ_REHEARSAL_SECRET, undefined);
		assert.equal(environment.HOME, undefined);
	});

	it("knows how long it has, and what it is called", async () => {
		const shows = make(
			"export const handler = (_event, context) => [context.functionName, context.getRemainingTimeInMillis() > 9000];",
		);
		assert.deepEqual(await shows.invoke({}), {
			ok: true,
			result: ["thinghz-test", true],
		});
	});

	it("says why it could not be loaded, every time", async () => {
		const broken = make("throw new RangeError('THINGHZ_Y is not set');");
		const outcome = await broken.invoke({});
		assert.ok(!outcome.ok);
		assert.equal(outcome.failure.type, "RangeError");
		assert.match(outcome.failure.message, /THINGHZ_Y is not set/);
		assert.equal((await broken.invoke({})).ok, false);
		const without = make("export const other = 1;");
		const none = await without.invoke({});
		assert.ok(!none.ok);
		assert.match(none.failure.message, /no function named handler/);
	});

	it("says what it threw, and goes on", async () => {
		const picky = make(
			"export const handler = async (event) => { if (event.bad) throw new TypeError('no'); return 1; };",
		);
		const outcome = await picky.invoke({ bad: true });
		assert.ok(!outcome.ok);
		assert.equal(outcome.failure.type, "TypeError");
		assert.deepEqual(await picky.invoke({}), { ok: true, result: 1 });
		assert.deepEqual([picky.failed, picky.succeeded], [1, 1]);
	});

	it("is ended when its time is over or it crashes, and started anew for the next event", async () => {
		const slow = make(
			"export const handler = (event) => event.wait ? new Promise(() => undefined) : event.exit ? process.exit(3) : 1;",
			300,
		);
		const late = await slow.invoke({ wait: true });
		assert.ok(!late.ok && late.failure.type === "Sandbox.Timedout");
		const gone = await slow.invoke({ exit: true });
		assert.ok(!gone.ok && gone.failure.type === "Runtime.ExitError");
		slow.stop();
	});

	it("reaches nothing but loopback", async () => {
		const curious = make(
			`import net from "node:net";
			export const handler = async (event) => {
				if (event.fetch) return fetch(event.fetch).then(() => "in", (error) => String(error.cause ?? error));
				return new Promise((resolve) => {
					const socket = net.connect({ host: "192.0.2.1", port: 80 });
					socket.on("error", (error) => resolve(error.message));
					socket.on("connect", () => resolve("in"));
				});
			};`,
		);
		const said = async (event: unknown) => {
			const outcome = await curious.invoke(event);
			return outcome.ok ? String(outcome.result) : outcome.failure.message;
		};
		assert.match(await said({}), /lets nothing out, not to 192\.0\.2\.1/);
		assert.match(
			await said({ fetch: "http://192.0.2.1/" }),
			/lets nothing out/,
		);
		assert.match(
			await said({ fetch: "https://cognito.example/keys" }),
			/ECONNREFUSED|bad port/,
		);
	});
});
