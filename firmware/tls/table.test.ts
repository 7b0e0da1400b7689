/** docs/security.md says what comes of each chain: it is written from what comes of it. `WRITE_TABLE=1` writes it anew. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { BAD_CASES } from "../../test/certificates/bad-cases.ts";
import type { Case } from "../../test/certificates/case.ts";
import { GOOD_CASES } from "../../test/certificates/good-cases.ts";
import { nodeCrypto } from "../../test/certificates/node-crypto.ts";
import { nodeServer } from "../../test/certificates/node-tls.ts";
import { World } from "../../test/certificates/world.ts";
import { checkServerChain } from "./chain.ts";

const PAGE = new URL("../../docs/security.md", import.meta.url);
const START = "<!-- chains -->\n";
const END = "<!-- /chains -->";

function rowsOf(cases: readonly Case[]): string {
	const world = new World();
	const crypto = nodeCrypto();
	return cases
		.map(({ name, make, expect, nodeDiffers }) => {
			const chain = make(world);
			const { certificates, ...options } = chain;
			const verdict = checkServerChain(certificates, { ...options, crypto });
			const result = verdict.trusted ? "trusted" : `\`${verdict.reason}\``;
			const otherwise = expect === "trusted" ? "refuses" : "trusts";
			const differs = nodeDiffers ? `${otherwise}: ${nodeDiffers}` : "agrees";
			const node = nodeServer(chain) ? differs : "does not load it";
			const what = name.replaceAll("|", "\\|").replaceAll("*", "\\*");
			return `| ${what} | ${result} | ${node} |\n`;
		})
		.join("");
}

function table(): string {
	const head = "| the server presents | result | Node's TLS |\n|---|---|---|\n";
	return `**${GOOD_CASES.length} that are trusted**

${head}${rowsOf(GOOD_CASES)}
**${BAD_CASES.length} that are refused**

${head}${rowsOf(BAD_CASES)}`;
}

describe("The page on security", () => {
	it("has the table of chains with what comes of each", () => {
		const page = readFileSync(PAGE, "utf8");
		const start = page.indexOf(START) + START.length;
		const end = page.indexOf(END);
		assert.ok(start >= START.length && end >= start, "The table has no place.");
		const written = page.slice(0, start) + table() + page.slice(end);
		if (process.env.WRITE_TABLE === "1") writeFileSync(PAGE, written);
		assert.equal(readFileSync(PAGE, "utf8"), written);
	});
});
