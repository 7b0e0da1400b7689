/** Against a stub made of what Grafana's documentation says: see fakes/stub-grafana.ts for what that shows and what not. */
import assert from "node:assert/strict";
import { apiSource } from "./api-source.ts";
import { buildBundle } from "./bundle.ts";
import { type StubGrafana, startStubGrafana } from "./fakes/stub-grafana.ts";
import { Grafana, GrafanaError } from "./push.ts";

describe("pushing to Grafana", () => {
	let stub: StubGrafana;
	let grafana: Grafana;
	const bundle = buildBundle(
		apiSource({ url: "https://cloud.example", auth: { token: "secret" } }),
	);
	const count =
		2 + bundle.dashboards.length + (bundle.ruleGroup.rules ?? []).length;

	beforeEach(async () => {
		stub = await startStubGrafana();
		grafana = new Grafana({ url: `${stub.url}/`, token: stub.token });
	});
	afterEach(() => stub.close());

	it("makes folder, data source, dashboards and rules", async () => {
		const steps = await grafana.push(bundle);
		assert.equal(steps.length, count);
		assert.ok(steps.every(({ did }) => did === "created"));
		assert.deepEqual([...stub.folders.keys()], ["thinghz"]);
		assert.deepEqual([...stub.dataSources.keys()], ["thinghz-api"]);
		assert.deepEqual(
			[...stub.dashboards.keys()],
			bundle.dashboards.map(({ uid }) => uid),
		);
		assert.deepEqual(
			[...stub.rules.keys()],
			(bundle.ruleGroup.rules ?? []).map(({ uid }) => uid),
		);
	});

	it("brings up to date what is there when it is done again", async () => {
		await grafana.push(bundle);
		stub.folders.set("thinghz", { uid: "thinghz", title: "renamed" });
		const [rule] = stub.rules.keys();
		assert.ok(rule);
		stub.rules.set(rule, {});
		const steps = await grafana.push(bundle);
		assert.ok(steps.every(({ did }) => did === "updated"));
		assert.equal(stub.folders.get("thinghz")?.title, "thinghz");
		assert.deepEqual(
			stub.rules.get(rule),
			JSON.parse(JSON.stringify(bundle.ruleGroup.rules?.[0])),
		);
		assert.equal(stub.dashboards.get("thinghz-fleet")?.version, 2);
	});

	it("makes again what somebody has removed", async () => {
		await grafana.push(bundle);
		stub.dashboards.delete("thinghz-device");
		stub.rules.clear();
		const steps = await grafana.push(bundle);
		assert.equal(
			steps.filter(({ did }) => did === "created").length,
			1 + (bundle.ruleGroup.rules ?? []).length,
		);
	});

	it("says what it would do, and changes nothing", async () => {
		const before = await grafana.plan(bundle);
		assert.ok(before.every(({ would }) => would === "create"));
		assert.deepEqual(stub.changes, []);
		await grafana.push(bundle);
		const changes = stub.changes.length;
		const after = await grafana.plan(bundle);
		assert.equal(after.length, count);
		assert.ok(after.every(({ would }) => would === "update"));
		assert.equal(stub.changes.length, changes);
	});

	for (const [what, status, code] of [
		["refuses", 400, "refused"],
		["forbids", 403, "denied"],
		["fails at", 500, "refused"],
	] as const) {
		it(`names what Grafana ${what}, and can be done again`, async () => {
			stub.failNext = status;
			await assert.rejects(grafana.push(bundle), (error: unknown) => {
				assert.ok(error instanceof GrafanaError);
				assert.equal(error.code, code);
				assert.match(error.message, /folder "thinghz"/);
				return true;
			});
			assert.equal((await grafana.push(bundle)).length, count);
		});
	}

	it("says that the token is not let in, without showing it", async () => {
		const other = new Grafana({ url: stub.url, token: "wrong-token" });
		for (const attempt of [other.plan(bundle), other.push(bundle)]) {
			await assert.rejects(
				attempt,
				(error: unknown) =>
					error instanceof GrafanaError &&
					error.code === "denied" &&
					!error.message.includes("wrong-token"),
			);
		}
		assert.deepEqual(stub.changes, []);
	});

	it("says that nobody answers", async () => {
		await stub.close();
		await assert.rejects(
			grafana.push(bundle),
			(error: unknown) =>
				error instanceof GrafanaError && error.code === "unreachable",
		);
	});
});
