import assert from "node:assert/strict";
import {
	chmodSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { NotBuiltError } from "../not-built-error.ts";
import { findQemu, qemuCommand } from "./command.ts";

describe("The command that starts QEMU", () => {
	let folder: string;
	let qemu: string;
	const path = process.env.PATH;

	before(() => {
		folder = mkdtempSync(join(tmpdir(), "thinghz-path-"));
		qemu = join(folder, "qemu-system-riscv32");
		writeFileSync(qemu, "#!/bin/sh\n");
		chmodSync(qemu, 0o755);
	});
	afterEach(() => {
		process.env.PATH = path;
	});
	after(() => rmSync(folder, { recursive: true }));

	it("finds QEMU on the path, past folders that are not there, files that cannot be run, and a folder of its name", () => {
		const other = mkdtempSync(join(folder, "other-"));
		writeFileSync(join(other, "qemu-system-riscv32"), "");
		chmodSync(join(other, "qemu-system-riscv32"), 0o644);
		const named = mkdtempSync(join(folder, "named-"));
		mkdirSync(join(named, "qemu-system-riscv32"));
		const folders = [join(folder, "nowhere"), qemu, other, named, folder];
		assert.equal(findQemu(folders.join(delimiter)), qemu);
	});

	it("says what installs QEMU when it is not there", () => {
		for (const nowhere of ["", "/nowhere"]) {
			assert.throws(
				() => findQemu(nowhere),
				(error) =>
					error instanceof NotBuiltError &&
					/^The qemu board needs .* sudo apt-get install .* qemu-system-misc$/.test(
						error.message,
					),
			);
		}
	});

	it("lets no comma in a file's name end it, and counts instructions only when asked", () => {
		process.env.PATH = folder;
		const plain = qemuCommand({ image: "/a,b.img", countInstructions: false });
		assert.equal(plain.command, qemu);
		assert.ok(
			plain.args.some((argument) => argument.endsWith(",file=/a,,b.img")),
		);
		assert.ok(!plain.args.includes("-icount"));
		const { args } = qemuCommand({ image: "/b.img", countInstructions: true });
		assert.ok(args.includes("-icount"));
	});
});
