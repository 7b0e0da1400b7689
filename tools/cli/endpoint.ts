/** The address of an MQTT broker as people write it: `mqtts://HOST:PORT`. */
import { UsageError } from "./errors.ts";

export interface Endpoint {
	readonly host: string;
	readonly port: number;
}

/** @throws UsageError that names `option` */
export function parseEndpoint(text: string, option: string): Endpoint {
	const match =
		/^mqtts:\/\/(\[[0-9a-fA-F:]+\]|[^:/\s]+)(?::(\d{1,5}))?\/?$/.exec(text);
	const port = Number(match?.[2] ?? 8883);
	if (match?.[1] === undefined || port < 1 || port > 65_535) {
		throw new UsageError(
			`${option}: "${text}" is not an address of a broker. Write mqtts://HOST:PORT.`,
		);
	}
	return { host: match[1].replace(/^\[|\]$/g, ""), port };
}
