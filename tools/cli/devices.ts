/** `thinghz devices`: what reports here, and when each was last heard. */
import type { Command } from "commander";
import { openApi } from "./api-client.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { parseTarget } from "./target.ts";

interface DeviceRow {
	readonly name: string;
	readonly online: boolean;
	/** ISO-8601, or null when it was never heard. */
	readonly lastSeen: string | null;
	readonly board: string | null;
	readonly firmware: string | null;
	readonly channels: readonly { readonly id: string }[];
}

export function addDevices(program: Command): void {
	commonOptions(
		program.command("devices").description("list the devices"),
	).action(async (options: CommonOptions) => {
		const api = await openApi(parseTarget(options.target));
		try {
			const response = await api.get("/v1/devices");
			const { devices } = (await response.json()) as {
				devices: readonly DeviceRow[];
			};
			if (options.json) return printJson(devices);
			if (devices.length === 0) {
				return printMessage(
					"No devices yet. Make one with `thinghz provision NAME`, or simulate some with `thinghz sim`.",
				);
			}
			process.stdout.write(
				formatTable(
					["name", "online", "last seen", "board", "firmware", "channels"],
					devices.map((device) => [
						device.name,
						device.online ? "yes" : "no",
						device.lastSeen ?? "never",
						device.board,
						device.firmware,
						device.channels
							.map(({ id }) => id)
							.filter((id) => !id.startsWith("health."))
							.join(", "),
					]),
				),
			);
		} finally {
			await api.close();
		}
	});
}
