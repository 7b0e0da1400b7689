/** A node that cannot know who it is, or what time it is, stays up and says so. */
import assert from "node:assert/strict";
import { World } from "../certificates/world.ts";
import { rsaKeys, validity } from "../certificates/writer.ts";
import { type LinCredentials, LinNode } from "./lin-node.ts";
import { ScriptedServer } from "./scripted-server.ts";
import { buildForLinux, type LinProgram } from "./sdk.ts";

const DAY_MS = 86_400_000;

const pem = (label: string, der: Uint8Array) =>
	`-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;

describe("A node on Moddable that", () => {
	const world = new World();
	const own = rsaKeys();
	const chain = world.chain();
	const pkcs8 = (keys: { privateKey: typeof own.privateKey }) =>
		keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
	const good: LinCredentials = {
		certificate: pem("CERTIFICATE", world.server(world.root, {}, own)),
		key: pkcs8(own),
		authorities: chain.anchors.map((der) => pem("CERTIFICATE", der)).join(""),
	};
	const server = new ScriptedServer(chain);
	let program: LinProgram;
	let config: ConstructorParameters<typeof LinNode>[1];

	before(async function () {
		this.timeout(300_000);
		program = buildForLinux();
		config = {
			thing: "lin-1",
			endpoint: chain.host,
			address: "127.0.0.1",
			port: await server.listen(),
			certificateId: "a",
		};
	});

	after(() => server.close());

	/** It says this, and is there for longer than a start takes. */
	async function says(
		why: RegExp,
		credentials: Partial<LinCredentials>,
		changes: object = {},
	): Promise<void> {
		const there = new LinNode(program, config, good);
		const node = new LinNode(
			program,
			{ ...config, ...changes },
			{ ...good, ...credentials },
		);
		try {
			const { line } = await node.line((text) => text.startsWith("error: "));
			assert.match(line, why);
			await there.event("online");
			assert.equal(node.hasEnded, false, node.lines.join("\n"));
		} finally {
			await node.end();
			await there.end();
		}
	}

	const damaged = (
		what: string,
		why: RegExp,
		credentials: () => Partial<LinCredentials>,
		changes: object = {},
	) =>
		it(what, async () => {
			await says(why, credentials(), changes);
		});

	const garbage = pem("PRIVATE KEY", Buffer.from("no key at all"));
	damaged("has an empty key stays up and says so", /private\.pem/, () => ({
		key: "",
	}));
	damaged("has a key that is no DER does", /key cannot be read/, () => ({
		key: garbage,
	}));
	damaged("has a key that is cut off does", /key cannot be read/, () => {
		const der = Buffer.from(
			good.key.split("\n").slice(1, -2).join(""),
			"base64",
		);
		return { key: pem("PRIVATE KEY", der.subarray(0, 700)) };
	});
	damaged("has a key on a curve does", /not an RSA key/, () => ({
		key: pkcs8(world.ec.leaf),
	}));
	damaged("has another certificate's key does", /not the one of its/, () => ({
		key: pkcs8(world.rsa.root),
	}));
	damaged("has an empty certificate does", /certificate\.pem/, () => ({
		certificate: "",
	}));
	damaged("has a certificate that is none does", /certificate cannot/, () => ({
		certificate: garbage,
	}));
	damaged("has no authority does", /ca\.pem/, () => ({ authorities: "" }));
	damaged("has an authority that is none does", /authority cannot/, () => ({
		authorities: garbage,
	}));
	damaged("has no name does", /config\.json/, () => ({}), { thing: "" });
	damaged("has no endpoint does", /config\.json/, () => ({}), {
		endpoint: undefined,
	});
	damaged("has a port that is none does", /port/, () => ({}), { port: 65_536 });

	it("finds its clock before its own certificate trusts nobody", async () => {
		const later = world.nowMs + 3 * DAY_MS;
		const node = new LinNode(program, config, {
			...good,
			certificate: pem(
				"CERTIFICATE",
				world.server(
					world.root,
					{ validity: validity(later, later + DAY_MS) },
					own,
				),
			),
		});
		try {
			const { report, at } = await node.event("offline");
			assert.equal(report.reason, "tls");
			assert.match(node.lines.slice(0, at).join("\n"), /time_unknown/);
		} finally {
			await node.end();
		}
	});
});
