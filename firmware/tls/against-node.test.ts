/** The same chains over real TLS, judged by Node's OpenSSL: where we differ, it is on purpose. */
import assert from "node:assert/strict";
import { BAD_CASES } from "../../test/certificates/bad-cases.ts";
import { GOOD_CASES } from "../../test/certificates/good-cases.ts";
import { askNode, nodeServer } from "../../test/certificates/node-tls.ts";
import { World } from "../../test/certificates/world.ts";

describe("Node's TLS", () => {
	const world = new World();

	for (const { name, expect, make, nodeDiffers } of [
		...GOOD_CASES,
		...BAD_CASES,
	]) {
		const chain = make(world);
		// What Node does not load it cannot show to itself; docs/security.md says which.
		if (nodeServer(chain) === undefined) continue;
		const trusted = expect === "trusted";
		const says = trusted === (nodeDiffers === undefined) ? "trusts" : "refuses";
		it(`${says} ${name}${nodeDiffers ? `: ${nodeDiffers}` : ""}`, async () => {
			assert.equal(await askNode(chain), says);
		});
	}
});
