import { buildProgram } from "../../../tools/build/firmware.ts";
import { isEmulated } from "./host-command.ts";
import type { HostKind } from "./processor.ts";
import { requireHost } from "./testing/host-process.ts";
import { describeMachine } from "./testing/machine-suite.ts";

for (const board of ["virtual", "virtual32"] as const satisfies HostKind[]) {
	describeMachine({
		board,
		heapLimitBytes: 300_000,
		// An emulator has some 15 MB of its own.
		rssBytes: () => (isEmulated(board) ? 40e6 : 6e6),
		require: (context) => requireHost(context, board),
		build: buildProgram,
	});
}
