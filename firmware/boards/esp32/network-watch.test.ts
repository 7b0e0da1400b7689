import assert from "node:assert/strict";
import type { OfflineReason } from "../../node/ports.ts";
import { endReason, type Stage } from "./network-watch.ts";

describe("Why a connection on Moddable's modules has ended", () => {
	const cases: [Stage, boolean, number, OfflineReason][] = [
		["name_lookup", false, 0, "name_lookup"],
		["tcp", true, 0, "tcp"],
		["tcp", false, 0, "timeout"],
		["tls", true, 0, "tls"],
		["tls", false, 0, "timeout"],
		["login", true, 0, "auth"],
		["login", false, 0, "timeout"],
		["login", false, 1, "refused"],
		["login", false, 2, "refused"],
		["login", false, 3, "refused"],
		["login", false, 4, "auth"],
		["login", false, 5, "auth"],
		["connected", true, 0, "closed"],
		["connected", false, 0, "timeout"],
	];
	for (const [stage, socketEnded, returnCode, reason] of cases) {
		const how = socketEnded ? "the socket's end" : "silence or a refusal";
		it(`is ${reason} for ${how} at ${stage}, return code ${returnCode}`, () => {
			assert.equal(endReason({ stage, socketEnded, returnCode }), reason);
		});
	}
});
