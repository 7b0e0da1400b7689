import assert from "node:assert/strict";
import fc from "fast-check";
import { BoardError } from "./errors.ts";
import { RomLoader } from "./fakes/rom-loader.ts";
import { LineDecoder, monitor } from "./monitor.ts";
import { choosePort } from "./port.ts";

describe("lines of a log", () => {
	it("are the same however their bytes are cut", () => {
		const text = "info: gestartet ü\r\nerror: 温度\n\nlast";
		const bytes = Buffer.from(text);
		fc.assert(
			fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
				const decoder = new LineDecoder();
				const lines: string[] = [];
				const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
				for (let n = 1; n < places.length; n++)
					lines.push(...decoder.push(bytes.subarray(places[n - 1], places[n])));
				lines.push(...decoder.end());
				assert.deepEqual(lines, [
					"info: gestartet ü",
					"error: 温度",
					"",
					"last",
				]);
			}),
		);
	});

	it("end though no line end comes, and take what is no text", () => {
		const decoder = new LineDecoder();
		const noise = new Uint8Array(5000).fill(0xfe);
		assert.ok(decoder.push(noise).length > 0);
		assert.deepEqual(new LineDecoder().end(), []);
	});
});

describe("following a board's log", () => {
	it("restarts the board, tells each line, and ends when it is told to", async () => {
		const rom = new RomLoader();
		const lines: string[] = [];
		const end = new AbortController();
		const done = monitor(rom.port, {
			reset: true,
			signal: end.signal,
			onLine: (line) => {
				lines.push(line);
				if (line === "second") end.abort();
			},
		});
		rom.print("first\r\nsec");
		rom.print("ond\nrest");
		await done;
		assert.deepEqual(lines, ["first", "second", "rest"]);
		assert.deepEqual(rom.signals[0], { dtr: false, rts: true });
	});

	it("fails when the port goes away, and tells what was left of a line", async () => {
		const rom = new RomLoader();
		const lines: string[] = [];
		const done = monitor(rom.port, {
			reset: false,
			signal: new AbortController().signal,
			onLine: (line) => {
				lines.push(line);
				rom.vanish();
			},
		});
		rom.print("whole\nhal");
		await assert.rejects(
			done,
			(error) => error instanceof BoardError && error.code === "port_lost",
		);
		assert.deepEqual(lines, ["whole", "hal"]);
		assert.deepEqual(rom.signals, []);
	});

	it("does not begin when it was ended before", async () => {
		const rom = new RomLoader();
		await monitor(rom.port, {
			reset: false,
			signal: AbortSignal.abort(),
			onLine: () => assert.fail("a line"),
		});
	});
});

describe("the port to use", () => {
	it("is the one that is named, or the only one", () => {
		assert.equal(choosePort("/dev/ttyS9", []), "/dev/ttyS9");
		assert.equal(choosePort(undefined, ["/dev/ttyUSB0"]), "/dev/ttyUSB0");
	});

	for (const ports of [[], ["/dev/ttyUSB0", "/dev/ttyUSB1"]])
		it(`is asked for where there are ${ports.length}`, () => {
			assert.throws(() => choosePort(undefined, ports), { code: "no_port" });
		});
});
