import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBServiceException } from "@aws-sdk/client-dynamodb";

/** How a request ends badly. */
export type Fault =
	/** DynamoDB has not done it and says so. */
	| "throttled"
	/** DynamoDB has not done it, and nobody says what happened. */
	| "unavailable"
	/** DynamoDB has done it, and its answer was lost. */
	| "lost";

/** A client of which requests fail as they are told to. */
export class FaultyClient {
	readonly #client: DynamoDBClient;
	/** Names of the commands that were sent, without "Command". */
	readonly sent: string[] = [];
	/** What is done before a request is sent; its number counts from 0 since `sent` was emptied. */
	before: (request: number) => Promise<void> = async () => undefined;
	/** What happens to a request. */
	fault: (request: number) => Fault | null = () => null;

	constructor(client: DynamoDBClient) {
		this.#client = client;
	}

	/** The part of the client that stores use. */
	get port(): Pick<DynamoDBClient, "send"> {
		const send = async (
			command: Parameters<DynamoDBClient["send"]>[0],
		): Promise<unknown> => {
			const number = this.sent.push(command.constructor.name.slice(0, -7)) - 1;
			await this.before(number);
			const fault = this.fault(number);
			if (fault === "throttled") throw exception("ThrottlingException", 400);
			if (fault === "unavailable") throw exception("InternalServerError", 500);
			const answer = await this.#client.send(command);
			if (fault === "lost") {
				throw Object.assign(new Error("The answer did not come in time."), {
					name: "TimeoutError",
				});
			}
			return answer;
		};
		return { send: send as DynamoDBClient["send"] };
	}

	/** Forgets what was sent, and lets everything through. */
	reset(): void {
		this.sent.length = 0;
		this.before = async () => undefined;
		this.fault = () => null;
	}
}

function exception(name: string, status: number): DynamoDBServiceException {
	return new DynamoDBServiceException({
		name,
		message: "Not now.",
		$fault: status < 500 ? "client" : "server",
		$metadata: { httpStatusCode: status },
	});
}
