/**
 * A stand-in for CloudFormation's DescribeStacks, made from its API reference (AWS Query protocol, answers in XML), for want
 * of an account. https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface CloudFormation {
	readonly url: string;
	/** The outputs of each stack that is there. */
	readonly stacks: Map<string, Readonly<Record<string, string>>>;
	close(): Promise<void>;
}

export async function startCloudFormation(): Promise<CloudFormation> {
	const stacks: CloudFormation["stacks"] = new Map();
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => chunks.push(chunk));
		request.on("end", () => {
			const form = new URLSearchParams(Buffer.concat(chunks).toString());
			const name = form.get("StackName") ?? "";
			const outputs = stacks.get(name);
			response.writeHead(outputs === undefined ? 400 : 200, {
				"content-type": "text/xml",
			});
			response.end(
				outputs === undefined
					? `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id ${name} does not exist</Message></Error><RequestId>1</RequestId></ErrorResponse>`
					: describe(name, outputs),
			);
		});
	});
	await new Promise<void>((resolve) => {
		server.listen(0, "127.0.0.1", resolve);
	});
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		stacks,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

function describe(
	name: string,
	outputs: Readonly<Record<string, string>>,
): string {
	const members = Object.entries(outputs)
		.map(
			([key, value]) =>
				`<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
		)
		.join("");
	return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>${name}</StackName><CreationTime>2026-11-25T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members}</Outputs></member></Stacks></DescribeStacksResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeStacksResponse>`;
}
