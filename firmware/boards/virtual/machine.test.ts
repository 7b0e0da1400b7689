import { buildFirmware } from "../../../tools/build/firmware.ts";
import type { HostKind } from "./processor.ts";
import { requireHost } from "./testing/host-process.ts";
import { describeMachine } from "./testing/machine-suite.ts";

for (const board of ["virtual", "virtual32"] as const satisfies HostKind[]) {
	describeMachine({
		board,
		heapLimitBytes: 300_000,
		rssBytes: 6e6,
		require: (context) => requireHost(context, board),
		build: buildFirmware,
	});
}
