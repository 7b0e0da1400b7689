/** The requests are what AWS's API reference says of CreateStream and DeleteStream; AWS itself is not asked. */
import assert from "node:assert/strict";
import {
	CreateStreamCommand,
	DeleteStreamCommand,
	type IoTClient,
} from "@aws-sdk/client-iot";
import { StoreError } from "../../../core/ports.ts";
import { iotStreams } from "./streams.ts";

const ROLE = "arn:aws:iam::123456789012:role/reads";

function iot(refusal: string | null = null) {
	const asked: object[] = [];
	const send = async (command: object) => {
		asked.push(command);
		if (refusal === null) return {};
		throw Object.assign(new Error("No."), { name: refusal });
	};
	return {
		asked,
		streams: iotStreams({
			client: { send } as unknown as IoTClient,
			firmwareBucket: "images",
			firmwareRoleArn: ROLE,
		}),
	};
}

describe("File streams on AWS IoT", () => {
	const files = ["a", "b"].map((file) => ({
		version: "1.2.0",
		board: "esp32c3",
		file,
	}));

	it("are made of the bucket's objects, the first of which is file 0", async () => {
		const { streams, asked } = iot();
		await streams.make("thinghz-1", "node 1.2.0", files);
		const [made] = asked;
		assert.ok(made instanceof CreateStreamCommand);
		assert.deepEqual(made.input, {
			streamId: "thinghz-1",
			description: "node 1.2.0",
			roleArn: ROLE,
			files: [
				{
					fileId: 0,
					s3Location: { bucket: "images", key: "1.2.0/esp32c3/a" },
				},
				{
					fileId: 1,
					s3Location: { bucket: "images", key: "1.2.0/esp32c3/b" },
				},
			],
		});
	});

	it("are deleted", async () => {
		const { streams, asked } = iot();
		await streams.remove("thinghz-1");
		const [deleted] = asked;
		assert.ok(deleted instanceof DeleteStreamCommand);
		assert.deepEqual(deleted.input, { streamId: "thinghz-1" });
	});

	it("that are there, or are not, need not be made or deleted", async () => {
		await iot("ResourceAlreadyExistsException").streams.make("s", "d", files);
		await iot("ResourceNotFoundException").streams.remove("s");
	});

	for (const [name, reason] of [
		["ThrottlingException", "throttled"],
		["UnauthorizedException", "unavailable"],
		["InvalidRequestException", "unavailable"],
	] as const) {
		it(`that AWS IoT does not make (${name}) are told as ${reason}`, async () => {
			const { streams } = iot(name);
			const isTold = (error: unknown) =>
				error instanceof StoreError &&
				error.code === reason &&
				error.message.includes(name);
			await assert.rejects(streams.make("s", "d", files), isTold);
			await assert.rejects(streams.remove("s"), isTold);
		});
	}
});
