/** The battery model's measured bytes, measured again; and the command that reckons with them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readIdentity } from "../../firmware/boards/virtual/identity.ts";
import { encodedWeather } from "../../tools/bench/weather-blocks.ts";
import { countExchange } from "../../tools/cost/count-exchange.ts";
import exchange from "../../tools/cost/exchange.json" with { type: "json" };
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

interface Reckoned {
	readonly mode: string;
	readonly spans: readonly {
		readonly spanS: number;
		readonly blockBytes: number;
		readonly radioOnSPerHour: number;
		readonly bytesPerHour: number;
		readonly mahPerDay: number;
		readonly days: number;
	}[];
}

describe("thinghz cost --battery", () => {
	it("rests on bytes that a connection to the cloud really takes", async () => {
		const { dir, remove } = temporaryFolder();
		const cloud = await CloudUnderTest.start(dir);
		try {
			await thinghz("provision", exchange.thing, "--target", cloud.target);
			const [block] = encodedWeather({
				startMs: Date.now() - 600_000,
				samples: 300,
				blocks: 1,
				journalId: "00000000000000ce",
			});
			assert.ok(block !== undefined);
			const identity = readIdentity(join(dir, "things", exchange.thing));
			const counted = await countExchange(identity, block);
			assert.equal(counted.tlsVersion, "TLSv1.2");
			for (const stage of [
				"handshake",
				"connect",
				"publish",
				"disconnect",
			] as const) {
				const { sent, received } = counted[stage];
				// Serial numbers and signatures are not always of the same length.
				const isNear = (bytes: number, before: number): boolean =>
					Math.abs(bytes - before) <= 24;
				assert.ok(isNear(sent, exchange[stage].sent), `${stage}: ${sent}`);
				assert.ok(
					isNear(received, exchange[stage].received),
					`${stage}: ${received}`,
				);
			}
		} finally {
			await cloud.stop();
			remove();
		}
	});

	it("prints a row for each span, of which a longer one lives longer", async () => {
		const { mode, spans } = await thinghzJson<Reckoned>("cost", "--battery");
		assert.equal(mode, "sleep");
		assert.deepEqual(
			spans.map(({ spanS }) => spanS),
			[10, 60, 300, 900],
		);
		for (const [n, row] of spans.entries())
			assert.ok(row.days > (spans[n - 1]?.days ?? 0));
		const always = await thinghzJson<Reckoned>(
			"cost",
			"--battery",
			"--always-on",
		);
		assert.ok(always.spans.every((row) => row.radioOnSPerHour === 3600));
		const table = await thinghz("cost", "--battery", "--interval", "60s");
		assert.equal(table.code, 0);
		assert.equal(table.stdout.trimEnd().split("\n").length, 4);
		assert.doesNotMatch(table.stderr, /always-on/);
	});

	it("says where connecting anew takes more than staying connected", async () => {
		const { stderr } = await thinghz("cost", "--battery", "--interval", "10s");
		assert.match(stderr, /blocks of 10 s, staying connected takes less/);
		assert.doesNotMatch(stderr, /blocks of 60 s/);
	});

	it("reckons nodes that are always connected and sample each second", async () => {
		const { mode, spans } = await thinghzJson<Reckoned>(
			"cost",
			"--battery",
			"--always-on",
			"--interval",
			"1s",
		);
		assert.equal(mode, "always_on");
		assert.equal(spans.length, 4);
	});

	for (const [args, reason] of [
		[["--battery", "--chip", "esp8266"], /--chip/],
		[["--battery", "--interval", "1s"], /--interval/],
		[["--battery", "--channels", "17"], /--channels/],
		[["--battery", "--capacity-mah", "0"], /--capacity-mah/],
		[["--battery", "--connect", "2h"], /--connect/],
		[["--battery", "--always-on", "--connect", "2s"], /--always-on/],
	] as const)
		it(`refuses ${args.join(" ")} as wrong usage`, async () => {
			const { code, stdout, stderr } = await thinghz("cost", ...args);
			assert.equal(code, 2);
			assert.equal(stdout, "");
			assert.match(stderr, reason);
		});
});
