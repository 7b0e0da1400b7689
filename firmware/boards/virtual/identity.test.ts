import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IdentityError, nodeIdentity, readIdentity } from "./identity.ts";
import type { Credentials } from "./peripherals/network.ts";
import { TestAuthority } from "./testing/certificates.ts";

describe("The identity of a machine", () => {
	let directory: string;
	let credentials: Credentials;
	before(async () => {
		credentials = await (await TestAuthority.create("ca")).issue("node-1");
	});
	beforeEach(() => {
		directory = mkdtempSync(join(tmpdir(), "thinghz-identity-"));
		writeFileSync(join(directory, "certificate.pem"), credentials.certificate);
		writeFileSync(join(directory, "private.pem"), credentials.privateKey);
		writeFileSync(join(directory, "ca.pem"), credentials.ca);
	});
	afterEach(() => rmSync(directory, { recursive: true }));

	const configure = (config: unknown) =>
		writeFileSync(join(directory, "config.json"), JSON.stringify(config));
	const refused = (pattern: RegExp) =>
		assert.throws(
			() => readIdentity(directory),
			(error) => error instanceof IdentityError && pattern.test(error.message),
		);

	for (const name of ["host", "endpoint"]) {
		it(`is read from a folder whose endpoint is called "${name}"`, () => {
			configure({ thing: "node-1", [name]: "127.0.0.1", port: 8883 });
			assert.deepEqual(readIdentity(directory), {
				thing: "node-1",
				host: "127.0.0.1",
				port: 8883,
				credentials,
			});
		});
	}

	it("tells the node of its certificate by a fingerprint, and of its key nothing", () => {
		const identity = {
			thing: "node-1",
			host: "h",
			port: 1,
			credentials,
		};
		const told = nodeIdentity(identity);
		assert.match(told.certificateId, /^[0-9a-f]{64}$/);
		assert.deepEqual(Object.keys(told).sort(), [
			"certificateId",
			"host",
			"port",
			"thing",
		]);
	});

	it("changes its certificate's fingerprint with the certificate", async () => {
		const other = await (await TestAuthority.create("ca")).issue("node-1");
		const id = (c: Credentials) =>
			nodeIdentity({ thing: "t", host: "h", port: 1, credentials: c })
				.certificateId;
		assert.notEqual(id(credentials), id(other));
	});

	it("is refused with the file and member that is missing", () => {
		refused(/config\.json cannot be read/);
		writeFileSync(join(directory, "config.json"), "{");
		refused(/config\.json is not JSON/);
		configure({ thing: "node-1", port: 8883 });
		refused(/lacks "thing" or "host"/);
		configure({ thing: "node-1", host: "127.0.0.1" });
		refused(/lacks "port"/);
		configure({ thing: "node-1", host: "127.0.0.1", port: 8883 });
		rmSync(join(directory, "private.pem"));
		refused(/private\.pem cannot be read/);
	});
});
