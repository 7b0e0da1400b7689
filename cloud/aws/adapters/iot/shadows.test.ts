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
});
