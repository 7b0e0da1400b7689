#!/usr/bin/env node
// The installed command. What it runs is built by `make setup` from tools/cli/.
import { existsSync } from "node:fs";

const built = new URL("../dist/cli.js", import.meta.url);
if (!existsSync(built)) {
	console.error(
		"thinghz: not built yet. Run `make setup` in the project's folder.",
	);
	process.exit(1);
}
await import(built.href);
