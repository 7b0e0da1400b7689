/** Whether the qemu board can run here, and what it runs. */
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireHost } from "../../../firmware/boards/virtual/testing/host-process.ts";

const PACKAGES =
	"gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf binutils-riscv64-unknown-elf qemu-system-misc";
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const BOARD = join(ROOT, "firmware/boards/virtual/qemu");

/** The first of these that does not run tells what is missing. */
const CHECKS = [
	["riscv64-unknown-elf-gcc", "--version"],
	[
		...["riscv64-unknown-elf-gcc", "--specs=picolibc.specs", "-E", "-x", "c"],
		"/dev/null",
	],
	["qemu-system-riscv32", "--version"],
] as const;

function missingTool(): string | undefined {
	const [command, specs] =
		CHECKS.find(([tool, ...args]) => spawnSync(tool, args).status !== 0) ?? [];
	return specs?.includes("picolibc") ? "picolibc" : command;
}

/**
 * Builds the board's machine code where it is not up to date. Where the tools for it are missing, the suite is skipped for
 * all to see, but fails where tests must be whole (CI=true).
 */
export function requireQemu(context: Mocha.Context): void {
	context.timeout(300_000);
	const missing = missingTool();
	if (missing !== undefined) {
		const message = `The qemu board cannot be tested without ${missing}. Install it with: sudo apt-get install -y --no-install-recommends ${PACKAGES}`;
		if (process.env.CI === "true") throw new Error(message);
		console.error(message);
		context.skip();
	}
	requireHost(context, "virtual");
	const { status, stderr } = spawnSync("make", ["-s", "-C", BOARD], {
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(`The board cannot be built: ${stderr}`);
}

export function temporaryFolder(): string {
	return mkdtempSync(join(tmpdir(), "thinghz-qemu-"));
}

/** A script of these tests, or of the virtual board's. */
export function script(name: string): string {
	return fileURLToPath(new URL(`../scripts/${name}`, import.meta.url));
}

/** As `requireQemu`, with the firmware in the flash that `thinghz sim` takes. */
export function requireImage(context: Mocha.Context): void {
	requireQemu(context);
	const { status, stderr } = spawnSync("make", ["-s", "qemu"], {
		cwd: ROOT,
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(`The flash cannot be built: ${stderr}`);
}
