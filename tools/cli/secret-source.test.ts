import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { readSecretOf, type SecretSource } from "./secret-source.ts";

function makeTerminal(isTTY: boolean) {
	const input = Object.assign(new PassThrough(), {
		isTTY,
		modes: [] as boolean[],
		setRawMode(on: boolean) {
			this.modes.push(on);
		},
	});
	return { input, output: new PassThrough() };
}

function sourceOf(more: Partial<SecretSource>): SecretSource {
	return {
		what: "Passphrase",
		option: "--passphrase-file",
		variable: "THINGHZ_TEST_SECRET",
		environment: {},
		terminal: makeTerminal(false),
		...more,
	};
}

describe("a secret", () => {
	let dir: string;
	let file: string;
	before(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-secret-"));
		file = join(dir, "secret");
		writeFileSync(file, "from the file\n");
	});
	after(() => rmSync(dir, { recursive: true }));

	it("comes from the file before the environment, and from there before the terminal", async () => {
		const environment = { THINGHZ_TEST_SECRET: "from the environment" };
		assert.equal(
			await readSecretOf(sourceOf({ file, environment })),
			"from the file",
		);
		assert.equal(
			await readSecretOf(
				sourceOf({ environment, terminal: makeTerminal(true) }),
			),
			"from the environment",
		);
	});

	it("is typed without being shown, and what is erased is not part of it", async () => {
		const terminal = makeTerminal(true);
		const asked = readSecretOf(sourceOf({ terminal }));
		terminal.input.write("seß");
		terminal.input.write("\u007fcret\r");
		assert.equal(await asked, "secret");
		assert.equal(terminal.output.read()?.toString(), "Passphrase: \n");
		assert.deepEqual(terminal.input.modes, [true, false]);
	});

	for (const [what, typed] of [
		["Ctrl-C", "sec\u0003"],
		["nothing", "\r"],
	] as const)
		it(`is refused when ${what} is typed, and the terminal is as before`, async () => {
			const terminal = makeTerminal(true);
			const asked = readSecretOf(sourceOf({ terminal }));
			terminal.input.write(typed);
			await assert.rejects(asked, { name: "UsageError" });
			assert.deepEqual(terminal.input.modes, [true, false]);
		});

	it("is asked for by its option and its variable where nobody can type", async () => {
		await assert.rejects(readSecretOf(sourceOf({})), {
			name: "UsageError",
			message: /--passphrase-file.*THINGHZ_TEST_SECRET/,
		});
	});

	it("is refused when its file is not there", async () => {
		await assert.rejects(readSecretOf(sourceOf({ file: join(dir, "no") })), {
			name: "UsageError",
		});
	});
});
