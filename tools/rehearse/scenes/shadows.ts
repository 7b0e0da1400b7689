/** What a device should be, set over the API: by its function in IoT's data plane, which keeps shadows on AWS. */
import { makeBlocks } from "../blocks.ts";
import { isObject } from "../json.ts";
import type { Stage } from "../stage.ts";

const THING = "boiler";
const PATH = `/v1/devices/${THING}/shadows/config`;

export async function shadows(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	await stage.makeThing(THING);
	const [block = new Uint8Array()] = makeBlocks(32, 1).payloads;
	stage.publishBlock(THING, block);
	await world.settle();
	const operator = await stage.token({ subject: "olga", groups: ["operator"] });
	const viewer = await stage.token({ subject: "vera", groups: ["viewer"] });
	const set = (token: string, version?: number) =>
		stage.send("PATCH", PATH, token, {
			state: { desired: { blockSpanMs: 60_000 } },
			...(version === undefined ? {} : { version }),
		});

	const none = await stage.get(PATH, operator);
	transcript.equal(none.status, 404, "a shadow that nobody has made: 404");
	transcript.equal((await set(viewer)).status, 403, "a viewer sets none: 403");
	transcript.equal(
		(await set(operator)).status,
		200,
		"an operator sets how long its blocks are",
	);
	const { json } = await stage.get(PATH, operator);
	transcript.equal(
		isObject(json) && isObject(json.state) ? json.state.desired : json,
		{ blockSpanMs: 60_000 },
		"IoT's data plane, which the API's function may ask, has it",
	);
	transcript.equal(
		(await set(operator, 7)).status,
		409,
		"by a version that it does not have, nothing is set: 409",
	);
	const list = await stage.get(`/v1/devices/${THING}/shadows`, operator);
	transcript.check(
		list.status === 200 && list.body.toString().includes("config"),
		"it is among the device's shadows",
		list.json,
	);
}
