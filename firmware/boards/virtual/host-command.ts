/** How a process of the host is started: by itself, or by an emulator where the kernel runs no 32-bit programs. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type HostKind, hostPath } from "./host-path.ts";
import { NotBuiltError } from "./not-built-error.ts";

export interface HostCommand {
	readonly command: string;
	/** What comes before the host's own arguments. */
	readonly args: readonly string[];
}

/** QEMU's user emulation: it runs one program, whose system calls are the kernel's own. Of Debian's package qemu-user. */
const EMULATOR = "qemu-i386";
/** The host's last words where it was started without arguments. */
const USAGE = /^usage: /;

let thirtyTwo: HostCommand | undefined;

/** @throws NotBuiltError when it is not there, or nothing here runs it */
export function hostCommand(kind: HostKind): HostCommand {
	const path = hostPath(kind);
	if (!existsSync(path)) {
		throw new NotBuiltError(
			`${path} has not been built: make -C firmware/boards/virtual/host makes it.`,
		);
	}
	if (kind === "virtual") return { command: path, args: [] };
	thirtyTwo ??= commandOf32(path);
	return thirtyTwo;
}

/** Whether a host's process is the emulator's, whose memory is its own as well. @throws NotBuiltError */
export function isEmulated(kind: HostKind): boolean {
	return hostCommand(kind).args.length > 0;
}

/**
 * A kernel can be built without 32-bit programs, or be told to refuse them, as some virtual machines do. (`execvp` then
 * takes the program for a shell script, so an exit code tells nothing.)
 */
function commandOf32(path: string): HostCommand {
	const isRun = (command: string, ...args: string[]) =>
		USAGE.test(spawnSync(command, args, { encoding: "utf8" }).stderr ?? "");
	if (isRun(path)) return { command: path, args: [] };
	if (isRun(EMULATOR, path)) return { command: EMULATOR, args: [path] };
	throw new NotBuiltError(
		`This kernel runs no 32-bit programs, and there is no ${EMULATOR} to run ${path} with. Install it with: sudo apt-get install -y --no-install-recommends qemu-user`,
	);
}
