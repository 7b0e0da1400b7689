import assert from "node:assert/strict";
import { BAD_CASES } from "../../test/certificates/bad-cases.ts";
import { GOOD_CASES } from "../../test/certificates/good-cases.ts";
import { nodeCrypto } from "../../test/certificates/node-crypto.ts";
import { World } from "../../test/certificates/world.ts";
import { checkServerChain } from "./chain.ts";

describe("A server's certificates", () => {
	let world: World;

	before(() => {
		world = new World();
	});

	for (const { name, expect, make } of GOOD_CASES) {
		it(`are trusted: ${name}`, () => {
			const { certificates, ...options } = make(world);
			const verdict = checkServerChain(certificates, {
				...options,
				crypto: nodeCrypto(),
			});
			assert.deepEqual(
				verdict.trusted || [verdict.reason, verdict.detail],
				true,
			);
			assert.equal(expect, "trusted");
		});
	}

	for (const { name, expect, make } of BAD_CASES) {
		it(`are refused: ${name} (${expect})`, () => {
			const { certificates, ...options } = make(world);
			const verdict = checkServerChain(certificates, {
				...options,
				crypto: nodeCrypto(),
			});
			assert.equal(verdict.trusted ? "trusted" : verdict.reason, expect);
		});
	}
});
