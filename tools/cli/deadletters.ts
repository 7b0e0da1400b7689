/** `thinghz deadletters`: what arrived and could not be taken in, with the reason. */
import type { Command } from "commander";
import { openApi } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseWhole } from "./duration.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { parseTarget } from "./target.ts";

interface DeadLetterOptions extends CommonOptions {
	readonly limit: string;
}

interface DeadLetterRow {
	readonly id: number;
	/** Who sent it. */
	readonly device: string;
	readonly topic: string;
	readonly reason: string;
	readonly detail: string;
	/** ISO-8601 */
	readonly received: string;
	/** The message as it came, base64. */
	readonly bytes: string;
}

export function addDeadLetters(program: Command): void {
	commonOptions(
		program
			.command("deadletters")
			.description("list what arrived and could not be taken in, newest first")
			.option("--limit <count>", "at most so many, up to 500", "50"),
	).action(async (options: DeadLetterOptions) => {
		const limit = parseWhole(options.limit, "--limit", 1, 500);
		const api = await openApi(parseTarget(options.target));
		try {
			const response = await api.get(`/v1/deadletters?limit=${limit}`);
			const { deadLetters } = (await response.json()) as {
				deadLetters: readonly DeadLetterRow[];
			};
			if (options.json) return printJson(deadLetters);
			if (deadLetters.length === 0) return printMessage("No dead letters.");
			process.stdout.write(
				formatTable(
					["received", "device", "reason", "bytes", "detail"],
					deadLetters.map((letter) => [
						letter.received,
						letter.device,
						letter.reason,
						Buffer.from(letter.bytes, "base64").length,
						letter.detail,
					]),
				),
			);
		} finally {
			await api.close();
		}
	});
}
