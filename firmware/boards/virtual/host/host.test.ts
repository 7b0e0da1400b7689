import assert from "node:assert/strict";
import fc from "fast-check";
import type { HostKind } from "../processor.ts";
import {
	compileScript,
	EVALUATE,
	HostProcess,
	requireHost,
} from "../testing/host-process.ts";
import { ExitCode } from "../wire.ts";

const KINDS: [HostKind, string][] = [
	["virtual", "64"],
	["virtual32", "32"],
];

for (const [kind, bits] of KINDS) {
	describe(`The XS host in ${bits} bits`, () => {
		before(function () {
			requireHost(this, kind);
		});

		const start = (
			program: string | Uint8Array = EVALUATE,
			options: string[] = [],
		) => new HostProcess(kind, program, options);

		/** How it ends after a turn that runs this. */
		const endOf = async (code: string, options: string[] = []) => {
			const host = start(EVALUATE, options);
			host.send(code);
			return { code: await host.exit, lastWords: host.lastWords };
		};

		it("evaluates what it is sent", async () => {
			const host = start();
			assert.equal(await host.evaluate("6 * 7"), "42");
			assert.equal(await host.end(), ExitCode.CHANNEL_CLOSED);
		});

		it("waits in a call for its reply, and runs meanwhile arrived events afterwards, in order", async () => {
			const host = start(`
				host.onMessage = (message) => {
					const text = host.utf8Decode(message);
					if (text === "call") {
						const reply = host.call(new Uint8Array([1, 2, 3]));
						host.post(host.utf8Encode("reply " + new Uint8Array(reply).join()));
					} else host.post(host.utf8Encode(text));
				};
				host.onIdle = () => {};
			`);
			host.onCall = (bytes) => {
				host.send("first");
				host.send("second");
				return bytes.map((byte) => byte * 2);
			};
			host.send("call");
			host.send("third");
			await host.posted(4);
			assert.equal(host.posts[0], "reply 2,4,6");
			assert.deepEqual([...host.posts].sort(), [
				"first",
				"reply 2,4,6",
				"second",
				"third",
			]);
			await host.end();
		});

		it("throws what a call is refused with", async () => {
			const host = start();
			host.onCall = () => {
				throw new Error("nobody answers 100 %s");
			};
			const caught = await host.evaluate(
				"try { host.call(new Uint8Array(1)) } catch (e) { e instanceof Error && e.message }",
			);
			assert.equal(caught, "nobody answers 100 %s");
			await host.end();
		});

		it("takes views and buffers, and refuses what is neither", async () => {
			const host = start();
			assert.equal(
				await host.evaluate(
					"new Uint8Array(host.call(new Uint8Array([1,2,3,4,5]).subarray(1, 3))).join()",
				),
				"2,3",
			);
			assert.equal(
				await host.evaluate("host.call(new ArrayBuffer(3)).byteLength"),
				"3",
			);
			assert.match(
				await host.evaluate(
					"try { host.call('text') } catch (e) { String(e) }",
				),
				/TypeError/,
			);
			await host.end();
		});

		it("does not take garbage for live, however many turns end before it is collected", async () => {
			const host = start();
			const heap = async () =>
				JSON.parse(await host.evaluate("JSON.stringify(host.heap())"));
			await host.evaluate("host.collect()");
			const before = await heap();
			await host.evaluate("for (let i = 0; i < 300; i++) [{}];");
			const after = await heap();
			assert.equal(after.collections, before.collections);
			assert.equal(after.slotPeak, before.slotPeak);
			await host.end();
		});

		it("carries text of any characters", async () => {
			const host = start();
			await fc.assert(
				fc.asyncProperty(fc.string({ unit: "binary" }), async (value) => {
					const code = `{ const bytes = new Uint8Array(host.call(host.utf8Encode(${JSON.stringify(value)})));
						host.utf8Decode(bytes) === ${JSON.stringify(value)} && bytes.length }`;
					assert.equal(
						await host.evaluate(code),
						String(Buffer.byteLength(value)),
					);
				}),
				{ numRuns: 40 },
			);
			await host.end();
		});

		it("decodes bytes that are no UTF-8 as Node does", async () => {
			const host = start();
			for (const bytes of [
				[0x80],
				[0xc0, 0x80],
				[0xe4, 0xb8],
				[0xf8, 0x88],
				[0x41, 0xff, 0x42],
				[0xed, 0xa0, 0x80],
			]) {
				const units = await host.evaluate(
					`Array.from(host.utf8Decode(new Uint8Array([${bytes}])), (c) => c.codePointAt(0)).join()`,
				);
				// One U+FFFD for each byte, where the standard joins some: never anything but U+FFFD.
				assert.match(units, /^(65,)?65533(,65533)*(,66)?$/);
			}
			await host.end();
		});

		it("runs promise jobs at the end of a turn, and onIdle after them", async () => {
			const host = start(`
				const log = (text) => host.post(host.utf8Encode(text));
				host.onMessage = () => {
					Promise.resolve().then(() => log("one")).then(() => log("two"));
					log("zero");
				};
				host.onIdle = () => log("idle");
			`);
			host.send("go");
			await host.posted(4);
			assert.deepEqual(host.posts, ["zero", "one", "two", "idle"]);
			await host.end();
		});

		it("runs the language that bundles for ES2020 use, private members included", async () => {
			const host = start();
			const code = `
				class A {
					static #count = 0;
					#x = 1;
					y = this.#x + 1;
					get #z() { return this.y + 1; }
					#m(n) { return n ** 2; }
					static is(o) { return #x in o; }
					async sum() { A.#count++; let s = 0; for await (const v of [1, Promise.resolve(2)]) s += v; return s; }
					total() { return this.#x + this.y + this.#z + this.#m(3); }
				}
				const a = new A();
				const { b = 5, ...rest } = { c: 6, d: null };
				[a.total(), A.is(a), A.is({}), b, rest.c, rest.d?.e ?? "none", 2n ** 70n,
					[..."a😀"].length, /(?<year>\\d{4})/u.exec("in 2026").groups.year,
					Object.entries({ p: 1 }).flat().join("-"), [3, 1, 2].sort().at(-1),
					new Map([[1, 2]]).get(1), "x".padStart(3, "-"), -0 === 0, Object.is(-0 * 1, -0)].join()`;
			assert.equal(
				await host.evaluate(
					`(() => { ${code.replace("[a.total()", "return [a.total()")} })()`,
				),
				"15,true,false,5,6,none,1180591620717411303424,2,2026,p-1,3,2,--x,true,true",
			);
			await host.end();
		});

		it("ends as crash on an uncaught exception, and says which", async () => {
			const end = await endOf("null.nothing");
			assert.equal(end.code, ExitCode.UNCAUGHT_EXCEPTION);
			assert.match(end.lastWords, /uncaught exception: TypeError/);
		});

		it("ends so when what is thrown has no text, or throws in turn", async () => {
			for (const thrown of [
				"undefined",
				"Symbol('s')",
				"({ toString() { throw 1 } })",
				"Object.create(null)",
				"new Proxy({}, { get() { throw 2 } })",
			]) {
				const { code } = await endOf(`throw ${thrown}`);
				assert.equal(code, ExitCode.UNCAUGHT_EXCEPTION, thrown);
			}
		});

		it("ends so when the bundle throws or is no JavaScript", async () => {
			for (const script of ["throw new Error('early')", "let let = 1"]) {
				const host = start(script);
				assert.equal(await host.exit, ExitCode.UNCAUGHT_EXCEPTION);
			}
		});

		it("ends as unhandled rejection, but not when it is handled within the turn", async () => {
			const end = await endOf("Promise.reject(new Error('later')); 1");
			assert.equal(end.code, ExitCode.UNHANDLED_REJECTION);
			assert.match(end.lastWords, /Error: later/);
			const host = start();
			const handled =
				"{ const p = Promise.reject(1); Promise.resolve().then(() => p.catch(() => {})); 1 }";
			assert.equal(await host.evaluate(handled), "1");
			assert.equal(await host.evaluate("2"), "2");
			await host.end();
		});

		it("ends as stack overflow, in JavaScript or in the engine", async () => {
			for (const code of [
				"(function f() { f(); })()",
				"{ let a = []; for (let i = 0; i < 200000; i++) a = [a]; JSON.stringify(a) }",
			]) {
				const end = await endOf(code, ["--slots", "900000"]);
				assert.equal(end.code, ExitCode.STACK_OVERFLOW, code);
			}
		});

		it("ends as out of memory beyond its heap limit, be it slots, chunks or strings", async () => {
			for (const code of [
				"{ const a = []; for (;;) a.push({}); }",
				"{ const a = []; for (;;) a.push(new ArrayBuffer(1000)); }",
				"new ArrayBuffer(400000)",
				"{ let s = 'x'; for (;;) s += s; }",
			]) {
				const end = await endOf(code, ["--heap-limit", "300000"]);
				assert.equal(end.code, ExitCode.OUT_OF_MEMORY, code);
				assert.match(end.lastWords, /out of memory/);
			}
		});

		it("makes much garbage within its heap limit", async () => {
			const host = start(EVALUATE, ["--heap-limit", "300000"]);
			const code =
				"{ let n = 0; for (let i = 0; i < 20000; i++) n += new Uint8Array(100 + i % 50).length + [i, {}].length; n }";
			assert.equal(await host.evaluate(code), "2530000");
			const heap = JSON.parse(
				await host.evaluate("host.collect(); JSON.stringify(host.heap())"),
			);
			assert.equal(heap.limit, 300_000);
			assert.ok(heap.collections > 3);
			assert.ok(heap.allocatedPeak <= 300_000 + heap.loaded);
			assert.ok(heap.chunkUsed + heap.slotUsed < heap.loaded + 2000);
			await host.end();
		});

		it("counts what is live, and apart what a device has in ROM", async () => {
			const host = start();
			const use = async () => {
				const heap = JSON.parse(
					await host.evaluate("host.collect(); JSON.stringify(host.heap())"),
				);
				return { ...heap, live: heap.chunkUsed + heap.slotUsed };
			};
			const before = await use();
			assert.ok(before.builtins > 30_000);
			assert.ok(before.builtins < before.loaded);
			assert.ok(before.loaded <= before.live);
			await host.evaluate("keep = new ArrayBuffer(20000); 1");
			const kept = await use();
			assert.ok(kept.live - before.live >= 20_000);
			assert.ok(kept.live - before.live < 22_000);
			await host.evaluate("keep = null; 1");
			const freed = await use();
			assert.ok(freed.live - before.live < 2000);
			assert.ok(freed.chunkPeak >= kept.chunkUsed);
			await host.end();
		});

		it("ends with the code that it is asked to", async () => {
			assert.equal((await endOf("host.exit(77)")).code, 77);
		});

		it("ends as fatal signal", async () => {
			const host = start();
			await host.evaluate("1");
			process.kill(host.pid!, "SIGSEGV");
			assert.equal(await host.exit, ExitCode.SIGNAL);
			assert.match(host.lastWords, /fatal signal 11/);
		});

		it("refuses wrong options and bundles that are not there", async () => {
			for (const options of [
				["--chunk"],
				["--nonsense", "1"],
				["--slots", "-1"],
			]) {
				assert.equal(await start(EVALUATE, options).exit, ExitCode.USAGE);
			}
			const missing = start(EVALUATE, ["--bundle", "/nowhere"]);
			assert.equal(await missing.exit, ExitCode.ENGINE);
		});

		it("runs byte code, made by the 64-bit host, from where it is, and what that makes of texts", async () => {
			const host = start(compileScript(EVALUATE));
			assert.equal(await host.evaluate("6 * 7"), "42");
			assert.equal(await host.end(), ExitCode.CHANNEL_CLOSED);
		});

		it("has as much on its heap that is not the program's from byte code as from the script", async () => {
			const own = async (program: string | Uint8Array) => {
				const host = start(program);
				const heap = JSON.parse(
					await host.evaluate("host.collect(), JSON.stringify(host.heap())"),
				) as Record<"chunkUsed" | "slotUsed" | "loaded" | "code", number>;
				await host.end();
				assert.ok(heap.code > 0, "the code is counted");
				return heap.chunkUsed + heap.slotUsed - heap.loaded;
			};
			assert.equal(await own(compileScript(EVALUATE)), await own(EVALUATE));
		});

		it("refuses byte code that is not whole, longer than it says, or for another engine or host", async () => {
			const code = Buffer.from(compileScript(EVALUATE));
			const altered = (offset: number) => {
				const copy = Buffer.from(code);
				copy.writeUInt32LE(copy.readUInt32LE(offset) + 1, offset);
				return copy;
			};
			const [version, firstId, nameCount, namesBytes, codeBytes] = [
				8, 12, 16, 20, 24,
			] as const;
			const refused: [string, Uint8Array][] = [
				["without its last byte", code.subarray(0, -1)],
				["its header alone", code.subarray(0, 28)],
				["a byte more", Buffer.concat([code, Buffer.of(0)])],
				["another engine", altered(version)],
				["another host", altered(firstId)],
				["a name more", altered(nameCount)],
				["longer names", altered(namesBytes)],
				["longer code", altered(codeBytes)],
			];
			for (const [what, program] of refused) {
				const host = start(program);
				assert.equal(await host.exit, ExitCode.ENGINE, what);
				assert.equal(host.lastWords, "the program cannot be read", what);
			}
		});
	});
}
