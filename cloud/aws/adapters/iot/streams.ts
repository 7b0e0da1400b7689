/**
 * File streams of published firmware on AWS IoT, which serves them to devices:
 * https://docs.aws.amazon.com/iot/latest/developerguide/mqtt-based-file-delivery-cli-quick-start.html
 */
import {
	CreateStreamCommand,
	DeleteStreamCommand,
	type IoTClient,
} from "@aws-sdk/client-iot";
import { firmwarePath } from "../../../core/firmware-objects.ts";
import { StoreError } from "../../../core/ports.ts";
import type { FileStreams } from "../../../core/releases/ports.ts";

export function iotStreams(options: {
	readonly client: Pick<IoTClient, "send">;
	/** Of images. */
	readonly firmwareBucket: string;
	/** The role by which AWS IoT reads them. */
	readonly firmwareRoleArn: string;
}): FileStreams {
	const { client, firmwareBucket: bucket, firmwareRoleArn: roleArn } = options;
	return {
		async make(streamId, description, files) {
			const command = new CreateStreamCommand({
				streamId,
				description,
				roleArn,
				files: files.map((key, fileId) => ({
					fileId,
					s3Location: { bucket, key: firmwarePath(key) },
				})),
			});
			await but("ResourceAlreadyExistsException", "make", () =>
				client.send(command),
			);
		},
		async remove(streamId) {
			const command = new DeleteStreamCommand({ streamId });
			await but("ResourceNotFoundException", "delete", () =>
				client.send(command),
			);
		},
	};
}

/** Leaves out the error that says that it has been done already. */
async function but(
	done: string,
	what: string,
	ask: () => Promise<unknown>,
): Promise<void> {
	try {
		await ask();
	} catch (error) {
		const { name, message } = error as Error;
		if (name === done) return;
		throw new StoreError(
			name === "ThrottlingException" ? "throttled" : "unavailable",
			`AWS IoT did not ${what} the stream: ${name}: ${message}`,
			{ cause: error },
		);
	}
}
