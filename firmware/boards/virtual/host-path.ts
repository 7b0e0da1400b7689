/** Where what the boards are made of is built to. */
import { fileURLToPath } from "node:url";

/** The kinds whose processor is a process of the host. */
export type HostKind = "virtual" | "virtual32";
export type ProcessorKind = HostKind | "qemu";

/** `dist/`: this file runs from its source, or bundled into a file there. */
const DIST = import.meta.url.endsWith(".ts")
	? new URL("../../../dist/", import.meta.url)
	: new URL("./", import.meta.url);

/** Where `make -C firmware/boards/virtual/host` puts the host. */
export function hostPath(kind: HostKind): string {
	const name = kind === "virtual32" ? "thinghz-xs32" : "thinghz-xs";
	return fileURLToPath(new URL(`host/${name}`, DIST));
}

/** Where tools/build/firmware.ts puts the program, and tools/build/qemu.ts the content of the flash. */
export function bundlePath(kind: ProcessorKind): string {
	const path = kind === "qemu" ? "qemu/flash.img" : "firmware/virtual.code";
	return fileURLToPath(new URL(path, DIST));
}
