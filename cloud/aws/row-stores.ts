/** The row store that a deployment has chosen. */
import {
	GetSecretValueCommand,
	SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { TimestreamWriteClient } from "@aws-sdk/client-timestream-write";
import type { RowStore } from "../core/row-ports.ts";
import { InfluxRows } from "../influxdb/influx-rows.ts";
import { influxOfSecret } from "../influxdb/influx-target.ts";
import { TimestreamRows } from "./adapters/timestream/timestream-rows.ts";
import { type RowStoreKind, readEnvironment } from "./environment.ts";

/**
 * @throws EnvironmentError, InfluxTargetError, or what Secrets Manager says: the instance does not start, and the records
 * of the stream wait
 */
export async function openRowStore(
	kind: RowStoreKind,
	environment: Readonly<Record<string, string | undefined>>,
): Promise<RowStore> {
	if (kind === "timestream") {
		const { timestreamDatabase: database, timestreamTable: table } =
			readEnvironment("rowsTimestream", environment);
		const client = new TimestreamWriteClient({});
		return new TimestreamRows({ client, database, table });
	}
	const { influxUrl, influxDatabase, influxSecretArn } = readEnvironment(
		"rowsInfluxdb",
		environment,
	);
	const secrets = new SecretsManagerClient({});
	const { SecretString = "" } = await secrets.send(
		new GetSecretValueCommand({ SecretId: influxSecretArn }),
	);
	secrets.destroy();
	return new InfluxRows(
		influxOfSecret(influxUrl, influxDatabase, SecretString),
	);
}
