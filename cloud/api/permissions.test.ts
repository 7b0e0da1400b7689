import assert from "node:assert/strict";
import { OpenAPIHono } from "@hono/zod-openapi";
import { UnknownDevice } from "../core/errors.ts";
import { ROLES, type Role } from "../core/people.ts";
import type { AuthEnv } from "./auth.ts";
import {
	BOILER,
	type FakeCloud,
	fakeCloud,
	jsonOf,
	NEW_DEVICE,
	type ProblemDocument,
} from "./fakes/fake-cloud.ts";
import { assertPermissions, type Permission } from "./permissions.ts";

/** What each operation needs, said a second time: whoever adds one or changes what it needs says so here, too. */
const NEEDED: Readonly<Record<string, Permission>> = {
	getHealth: "anyone",
	getSession: "anyone",
	signIn: "anyone",
	renewSession: "anyone",
	signOut: "anyone",
	listDevices: "viewer",
	getDevice: "viewer",
	listDeviceJobs: "viewer",
	listDeviceLogs: "viewer",
	listDeviceCrashes: "viewer",
	listCrashes: "viewer",
	replaceTags: "operator",
	createJob: "operator",
	listJobs: "operator",
	getJob: "operator",
	getJobExecution: "operator",
	listJobExecutions: "operator",
	cancelJob: "operator",
	deleteJob: "operator",
	listFirmware: "operator",
	setUpdateKey: "operator",
	prepareFirmware: "operator",
	uploadFirmware: "operator",
	publishFirmware: "operator",
	getFirmware: "operator",
	withdrawFirmware: "operator",
	getFleet: "viewer",
	getReadings: "viewer",
	getBlocks: "viewer",
	getAggregate: "viewer",
	listShadows: "viewer",
	getClassicShadow: "viewer",
	updateClassicShadow: "operator",
	deleteClassicShadow: "operator",
	getShadow: "viewer",
	updateShadow: "operator",
	deleteShadow: "operator",
	streamLive: "viewer",
	listDeadLetters: "operator",
	redriveDeadLetters: "operator",
	removeDevice: "admin",
	listClaims: "admin",
	allowClaims: "admin",
	revokeClaim: "admin",
	listAlerts: "viewer",
	listAlertEvents: "viewer",
	listAlertRules: "operator",
	createAlertRule: "operator",
	getAlertRule: "operator",
	replaceAlertRule: "operator",
	deleteAlertRule: "operator",
	testAlertRule: "operator",
	getPushKey: "viewer",
	listPushSubscriptions: "viewer",
	subscribePush: "viewer",
	unsubscribePush: "viewer",
};

const HIDDEN = { ...NEW_DEVICE, name: "hidden-cellar" };
const UNKNOWN = "hidden-garret";

interface Described {
	readonly operationId: string;
	readonly parameters?: readonly {
		readonly name: string;
		readonly in: string;
		readonly required?: boolean;
		readonly schema?: { readonly example?: unknown };
		readonly example?: unknown;
	}[];
	readonly responses: Readonly<Record<string, unknown>>;
}

interface Operation extends Described {
	readonly method: string;
	readonly path: string;
}

/** A viewer may see `boiler`, nobody has shared `hidden-cellar` with them, and `hidden-garret` does not exist. */
function cloudWithHidden(): FakeCloud {
	const known = [BOILER, HIDDEN];
	return fakeCloud({
		devices: {
			list: async () => known,
			async get(name) {
				const device = known.find((one) => one.name === name);
				if (device === undefined) throw new UnknownDevice(name);
				return device;
			},
		},
	});
}

async function describedOperations(): Promise<readonly Operation[]> {
	const response = await fakeCloud().get("/v1/openapi.json");
	const { paths } = await jsonOf<{
		paths: Record<string, Record<string, Described>>;
	}>(response);
	return Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({
			...operation,
			method: method.toUpperCase(),
			path,
		})),
	);
}

/** A request that is right in all but, maybe, its body. */
function request(
	cloud: FakeCloud,
	{ method, path, parameters = [] }: Operation,
	role: Role | "reader" | null,
	device: string,
	query: Readonly<Record<string, string>> = {},
): Promise<Response> {
	const search = new URLSearchParams(query);
	for (const parameter of parameters) {
		if (parameter.in === "query" && parameter.required) {
			const example = parameter.schema?.example ?? parameter.example;
			search.set(parameter.name, String(example));
		}
	}
	const url = `${path.replace("{name}", device).replaceAll(/\{\w+\}/g, "1")}?${search}`;
	const hasBody = method === "POST" || method === "PUT" || method === "PATCH";
	const init = {
		method,
		...(hasBody
			? { body: "{}", headers: { "Content-Type": "application/json" } }
			: {}),
	};
	if (role === null) return Promise.resolve(cloud.app.request(url, init));
	return cloud.getAs(role, url, init);
}

/** What a response says; of a stream, what it says at first. */
async function textOf(cloud: FakeCloud, response: Response): Promise<string> {
	const type = response.headers.get("content-type") ?? "";
	if (!type.startsWith("text/event-stream")) return response.text();
	const reader = response.body!.getReader();
	const decoder = new TextDecoder();
	let text = "";
	for (let reads = 0; reads < 4; reads++) {
		text += decoder.decode((await reader.read()).value, { stream: true });
		cloud.hub.publish({ type: "device", ...GONE, thing: HIDDEN.name });
		cloud.hub.publish({ type: "device", ...GONE, thing: BOILER.name });
	}
	await reader.cancel();
	assert.match(text, /ready[\s\S]*boiler/);
	return text;
}

const GONE = { online: false, lastSeenMs: null } as const;

async function problemTypeOf(response: Response): Promise<string | null> {
	const type = response.headers.get("content-type");
	if (type !== "application/problem+json") return null;
	return (await jsonOf<ProblemDocument>(response.clone())).type;
}

/** Where somebody was let in: whatever else the operation then had to say. */
async function assertLetIn(response: Response, what: string): Promise<void> {
	const type = await problemTypeOf(response);
	assert.ok(![403, 500].includes(response.status), what);
	assert.notEqual(type, "/problems/not_signed_in", what);
	assert.notEqual(type, "/problems/unknown_device", what);
}

function mayDo(role: Role, needed: Permission): boolean {
	return needed === "anyone" || ROLES.indexOf(role) <= ROLES.indexOf(needed);
}

describe("permissions", () => {
	let operations: readonly Operation[];

	before(async () => {
		operations = await describedOperations();
	});

	it("have been thought of for every operation that is described", () => {
		assert.deepEqual(
			operations.map(({ operationId }) => operationId).sort(),
			Object.keys(NEEDED).sort(),
		);
	});

	for (const [operationId, needed] of Object.entries(NEEDED)) {
		const operation = (): Operation =>
			operations.find((one) => one.operationId === operationId)!;

		it(`let ${needed === "anyone" ? "anyone" : `nobody who is not signed in`} call ${operationId}`, async () => {
			const response = await request(
				cloudWithHidden(),
				operation(),
				null,
				"boiler",
			);
			if (needed === "anyone") {
				assert.ok(
					response.status !== 401 || /signIn|renewSession/.test(operationId),
				);
				assert.notEqual(response.status, 403);
			} else {
				assert.equal(response.status, 401);
				assert.ok("401" in operation().responses);
			}
		});

		for (const role of ROLES) {
			if (!mayDo(role, needed)) {
				it(`refuse ${operationId} to the role ${role}, whatever device it names`, async () => {
					for (const device of [BOILER.name, HIDDEN.name, UNKNOWN]) {
						const cloud = cloudWithHidden();
						const response = await request(cloud, operation(), role, device);
						assert.equal(response.status, 403);
						assert.equal(await problemTypeOf(response), "/problems/forbidden");
						assert.deepEqual(cloud.asked, []);
					}
					assert.ok("403" in operation().responses);
				});
				continue;
			}
			it(`allow ${operationId} to the role ${role}, for devices that it may see`, async () => {
				const cloud = cloudWithHidden();
				const { path, parameters = [] } = operation();
				const isOfDevice = path.startsWith("/v1/devices/{name}");
				const names = role === "viewer" ? [BOILER] : [BOILER, HIDDEN];
				for (const { name } of names) {
					const response = await request(cloud, operation(), role, name);
					await assertLetIn(response, name);
					if (role === "viewer") {
						const text = await textOf(cloud, response);
						assert.doesNotMatch(text, /hidden/);
					} else await response.body?.cancel();
				}
				const takesDevice = parameters.some(({ name }) => name === "device");
				for (const device of [HIDDEN.name, UNKNOWN]) {
					if (device === HIDDEN.name && role !== "viewer") continue;
					const ask = async (query: Record<string, string>) => {
						const response = await request(
							cloud,
							operation(),
							role,
							device,
							query,
						);
						assert.equal(
							await problemTypeOf(response),
							"/problems/unknown_device",
							`${device} ${JSON.stringify(query)}`,
						);
						const problem = await jsonOf<ProblemDocument>(response);
						assert.equal(problem.detail, `There is no device named ${device}.`);
					};
					if (isOfDevice) await ask({});
					// Dead letters may be of things that are no devices.
					if (takesDevice && role === "viewer") await ask({ device });
				}
			});
		}
	}

	it("let a program that only reads see every device, as a viewer does, and change nothing", async () => {
		for (const operation of operations) {
			const needed = NEEDED[operation.operationId];
			if (needed === "anyone") continue;
			const { operationId, method } = operation;
			for (const device of [BOILER.name, HIDDEN.name]) {
				const cloud = cloudWithHidden();
				const response = await request(cloud, operation, "reader", device);
				if (needed === "viewer" && method === "GET") {
					await assertLetIn(response, operationId);
					await response.body?.cancel();
				} else {
					assert.equal(response.status, 403, operationId);
					assert.equal(await problemTypeOf(response), "/problems/forbidden");
					assert.deepEqual(cloud.asked, []);
				}
			}
		}
	});

	it("tell a program that only reads that this is why it may not subscribe", async () => {
		const response = await cloudWithHidden().getAs(
			"reader",
			"/v1/push/subscriptions/1",
			{ method: "DELETE" },
		);
		const { detail } = await jsonOf<ProblemDocument>(response);
		assert.match(detail, /changes something.*for reading alone/);
	});

	it("keep an API from being made that has an operation which nobody has thought of", () => {
		const app = new OpenAPIHono<AuthEnv>();
		app.get("/v1/health", (c) => c.text(""));
		assertPermissions(app);
		app.get("/v1/secrets/:id", (c) => c.text("secret"));
		assert.throws(
			() => assertPermissions(app),
			/who may call GET \/v1\/secrets\/\{id\}/,
		);
	});

	it("hold for HEAD as for GET", async () => {
		const cloud = cloudWithHidden();
		const init = { method: "HEAD" };
		const path = `/v1/devices/${HIDDEN.name}`;
		assert.equal((await cloud.getAs("operator", path, init)).status, 200);
		assert.equal((await cloud.getAs("viewer", path, init)).status, 404);
		const dead = await cloud.getAs("viewer", "/v1/deadletters", init);
		assert.equal(dead.status, 403);
		assert.equal((await cloud.app.request(path, init)).status, 401);
	});

	it("take a device's name as the path says it, however it is written", async () => {
		const cloud = cloudWithHidden();
		for (const written of ["hidden%2Dcellar", "hidden-cella%72"]) {
			const viewer = await cloud.getAs("viewer", `/v1/devices/${written}`);
			assert.equal(viewer.status, 404);
			const admin = await cloud.getAs("admin", `/v1/devices/${written}`);
			assert.equal(admin.status, 200);
		}
		const boiler = await cloud.getAs("viewer", "/v1/devices/b%6Filer");
		assert.equal(boiler.status, 200);
		for (const path of [
			"/v1//devices/hidden-cellar",
			"/v1/devices//hidden-cellar",
			"/v1/devices/boiler/../hidden-cellar/blocks",
			"/v1/devices/boiler%2F..%2Fhidden-cellar",
			"/V1/devices/hidden-cellar",
		]) {
			const response = await cloud.getAs("viewer", path);
			assert.ok([400, 404].includes(response.status), path);
			assert.doesNotMatch(await response.text(), /"channels"/);
		}
	});

	it("list to a viewer what was shared with them and exists, by name", async () => {
		const cloud = cloudWithHidden();
		await cloud.grants.grant("viewer", HIDDEN.name);
		await cloud.grants.grant("viewer", UNKNOWN);
		const names = async (role: Role) => {
			const response = await cloud.getAs(role, "/v1/devices");
			const { devices } = await jsonOf<{ devices: { name: string }[] }>(
				response,
			);
			return devices.map(({ name }) => name);
		};
		assert.deepEqual(await names("viewer"), ["boiler", "hidden-cellar"]);
		await cloud.grants.revoke("viewer", "boiler");
		assert.deepEqual(await names("viewer"), ["hidden-cellar"]);
		assert.deepEqual(await names("operator"), ["boiler", "hidden-cellar"]);
	});
});
