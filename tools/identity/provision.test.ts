import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
	mkdtemp,
	readdir,
	readFile,
	rm,
	stat,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
	CertificateStore,
	DeviceCertificate,
	DeviceStore,
} from "../../cloud/core/ports.ts";
import {
	type ThingRegistry,
	UnknownCertificate,
} from "../../cloud/core/thing-registry.ts";
import {
	certificateIdOf,
	openAuthority,
} from "../../cloud/local/identity/authority.ts";
import { IdentityError } from "../../cloud/local/identity/errors.ts";
import {
	LocalRegistry,
	type LocalRegistryDeps,
} from "../../cloud/local/identity/registry.ts";
import { type ProvisionedThing, provision, thingLocks } from "./provision.ts";
import { AlreadyInForce } from "./thing-certificate.ts";

const ENDPOINT = { endpointHost: "127.0.0.1", port: 8883 };

function memoryStores(): LocalRegistryDeps["stores"] & {
	readonly created: string[];
	readonly all: Map<string, DeviceCertificate>;
} {
	const created: string[] = [];
	const all = new Map<string, DeviceCertificate>();
	const devices: Pick<DeviceStore, "create"> = {
		create: async (name) => {
			if (created.includes(name)) return false;
			created.push(name);
			return true;
		},
	};
	const certificates: CertificateStore = {
		add: async (certificate) => {
			assert.ok(!all.has(certificate.certificateId));
			all.set(certificate.certificateId, certificate);
		},
		get: async (id) => all.get(id) ?? null,
		ofThing: async (thing) =>
			[...all.values()].filter((each) => each.thing === thing),
		ofClaims: async () => [],
		revoke: async (id) => {
			all.set(id, { ...all.get(id)!, status: "REVOKED" });
		},
	};
	return { devices: devices as DeviceStore, certificates, created, all };
}

/** Fails at that call, after what it asks for has been done at every other one. */
function cutting(registry: LocalRegistry, at: number): ThingRegistry {
	let calls = 0;
	async function cut<T>(ask: () => Promise<T>): Promise<T> {
		const n = ++calls;
		if (n === at && n % 2 === 1) throw new Error("cut");
		const answer = await ask();
		if (n === at) throw new Error("cut");
		return answer;
	}
	return {
		authorityPem: registry.authorityPem,
		register: (thing) => cut(() => registry.register(thing)),
		issue: (thing, request) => cut(() => registry.issue(thing, request)),
		issueFor: (thing, keyDer) => cut(() => registry.issueFor(thing, keyDer)),
		adopt: (thing, certificate) =>
			cut(() => registry.adopt(thing, certificate)),
		inForce: (thing) => cut(() => registry.inForce(thing)),
		revoke: (thing) => cut(() => registry.revoke(thing)),
	};
}

describe("provisioning a thing", () => {
	let dir: string;
	let stores: ReturnType<typeof memoryStores>;
	let registry: LocalRegistry;

	beforeEach(async () => {
		dir = await mkdtemp(join(tmpdir(), "thinghz-provision-"));
		stores = memoryStores();
		registry = new LocalRegistry({
			authority: await openAuthority(dir),
			stores,
			clock: { nowMs: () => Date.now() },
		});
	});
	afterEach(() => rm(dir, { recursive: true }));

	async function contents(thing: ProvisionedThing): Promise<string[]> {
		return Promise.all(
			Object.values(thing.files).map((path) => readFile(path, "utf8")),
		);
	}

	const renew = () =>
		provision(registry, dir, "node-1", ENDPOINT, { renew: "always" });
	const active = () =>
		[...stores.all.values()]
			.filter(({ status }) => status === "ACTIVE")
			.map(({ certificateId }) => certificateId);
	const theOne = (): DeviceCertificate => {
		const [one = assert.fail()] = stores.all.values();
		return one;
	};

	/** @returns the certificate's id; null where there is no pair, and fails for a mixed one */
	async function pairInFolder(): Promise<string | null> {
		const read = (name: string) =>
			readFile(join(dir, "things", "node-1", name)).catch(() => null);
		const certificate = await read("certificate.pem");
		const key = await read("private.pem");
		if (certificate === null || key === null) return null;
		const leaf = new X509Certificate(certificate);
		assert.ok(leaf.checkPrivateKey(createPrivateKey(key)), "a mixed pair");
		return certificateIdOf(leaf.raw);
	}

	it("registers the device and its certificate, and writes what a node needs", async () => {
		const thing = await provision(registry, dir, "node-1", ENDPOINT);
		assert.equal(thing.directory, join(dir, "things", "node-1"));
		assert.deepEqual((await readdir(thing.directory)).sort(), [
			"ca.pem",
			"certificate.pem",
			"config.json",
			"private.pem",
		]);
		const config = JSON.parse(await readFile(thing.files.config, "utf8"));
		assert.deepEqual(config, {
			thing: "node-1",
			endpoint: "127.0.0.1",
			port: 8883,
			certificateId: thing.certificateId,
		});
		const certificate = new X509Certificate(
			await readFile(thing.files.certificate),
		);
		assert.equal(certificateIdOf(certificate.raw), thing.certificateId);
		const key = createPrivateKey(await readFile(thing.files.privateKey));
		assert.equal(key.asymmetricKeyType, "rsa");
		assert.equal(key.asymmetricKeyDetails?.modulusLength, 2048);
		assert.ok(certificate.checkPrivateKey(key));
		assert.deepEqual(stores.created, ["node-1"]);
		const stored = stores.all.get(thing.certificateId);
		assert.equal(stored?.thing, "node-1");
		assert.equal(stored?.status, "ACTIVE");
		assert.equal(thing.issued, true);
	});

	it("lets only the owner read the key and enter the folder", async () => {
		const thing = await provision(registry, dir, "node-1", ENDPOINT);
		const mode = async (path: string) => (await stat(path)).mode & 0o777;
		assert.equal(await mode(thing.directory), 0o700);
		assert.equal(await mode(thing.files.privateKey), 0o600);
	});

	it("run again, changes nothing", async () => {
		const first = await provision(registry, dir, "node-1", ENDPOINT);
		const before = await contents(first);
		const second = await provision(registry, dir, "node-1", ENDPOINT);
		assert.deepEqual(second, { ...first, issued: false });
		assert.deepEqual(await contents(second), before);
		assert.deepEqual(stores.created, ["node-1"]);
		assert.equal(stores.all.size, 1);
	});

	it("run again for another endpoint, changes the configuration alone", async () => {
		const first = await provision(registry, dir, "node-1", ENDPOINT);
		const moved = { endpointHost: "hub.example", port: 18_883 };
		const second = await provision(registry, dir, "node-1", moved);
		assert.equal(second.certificateId, first.certificateId);
		const config = JSON.parse(await readFile(second.files.config, "utf8"));
		assert.equal(config.endpoint, "hub.example");
		assert.equal(config.port, 18_883);
	});

	for (const file of ["ca", "config"] as const) {
		it(`run again, restores ${file} and keeps the certificate`, async () => {
			const first = await provision(registry, dir, "node-1", ENDPOINT);
			const before = await contents(first);
			await rm(first.files[file]);
			const second = await provision(registry, dir, "node-1", ENDPOINT);
			assert.equal(second.issued, false);
			assert.deepEqual(await contents(second), before);
		});
	}

	it("run again after a cut before registering, registers what it had written", async () => {
		const first = await provision(registry, dir, "node-1", ENDPOINT);
		stores.all.clear();
		stores.created.length = 0;
		const second = await provision(registry, dir, "node-1", ENDPOINT);
		assert.equal(second.certificateId, first.certificateId);
		assert.equal(stores.all.get(first.certificateId)?.status, "ACTIVE");
		assert.deepEqual(stores.created, ["node-1"]);
	});

	for (const file of ["certificate", "privateKey"] as const) {
		it(`run again without its ${file}, makes no second certificate but where that is asked for`, async () => {
			const first = await provision(registry, dir, "node-1", ENDPOINT);
			await rm(first.files[file]);
			await assert.rejects(
				provision(registry, dir, "node-1", ENDPOINT),
				(error) =>
					error instanceof AlreadyInForce &&
					error.certificateIds[0] === first.certificateId &&
					!error.hasFiles,
			);
			const second = await renew();
			assert.equal(second.issued, true);
			assert.deepEqual(second.others, [first.certificateId]);
			assert.notEqual(second.certificateId, first.certificateId);
			assert.equal(await pairInFolder(), second.certificateId);
			assert.deepEqual(active(), [first.certificateId, second.certificateId]);
		});
	}

	it("run again after the thing has exchanged its certificate, makes none, and brings its address up to date", async () => {
		const first = await provision(registry, dir, "node-1", ENDPOINT);
		stores.all.set("new", { ...theOne(), certificateId: "new" });
		await stores.certificates.revoke(first.certificateId);
		const moved = { endpointHost: "hub.example", port: 18_883 };
		await assert.rejects(
			provision(registry, dir, "node-1", moved),
			(error) =>
				error instanceof AlreadyInForce &&
				error.certificateIds[0] === "new" &&
				error.hasFiles,
		);
		assert.equal(stores.all.size, 2);
		assert.equal(await pairInFolder(), first.certificateId);
		const config = JSON.parse(await readFile(first.files.config, "utf8"));
		assert.equal(config.endpoint, "hub.example");
		assert.equal(config.certificateId, first.certificateId);
	});

	it("makes nothing for a thing that has claimed its certificate", async () => {
		stores.all.set("own", {
			certificateId: "own",
			thing: "node-1",
			status: "ACTIVE",
			createdMs: 1,
		});
		await assert.rejects(
			provision(registry, dir, "node-1", ENDPOINT),
			AlreadyInForce,
		);
		assert.equal(stores.all.size, 1);
	});

	it("done by several at once, makes one certificate, with its key", async () => {
		const all = await Promise.all(
			[1, 2, 3, 4].map(() => provision(registry, dir, "node-1", ENDPOINT)),
		);
		assert.equal(all.filter(({ issued }) => issued).length, 1);
		assert.equal(stores.all.size, 1);
		assert.equal(await pairInFolder(), all[0]?.certificateId);
	});

	it("waits for who is at it in another process, and says so in the end", async () => {
		const [ours, theirs] = [thingLocks(dir), thingLocks(dir)];
		let end: () => void = () => undefined;
		let held: Promise<void> = Promise.resolve();
		await new Promise<void>((isHeld) => {
			held = theirs.hold("node-1", () => {
				isHeld();
				return new Promise<void>((resolve) => (end = resolve));
			});
		});
		await assert.rejects(
			ours.hold("node-1", async () => undefined, 0),
			(error) => error instanceof IdentityError && error.code === "busy",
		);
		assert.equal(await ours.hold("node-2", async () => 5, 0), 5);
		end();
		await held;
		assert.equal(await ours.hold("node-1", async () => 7, 0), 7);
		ours.close();
		theirs.close();
	});

	it("comes one after another for one thing, and goes on after one that failed", async () => {
		const locks = thingLocks(dir);
		const order: string[] = [];
		const turn = (name: string) =>
			locks.hold("node-1", async () => {
				order.push(`${name} begins`);
				await new Promise((resolve) => setImmediate(resolve));
				order.push(`${name} ends`);
				if (name === "first") throw new Error("It failed.");
			});
		const [first] = await Promise.allSettled([turn("first"), turn("second")]);
		assert.equal(first?.status, "rejected");
		assert.deepEqual(order, [
			"first begins",
			"first ends",
			"second begins",
			"second ends",
		]);
		locks.close();
	});

	it("cut off at any step of a renewal, leaves no mixed pair, and run again makes one certificate with one key", async () => {
		const old = await provision(registry, dir, "node-1", ENDPOINT);
		const folder = await contents(old);
		const known = theOne();
		for (let cut = 1; ; cut++) {
			for (const name of await readdir(old.directory))
				await rm(join(old.directory, name));
			for (const [at, path] of Object.values(old.files).entries())
				await writeFile(path, folder[at] ?? "");
			stores.all.clear();
			stores.all.set(known.certificateId, known);
			const run = (of: ThingRegistry) =>
				provision(of, dir, "node-1", ENDPOINT, { renew: "always" });
			const wasCut = await run(cutting(registry, cut)).then(
				() => false,
				(error) => {
					assert.match(String(error), /cut/);
					return true;
				},
			);
			await pairInFolder();
			if (!wasCut) {
				assert.ok(cut > 3);
				break;
			}
			const again = await run(registry);
			assert.equal(await pairInFolder(), again.certificateId);
			assert.deepEqual(active(), [old.certificateId, again.certificateId]);
			const left = await readdir(again.directory);
			assert.ok(left.every((name) => !name.endsWith(".next")));
		}
	});

	it("cut off while the new pair is moved into its place, leaves no mixed pair, and run again puts it there", async () => {
		const old = await provision(registry, dir, "node-1", ENDPOINT);
		const pair = await contents(old);
		const fresh = await renew();
		const [certificate = "", key = ""] = await contents(fresh);
		const next = (path: string) => `${path}.next`;
		const { files } = fresh;
		for (const [there, waiting] of [
			[pair.slice(0, 2), [certificate, key]],
			[
				[null, pair[1]],
				[certificate, key],
			],
			[
				[null, key],
				[certificate, null],
			],
		] as const) {
			const put = async (path: string, text: string | null | undefined) =>
				text ? writeFile(path, text) : rm(path, { force: true });
			await put(files.certificate, there[0]);
			await put(files.privateKey, there[1]);
			await put(next(files.certificate), waiting[0]);
			await put(next(files.privateKey), waiting[1]);
			const again = await renew();
			assert.equal(again.certificateId, fresh.certificateId);
			assert.equal(await pairInFolder(), fresh.certificateId);
		}
		assert.equal(stores.all.size, 2);
	});

	it("run again with files cut short, makes a new certificate where that is asked for", async () => {
		const first = await provision(registry, dir, "node-1", ENDPOINT);
		await writeFile(first.files.certificate, "-----BEGIN CERT");
		const second = await renew();
		assert.equal(second.issued, true);
		assert.equal(await pairInFolder(), second.certificateId);
	});

	it("run again after revoking, issues a new certificate", async () => {
		const first = await provision(registry, dir, "node-1", ENDPOINT);
		assert.deepEqual(await registry.revoke("node-1"), [first.certificateId]);
		const second = await provision(registry, dir, "node-1", ENDPOINT);
		assert.equal(second.issued, true);
		assert.equal(stores.all.get(first.certificateId)?.status, "REVOKED");
		assert.equal(stores.all.get(second.certificateId)?.status, "ACTIVE");
	});

	it("run again with another thing's files in its folder, issues its own", async () => {
		const one = await provision(registry, dir, "node-1", ENDPOINT);
		const two = await provision(registry, dir, "node-2", ENDPOINT);
		for (const file of ["certificate", "privateKey"] as const) {
			await writeFile(two.files[file], await readFile(one.files[file]));
		}
		const again = await provision(registry, dir, "node-2", ENDPOINT, {
			renew: "always",
		});
		assert.equal(again.issued, true);
		const pem = await readFile(again.files.certificate);
		assert.equal(new X509Certificate(pem).subject, "CN=node-2");
	});

	for (const name of ["", "a b", "../etc", "a/b", "x".repeat(129), "ü"]) {
		it(`refuses the name "${name.slice(0, 20)}" and writes nothing`, async () => {
			await assert.rejects(
				provision(registry, dir, name, ENDPOINT),
				(error) =>
					error instanceof IdentityError && error.code === "invalid_name",
			);
			assert.deepEqual(await readdir(dir), ["ca"]);
			assert.deepEqual(stores.created, []);
		});
	}

	it("says which folder it could not write, and why", async () => {
		await writeFile(join(dir, "things"), "a file where a folder should be");
		await assert.rejects(
			provision(registry, dir, "node-1", ENDPOINT),
			(error) => {
				assert.ok(error instanceof IdentityError);
				assert.equal(error.code, "file_access");
				assert.ok(error.message.includes(join(dir, "things")));
				return true;
			},
		);
	});

	it("revoking takes a certificate's id as well, and nothing twice", async () => {
		const { certificateId } = await provision(
			registry,
			dir,
			"node-1",
			ENDPOINT,
		);
		assert.deepEqual(await registry.revoke(certificateId), [certificateId]);
		assert.deepEqual(await registry.revoke(certificateId), []);
	});

	it("revoking what is not there is an error that names it", async () => {
		await assert.rejects(registry.revoke("node-9"), (error) => {
			assert.ok(error instanceof UnknownCertificate);
			assert.match(error.message, /node-9/);
			return true;
		});
	});
});
