/**
 * The dynamic thing groups of jobs that are for whoever matches a query. A group is named after its job and its query, so that who makes
 * the same job again, having been cut off, finds its own, and nobody another's. AWS keeps 100 of them at once, and no more.
 * https://docs.aws.amazon.com/iot/latest/developerguide/dynamic-thing-groups.html
 */
import { createHash } from "node:crypto";
import {
	CreateDynamicThingGroupCommand,
	DeleteDynamicThingGroupCommand,
	DescribeThingGroupCommand,
	type DescribeThingGroupCommandOutput,
	type IoTClient,
	ListThingGroupsCommand,
	type ListThingGroupsCommandOutput,
} from "@aws-sdk/client-iot";
import { JobError } from "../../../core/jobs/job.ts";
import { parseQuery } from "../../../core/jobs/query.ts";
import { fleetQuery } from "./fleet-query.ts";
import { jobErrorOf } from "./job-errors.ts";

const PREFIX = "thinghz-job-";
const HASH_DIGITS = 12;

const HINTS = {
	IndexNotReadyException:
		" Jobs for who matches need AWS IoT's index of things: `aws iot update-indexing-configuration --thing-indexing-configuration thingIndexingMode=REGISTRY`.",
	LimitExceededException:
		" AWS IoT keeps 100 groups at once, and that of a job stays until the job is deleted: delete those that have ended.",
};

/** Every operation throws JobError and StoreError. */
export class JobGroups {
	readonly #client: Pick<IoTClient, "send">;

	constructor(client: Pick<IoTClient, "send">) {
		this.#client = client;
	}

	/**
	 * Makes the group, or takes over the one that a request before has left.
	 * @param where as people write it
	 * @returns its name
	 */
	async make(jobId: string, where: string): Promise<string> {
		const queryString = fleetQuery(parseQuery(where));
		const name = `${PREFIX}${jobId}-${hashOf(queryString)}`;
		try {
			await this.#send(
				"make the group of the job's devices",
				new CreateDynamicThingGroupCommand({
					thingGroupName: name,
					queryString,
					thingGroupProperties: { thingGroupDescription: where },
				}),
			);
		} catch (error) {
			if (!(error instanceof JobError)) throw error;
			if (error.code !== "job_exists") throw error;
		}
		return name;
	}

	/** The query as people have written it; null where there is no such group. */
	async whereOf(name: string): Promise<string | null> {
		try {
			const { thingGroupProperties, queryString = "" } =
				await this.#send<DescribeThingGroupCommandOutput>(
					"read the group of the job's devices",
					new DescribeThingGroupCommand({ thingGroupName: name }),
				);
			return thingGroupProperties?.thingGroupDescription ?? queryString;
		} catch (error) {
			if (error instanceof JobError && error.code === "unknown_job")
				return null;
			throw error;
		}
	}

	/** Those that requests for a job of this id have made, and nobody has deleted. */
	async ofJob(jobId: string): Promise<readonly string[]> {
		const prefix = `${PREFIX}${jobId}-`;
		// An id may go on as the name of a group does.
		const isOfJob = (name: string) =>
			name.startsWith(prefix) &&
			/^[0-9a-f]+$/.test(name.slice(prefix.length)) &&
			name.length === prefix.length + HASH_DIGITS;
		const found: string[] = [];
		let token: string | undefined;
		do {
			const { thingGroups = [], nextToken } =
				await this.#send<ListThingGroupsCommandOutput>(
					"list groups of devices",
					new ListThingGroupsCommand({
						namePrefixFilter: prefix,
						...(token === undefined ? {} : { nextToken: token }),
					}),
				);
			for (const { groupName = "" } of thingGroups)
				if (isOfJob(groupName)) found.push(groupName);
			token = nextToken;
		} while (token !== undefined);
		return found;
	}

	/** No effect where there is none. */
	async delete(name: string): Promise<void> {
		await this.#send(
			"delete the group of the job's devices",
			new DeleteDynamicThingGroupCommand({ thingGroupName: name }),
		);
	}

	async #send<Output>(what: string, command: object): Promise<Output> {
		try {
			return (await this.#client.send(command as never)) as Output;
		} catch (error) {
			throw jobErrorOf(what, error as Error, "unknown_job", HINTS);
		}
	}
}

export function isJobGroup(name: string): boolean {
	return name.startsWith(PREFIX);
}

function hashOf(text: string): string {
	return createHash("sha256").update(text).digest("hex").slice(0, HASH_DIGITS);
}
