/**
 * Every chain of firmware/tls's own tests, presented over real TLS to the firmware on Moddable's modules.
 */
import assert from "node:assert/strict";
import { HANDSHAKE_RECORD_BYTES_MAX } from "../../firmware/boards/esp32/server-flight.ts";
import { BAD_CASES } from "../certificates/bad-cases.ts";
import type { Case } from "../certificates/case.ts";
import { generalizedTime } from "../certificates/der-writer.ts";
import { GOOD_CASES } from "../certificates/good-cases.ts";
import type { Chain, World } from "../certificates/world.ts";
import type { LinNode } from "./lin-node.ts";
import { Meeting } from "./meeting.ts";
import { Relay } from "./relay.ts";
import { ScriptedServer } from "./scripted-server.ts";

/** One handshake message in one record (RFC 5246, section 6.2.1); the SDK puts none together from several. */
const RECORD_BYTES = HANDSHAKE_RECORD_BYTES_MAX - 7;

/** A certificate that is valid until now will have expired before the node has it. */
function isAboutThisSecond(leaf: Uint8Array | undefined, world: World) {
	const now = generalizedTime(world.nowMs).subarray(4);
	return leaf !== undefined && Buffer.from(leaf).includes(Buffer.from(now));
}

/** Why it cannot be tried over the wire, or null. */
function untriable(chain: Chain, world: World): string | null {
	const [leaf] = chain.certificates;
	if (chain.nowMs !== world.nowMs || isAboutThisSecond(leaf, world))
		return "the node's clock is the machine's";
	if (chain.host === "") return "a node has an endpoint";
	if (chain.anchors.length === 0) return "a node has an authority";
	const sizes = chain.certificates.map(({ length }) => length + 3);
	if (sizes.reduce((sum, size) => sum + size, 0) > RECORD_BYTES)
		return "it is larger than a record";
	return null;
}

/** Between these, one node meets a good server. */
const BETWEEN = [
	"another name",
	"a server that has expired",
	"a server that is not valid yet",
	"an intermediate signed by another key than its issuer's",
	"a self-signed server followed by the genuine authority",
	"a server issued by another server's certificate (CA:FALSE)",
	"the name as common name only",
	"a certificate for clients, as the same authority gives to devices",
	"a key that may encipher and not sign",
	"an intermediate under one that allows none (path length 0)",
	"an unknown critical extension",
	"a server changed after it was signed",
	"a signature with SHA-1",
];

describe("A server, before Moddable's TLS", () => {
	const meeting = new Meeting();
	const { world } = meeting;

	before(function () {
		this.timeout(300_000);
		meeting.build();
	});

	const trusts = (chain: Chain) =>
		meeting.meet(chain, {}, async (node) => {
			const { line } = await node.line(
				(text) => text.includes('"online"') || text.includes('"offline"'),
			);
			assert.match(line, /"online"/, node.lines.join("\n"));
		});

	const each = (
		cases: readonly Case[],
		check: (one: Case) => Promise<void>,
	) => {
		for (const one of cases)
			it(one.name, async function () {
				const why = untriable(one.make(world), world);
				if (why === null) await check(one);
				// Nothing could be found out: the case is proven by firmware/tls's own tests alone.
				else this.test!.title += ` (not over the wire: ${why})`;
			});
	};

	describe("is trusted with", () => {
		each(GOOD_CASES, (one) => trusts(one.make(world)));
	});

	describe("is refused by name with", () => {
		each(BAD_CASES, (one) =>
			meeting.refuses(one.make(world), new RegExp(`tls: ${one.expect}: `)),
		);
	});

	describe("is trusted again after each of", () => {
		let relay: Relay;
		let good: ScriptedServer;
		let goodPort: number;
		let node: LinNode;

		before(async () => {
			const chain = world.chain();
			good = new ScriptedServer(chain);
			goodPort = await good.listen();
			relay = new Relay();
			relay.target = goodPort;
			node = meeting.start(chain, await relay.listen());
			await node.event("online");
		});

		after(async () => {
			await node.end();
			relay.close();
			good.close();
		});

		afterEach(function () {
			if (this.currentTest?.state === "failed")
				console.log(node.lines.slice(-30).join("\n"));
		});

		for (const name of BETWEEN) {
			const one = BAD_CASES.find((other) => other.name === name);
			it(name, async () => {
				assert.ok(one, "There is no such case.");
				const { at: released } = await node.event("released", from);
				const bad = new ScriptedServer(one.make(world));
				relay.switchTo(await bad.listen());
				const { report, at } = await node.event("offline", released);
				assert.equal(report.reason, "closed");
				const refused = await node.event("offline", at + 1);
				assert.equal(refused.report.reason, "tls");
				await node.line((text) => text.includes(`tls: ${one.expect}: `), at);
				relay.switchTo(goodPort);
				bad.close();
				from = (await node.event("online", refused.at)).at;
				await node.event("released", from);
			});
		}
		/** Where in the node's log the present connection began. */
		let from = 0;
	});
});
