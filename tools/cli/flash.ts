/** `thinghz flash`: writes bootloader, partition table, application and NVS onto a board. */
import { join } from "node:path";
import type { Command } from "commander";
import { hex } from "../../firmware/image/fields.ts";
import { readNvs } from "../../firmware/image/nvs-reader.ts";
import { kindOf } from "../../firmware/image/partition-table.ts";
import {
	type FlashPlan,
	planFlash,
	planNvs,
	readBuild,
	readTable,
} from "../esp32/flash-plan.ts";
import { flash } from "../esp32/flasher.ts";
import { choosePort, listPorts, openPort } from "../esp32/port.ts";
import { parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { readBytes } from "./files.ts";
import { formatTable, printJson, printMessage } from "./output.ts";

interface FlashCommandOptions {
	readonly port?: string;
	readonly build?: string;
	readonly nvs?: string;
	readonly nvsOnly?: boolean;
	readonly baud: string;
	readonly dryRun?: boolean;
	readonly json?: boolean;
}

/** What most USB converters hold. */
const DEFAULT_BAUD = "460800";
const CONNECT_BAUD = 115_200;

export function addFlash(program: Command): void {
	program
		.command("flash")
		.description("write the firmware, and an identity, onto a board")
		.option("--port <path>", "the serial port (default: the only one there is)")
		.option(
			"--build <dir>",
			"with bootloader.bin, partition-table.bin and xs_esp32.bin (default: where `make esp32` leaves an ESP32's)",
		)
		.option("--nvs <file>", "an image of `thinghz provision NAME --nvs`")
		.option(
			"--nvs-only",
			"write nothing but --nvs: to where --build's partition table has it, else to where that of our firmware has",
		)
		.option("--baud <rate>", "speed while writing", DEFAULT_BAUD)
		.option("--dry-run", "says what it would write where, and writes nothing")
		.option("--json", "machine-readable results on stdout")
		.action(run);
}

async function run(options: FlashCommandOptions): Promise<void> {
	const baudRate = parseWhole(options.baud, "--baud", 9600, 4_000_000);
	// What was given is judged first, and the port: a build is missing more often, and is not what was mistaken then.
	const nvs = options.nvs === undefined ? undefined : readBytes(options.nvs);
	if (nvs !== undefined) readNvs(nvs);
	const path =
		options.dryRun === true
			? null
			: choosePort(
					options.port,
					options.port === undefined ? await listPorts() : [],
				);
	const plan = planOf(options, nvs);
	if (path === null) {
		explain(plan, options.json === true);
		return;
	}
	const port = await openPort(path, CONNECT_BAUD);
	try {
		await flash(port, plan, {
			baudRate,
			onProgress: progressTeller(),
			...(options.json ? {} : { onMessage: printMessage }),
		});
	} finally {
		if (!port.stream.destroyed) await port.close();
	}
	if (options.json) {
		printJson({ ...describe(plan), port: path, written: true });
		return;
	}
	printMessage(
		`${plan.app === null ? "The identity" : `${plan.app.project} ${plan.app.version}`} is on the ${plan.chip ?? "board"} at ${path}. Its log: \`thinghz monitor --port ${path}\`.`,
	);
}

/** @throws UsageError, BoardError, FlashFormatError */
function planOf(
	{ build, nvsOnly }: FlashCommandOptions,
	nvs: Uint8Array | undefined,
): FlashPlan {
	if (nvsOnly !== true)
		return planFlash({ ...readBuild(build ?? defaultBuild()), nvs });
	if (nvs === undefined)
		throw new UsageError("--nvs-only: name the image by --nvs FILE.");
	return planNvs(nvs, build === undefined ? null : readTable(build));
}

function defaultBuild(): string {
	const sdk = process.env.MODDABLE;
	if (sdk === undefined)
		throw new UsageError(
			"Name the folder of the build by --build: MODDABLE is not set, below which `make esp32` leaves it.",
		);
	return join(sdk, "build/bin/esp32/release/thinghz");
}

/** A line for each tenth of each part. */
function progressTeller() {
	let told = "";
	return ({
		what,
		share,
	}: {
		readonly what: string;
		readonly share: number;
	}) => {
		const line = `${what}: ${Math.floor(share * 10) * 10} %`;
		if (line !== told) printMessage(line);
		told = line;
	};
}

function describe(plan: FlashPlan) {
	const { chip, app, partitions, writes, nvs } = plan;
	return {
		chip,
		app:
			app === null
				? null
				: {
						project: app.project,
						version: app.version,
						securityVersion: app.secureVersion,
						idfVersion: app.idfVersion,
					},
		writes: writes.map(({ what, offset, bytes, sha256, roomBytes }) => ({
			what,
			offset,
			sizeBytes: bytes.length,
			roomBytes,
			sha256,
		})),
		partitions: partitions.map((partition) => ({
			label: partition.label,
			kind: kindOf(partition),
			offset: partition.offset,
			sizeBytes: partition.sizeBytes,
		})),
		// Never the values: a key is among them.
		nvs:
			nvs?.map(({ namespace, key, type }) => ({ namespace, key, type })) ??
			null,
	};
}

function explain(plan: FlashPlan, asJson: boolean): void {
	const described = describe(plan);
	if (asJson) {
		printJson({ ...described, written: false });
		return;
	}
	const { app, chip } = described;
	const nvs =
		described.nvs === null
			? "NVS stays as it is on the board.\n"
			: formatTable(
					["NVS namespace", "key", "type"],
					described.nvs.map(({ namespace, key, type }) => [
						namespace,
						key,
						type,
					]),
				);
	const what =
		app === null
			? "An identity alone"
			: `${app.project} ${app.version} for ${chip}, made with ESP-IDF ${app.idfVersion}`;
	process.stdout.write(`${what}. Nothing is written.

${formatTable(
	["what", "offset", "bytes", "room", "SHA-256"],
	described.writes.map(({ what, offset, sizeBytes, roomBytes, sha256 }) => [
		what,
		hex(offset),
		sizeBytes,
		roomBytes,
		sha256.slice(0, 16),
	]),
)}
${formatTable(
	["partition", "kind", "offset", "bytes"],
	described.partitions.map(({ label, kind, offset, sizeBytes }) => [
		label,
		kind,
		hex(offset),
		sizeBytes,
	]),
)}
${nvs}`);
}
