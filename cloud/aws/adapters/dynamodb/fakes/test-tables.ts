/**
 * A DynamoDB for tests: dynalite, in this process, on a free port of the loopback interface. It answers as AWS does where
 * it was compared with it, and lacks what our stores do without (transactions) as well as what they only benefit from: TTL
 * (nothing is ever deleted by itself), streams, the item that comes with a failed condition, indexes that lag behind,
 * throttling, and answers with keys left undone. The tests of faults make some of these up; TTL and streams stay unproven here.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
	CreateTableCommand,
	DescribeTableCommand,
	DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { createTableInput, TABLES } from "../../../tables.ts";

export interface TestTables {
	readonly url: string;
	readonly client: DynamoDBClient;
	/** Makes two empty tables. */
	fresh(): Promise<{ readonly blocks: string; readonly records: string }>;
	stop(): Promise<void>;
}

export async function startTables(): Promise<TestTables> {
	const server: Server = dynalite({ createTableMs: 0, deleteTableMs: 0 });
	await new Promise<void>((resolve) =>
		server.listen(0, "127.0.0.1", () => resolve()),
	);
	const { port } = server.address() as AddressInfo;
	// Else the SDK says on stderr that it will need Node 22 one day.
	process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
	const url = `http://127.0.0.1:${port}`;
	const client = new DynamoDBClient({
		endpoint: url,
		region: "us-east-1",
		credentials: { accessKeyId: "test", secretAccessKey: "test" },
		maxAttempts: 1,
	});
	/** A new table is there a moment after it has been asked for, and longer where the machine is busy. */
	async function untilActive(name: string): Promise<void> {
		for (;;) {
			const asked = new DescribeTableCommand({ TableName: name });
			const { Table } = await client.send(asked);
			if (Table?.TableStatus === "ACTIVE") return;
		}
	}

	let made = 0;
	return {
		url,
		client,
		async fresh() {
			const number = ++made;
			const names = {
				blocks: `blocks-${number}`,
				records: `records-${number}`,
			};
			for (const kind of ["blocks", "records"] as const) {
				await client.send(
					new CreateTableCommand(createTableInput(names[kind], TABLES[kind])),
				);
				await untilActive(names[kind]);
			}
			return names;
		},
		async stop() {
			client.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
