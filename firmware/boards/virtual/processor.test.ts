import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Processor } from "./processor.ts";

describe("a processor", () => {
	const { PATH } = process.env;
	let folder: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "thinghz-processor-"));
	});
	afterEach(() => {
		process.env.PATH = PATH;
		rmSync(folder, { recursive: true });
	});

	it("whose process cannot be started ends once, and says why", async () => {
		const qemu = join(folder, "qemu-system-riscv32");
		writeFileSync(qemu, "#!/nowhere/at/all\n", { mode: 0o755 });
		process.env.PATH = folder;
		const words: string[] = [];
		const ends: (number | null)[] = [];
		await new Promise<void>((resolve) => {
			const processor = new Processor({
				kind: "qemu",
				bundle: qemu,
				onRequest: () => assert.fail("nothing runs"),
				onPost: () => assert.fail("nothing runs"),
				onLastWords: (text) => words.push(text),
				onExit: (code) => {
					ends.push(code);
					resolve();
				},
			});
			processor.send(0, { op: "stop" });
		});
		assert.deepEqual(ends, [null]);
		assert.match(words.join(), /The board's process: .*ENOENT/);
	});
});
