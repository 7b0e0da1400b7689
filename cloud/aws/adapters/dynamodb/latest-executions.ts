/** Devices' latest job executions on DynamoDB: one item a device, beside the device's own, so that a write of that stays small. */
import type {
	LatestExecution,
	LatestExecutionStore,
} from "../../../core/jobs/latest.ts";
import { DEVICES, isDevice } from "./devices.ts";
import { json, type Table } from "./table.ts";

const EXECUTIONS = "executions";

export function dynamoLatestExecutions(table: Table): LatestExecutionStore {
	return {
		async get(device) {
			const [owner, item] = await Promise.all([
				table.get({ partition: DEVICES, sort: device }),
				table.get({ partition: EXECUTIONS, sort: device }),
			]);
			if (!isDevice(owner)) return null;
			return item === null ? [] : json<LatestExecution[]>(item, "executions");
		},
		async replace(device, known, executions) {
			const owner = await table.get({ partition: DEVICES, sort: device });
			if (!isDevice(owner)) return false;
			const put = await table.putIf(
				{
					p: { S: EXECUTIONS },
					s: { S: device },
					executions: { S: JSON.stringify(executions) },
				},
				known.length === 0
					? { expression: "attribute_not_exists(p)" }
					: {
							expression: "executions = :known",
							values: { ":known": { S: JSON.stringify(known) } },
						},
			);
			return put.done;
		},
	};
}
