import assert from "node:assert/strict";
import { StoreError } from "../core/ports.ts";
import { fakeCloud, jsonOf, problemOf } from "./fakes/fake-cloud.ts";

interface Operation {
	readonly operationId?: string;
	readonly summary?: string;
	readonly security?: readonly object[];
	readonly parameters?: readonly {
		readonly name: string;
		readonly in: string;
		readonly required?: boolean;
		readonly description?: string;
		readonly schema?: object;
	}[];
	readonly responses: Readonly<
		Record<string, { readonly description: string; readonly content?: object }>
	>;
}

describe("the API", () => {
	it("says that it is healthy, which version it is and what time it has", async () => {
		const response = await fakeCloud().get("/v1/health");
		assert.deepEqual(await response.json(), {
			status: "ok",
			version: "1.0.0",
			time: "2026-03-01T12:00:00.000Z",
		});
	});

	it("says that it is not healthy when the store does not answer", async () => {
		const cloud = fakeCloud();
		cloud.failure = new StoreError("unavailable", "The database is closed.");
		const response = await cloud.get("/v1/health");
		assert.equal(response.status, 503);
		assert.equal((await problemOf(response)).type, "/problems/unavailable");
	});

	it("answers 404 where there is nothing", async () => {
		for (const path of ["/v1", "/v1/device", "/v1/devices/boiler/x", "/v2"]) {
			const response = await fakeCloud().get(path);
			assert.equal(response.status, 404, path);
			assert.equal((await problemOf(response)).instance, path);
		}
	});

	for (const [method, path, allow] of [
		["POST", "/v1/devices", "GET, HEAD"],
		["PUT", "/v1/devices/boiler", "DELETE, GET, HEAD"],
		["PATCH", "/v1/session", "DELETE, GET, HEAD, POST, PUT"],
		["PATCH", "/v1/openapi.json", "GET, HEAD"],
	] as const) {
		it(`answers 405 to ${method} ${path} and says what is allowed`, async () => {
			const response = await fakeCloud().get(path, { method });
			assert.equal(response.status, 405);
			assert.equal(response.headers.get("Allow"), allow);
			await problemOf(response);
		});
	}

	it("answers HEAD like GET, without a body", async () => {
		const response = await fakeCloud().get("/v1/health", { method: "HEAD" });
		assert.equal(response.status, 200);
		assert.equal(await response.text(), "");
	});

	it("answers 503 when the store cannot, and says so to whoever runs it", async () => {
		const cloud = fakeCloud();
		cloud.failure = new StoreError("disk_full", "The disk is full.");
		const response = await cloud.get("/v1/devices");
		const problem = await problemOf(response);
		assert.equal(response.status, 503);
		assert.equal(response.headers.get("Retry-After"), "1");
		assert.equal(problem.detail, "The disk is full.");
		assert.deepEqual(cloud.errors, [cloud.failure]);
	});

	it("gives nothing away of an error it had not foreseen", async () => {
		const cloud = fakeCloud();
		cloud.failure = new Error("password is hunter2");
		const response = await cloud.get("/v1/devices");
		const text = await response.text();
		assert.equal(response.status, 500);
		assert.doesNotMatch(text, /hunter2/);
		assert.deepEqual(cloud.errors, [cloud.failure]);
	});

	it("sends what keeps browsers from misusing an answer, errors included", async () => {
		for (const path of ["/v1/devices", "/v1/devices/kettle"]) {
			const { headers } = await fakeCloud().get(path);
			assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
			assert.equal(headers.get("Cache-Control"), "no-store");
			assert.match(
				headers.get("Content-Security-Policy") ?? "",
				/default-src 'none'/,
			);
			assert.equal(headers.get("Access-Control-Allow-Origin"), null);
		}
	});
});

describe("/v1/openapi.json", () => {
	async function described() {
		const cloud = fakeCloud();
		const response = await cloud.get("/v1/openapi.json", { headers: {} });
		const document = await jsonOf<{
			openapi: string;
			paths: Record<string, Record<string, Operation>>;
			components: {
				schemas: Record<string, object>;
				securitySchemes: Record<string, object>;
			};
		}>(response);
		const operations = Object.entries(document.paths).flatMap(
			([path, methods]) =>
				Object.entries(methods).map(([method, operation]) => ({
					path,
					name: `${method.toUpperCase()} ${path}`,
					operation,
				})),
		);
		return { cloud, document, operations };
	}

	it("describes every route there is, and no other", async () => {
		const { cloud, operations } = await described();
		const routes = new Set(
			cloud.app.routes
				.filter(({ method }) => method !== "ALL")
				.map(
					({ method, path }) =>
						`${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`,
				),
		);
		routes.delete("GET /v1/openapi.json");
		assert.deepEqual(
			operations.map(({ name }) => name).sort(),
			[...routes].sort(),
		);
		assert.ok(routes.size >= 11);
	});

	it("gives each operation a name, a summary, and its answers with their content", async () => {
		const { operations } = await described();
		const ids = operations.map(({ operation }) => operation.operationId);
		assert.equal(new Set(ids).size, operations.length);
		for (const { name, operation } of operations) {
			assert.ok(operation.summary, name);
			const statuses = Object.keys(operation.responses);
			assert.ok(
				statuses.some((status) => status.startsWith("2")),
				name,
			);
			assert.ok(statuses.includes("500"), name);
			for (const [status, response] of Object.entries(operation.responses)) {
				assert.ok(response.description, `${name} ${status}`);
				assert.ok(status === "204" || response.content, `${name} ${status}`);
			}
			const isOpen = /session|health/.test(name);
			assert.equal(statuses.includes("401") && !isOpen, !isOpen, name);
			assert.equal(operation.security !== undefined, !isOpen, name);
		}
	});

	it("describes every parameter, those in the path among them", async () => {
		const { operations } = await described();
		for (const { name, path, operation } of operations) {
			const parameters = operation.parameters ?? [];
			for (const parameter of parameters) {
				assert.ok(parameter.description, `${name} ${parameter.name}`);
				assert.ok(parameter.schema, `${name} ${parameter.name}`);
			}
			const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
			assert.deepEqual(
				parameters.filter((p) => p.in === "path").map((p) => p.name),
				inPath,
			);
			for (const parameter of parameters.filter((p) => p.in === "path")) {
				assert.equal(parameter.required, true);
			}
		}
	});

	it("refers only to what it holds", async () => {
		const { document } = await described();
		assert.match(document.openapi, /^3\.1\./);
		const text = JSON.stringify(document);
		for (const [, kind, name] of text.matchAll(
			/"\$ref":"#\/components\/(\w+)\/(\w+)"/g,
		)) {
			assert.equal(kind, "schemas");
			assert.ok(document.components.schemas[name ?? ""], name);
		}
		assert.deepEqual(Object.keys(document.components.securitySchemes), [
			"bearer",
			"session",
		]);
	});
});
