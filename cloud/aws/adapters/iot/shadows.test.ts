/** Against a stand-in for AWS IoT's data plane made from its API reference: no account was at hand. */
import assert from "node:assert/strict";
import { IoTDataPlaneClient } from "@aws-sdk/client-iot-data-plane";
import { shadowRegistryContract } from "../../../core/contracts/shadow-registry.ts";
import { StoreError } from "../../../core/ports.ts";
import { ShadowError } from "../../../core/shadows/errors.ts";
import {
	type IotDataPlane,
	startIotDataPlane,
} from "../../fakes/iot-data-plane.ts";
import { IotShadows } from "./shadows.ts";

describe("AWS IoT's data plane", () => {
	const open: { plane: IotDataPlane; client: IoTDataPlaneClient }[] = [];

	afterEach(async () => {
		for (const { plane, client } of open.splice(0)) {
			client.destroy();
			await plane.close();
		}
	});

	async function make() {
		const plane = await startIotDataPlane();
		const client = new IoTDataPlaneClient({
			region: "us-east-1",
			endpoint: plane.url,
			credentials: { accessKeyId: "test", secretAccessKey: "test" },
			maxAttempts: 1,
		});
		open.push({ plane, client });
		return { plane, shadows: new IotShadows(client) };
	}

	shadowRegistryContract("AWS IoT", async () => (await make()).shadows);

	it("is asked for the classic shadow without a name, and for others by theirs", async () => {
		const { plane, shadows } = await make();
		await shadows.update("boiler", "", { state: { desired: { a: 1 } } });
		await shadows.get("boiler", "");
		await shadows.update("boiler", "a:b", { state: { desired: { a: 1 } } });
		await shadows.delete("boiler", "a:b");
		assert.deepEqual(plane.asked, [
			"POST /things/boiler/shadow",
			"GET /things/boiler/shadow",
			"POST /things/boiler/shadow?name=a%3Ab",
			"DELETE /things/boiler/shadow?name=a%3Ab",
		]);
	});

	for (const [error, status] of [
		["ThrottlingException", 429],
		["UnauthorizedException", 401],
		["InternalFailureException", 500],
		["ServiceUnavailableException", 503],
	] as const) {
		it(`that answers ${error} leaves us without an answer`, async () => {
			const { plane, shadows } = await make();
			plane.failNext(status, error);
			await assert.rejects(shadows.get("boiler", "config"), (thrown) => {
				assert.ok(thrown instanceof StoreError);
				assert.match(thrown.message, new RegExp(`${error}.*injected`));
				return true;
			});
		});
	}

	it("that refuses a request says why", async () => {
		const { plane, shadows } = await make();
		plane.failNext(400, "InvalidRequestException");
		await assert.rejects(
			shadows.update("boiler", "config", { state: {} }),
			(thrown) => {
				assert.ok(thrown instanceof ShadowError);
				assert.deepEqual([thrown.status, thrown.message], [400, "injected"]);
				return true;
			},
		);
	});

	it("that cannot be reached leaves us without an answer", async () => {
		const { plane, shadows } = await make();
		await plane.close();
		open.length = 0;
		await assert.rejects(shadows.names("boiler"), StoreError);
	});

	describe("where a thing is taken out", () => {
		const NAMES = ["", "config", "display", "x"];

		/** Two things with shadows, in more than one page of them; `failAt` lets a request fail before it leaves, by its number from 1. */
		async function makeThings() {
			const { plane, shadows } = await make();
			for (const thing of ["boiler", "boiler-2"]) {
				for (const name of NAMES)
					await shadows.update(thing, name, { state: { desired: { a: 1 } } });
			}
			const client = open.at(-1)!.client;
			const failing = { at: 0, sent: 0 };
			const send = async (command: object) => {
				if (++failing.sent === failing.at) {
					throw Object.assign(new Error("injected"), {
						name: "ThrottlingException",
					});
				}
				return client.send(command as never);
			};
			const remover = new IotShadows({ send } as never);
			return { plane, shadows, remover, failing };
		}

		async function assertGone(shadows: IotShadows): Promise<void> {
			assert.deepEqual(await shadows.names("boiler"), []);
			await assert.rejects(shadows.get("boiler", ""), { status: 404 });
			assert.equal((await shadows.names("boiler-2")).length, 3);
			assert.equal((await shadows.get("boiler-2", "")).version, 1);
		}

		it("all of its shadows go, the classic one and those of every page, and nobody else's", async () => {
			const { shadows, remover } = await makeThings();
			await remover.removeThing("boiler");
			await assertGone(shadows);
		});

		it("nothing happens where there are none, also the second time", async () => {
			const { shadows, remover } = await makeThings();
			await remover.removeThing("nobody");
			await remover.removeThing("boiler");
			await remover.removeThing("boiler");
			await assertGone(shadows);
		});

		it("asking again does the rest, whichever request fails", async () => {
			const { shadows, remover, failing } = await makeThings();
			await remover.removeThing("boiler");
			const requests = failing.sent;
			assert.equal(requests, 2 + NAMES.length);
			for (let at = 1; at <= requests; at++) {
				for (const name of NAMES)
					await shadows.update("boiler", name, { state: { desired: { at } } });
				Object.assign(failing, { at, sent: 0 });
				await assert.rejects(
					remover.removeThing("boiler"),
					(thrown) =>
						thrown instanceof StoreError &&
						thrown.code === "unavailable" &&
						/injected/.test(thrown.message),
				);
				await remover.removeThing("boiler");
				await assertGone(shadows);
			}
		});

		it("a shadow that somebody else deletes meanwhile is none to stop at, and one that may not be deleted is", async () => {
			const { plane, shadows, remover } = await makeThings();
			plane.failNext(403, "ForbiddenException");
			await assert.rejects(remover.removeThing("boiler"), StoreError);
			await shadows.delete("boiler", "");
			await remover.removeThing("boiler");
			await assertGone(shadows);
		});
	});
});
