/** The operations of jobs that restart the node: a reboot, and the reset to what it was when it was provisioned. */
import type { ResetReason } from "../../protocol/documents.ts";
import { TIME_KEY } from "./clock.ts";
import { CONFIG_KEY } from "./config-keeper.ts";
import type { Job, Operation } from "./job.ts";
import { LIVE_KEY } from "./live-end.ts";
import type { Board, Flash } from "./ports.ts";
import type { NodeSettings } from "./settings.ts";

/** Settings key: what is to be forgotten has not all been ("1"), or could not be ("failed"). */
export const RESET_KEY = "reset";
/** What a restart that is asked for is known by, afterwards. */
const ASKED = "restart";

export interface RestartParts {
	readonly settings: NodeSettings;
	readonly resetReason: ResetReason;
	/** Ends in good order and starts the board anew. */
	restart(): void;
}

/** Restarts; done when the node has come back. */
export class Reboot implements Operation {
	readonly #parts: RestartParts;

	constructor(parts: RestartParts) {
		this.#parts = parts;
	}

	run(job: Job): void {
		if (job.kept !== null) {
			job.end("SUCCEEDED", { resetReason: this.#parts.resetReason });
			return;
		}
		// A node that did not know would restart again and again.
		const why = job.keep(ASKED);
		if (why === null) this.#parts.restart();
		else job.failNotStored(why);
	}
}

/**
 * Forgets all that the node has measured and been told: journal, checkpoints, configuration, time. The identity, with endpoint and keys,
 * stays, and so does the network it is reached by: a node that lost either would be out of reach for ever. What is sent until then is in
 * the cloud, as is the shadow `config`, which the node follows again when it is back.
 */
export class FactoryReset implements Operation {
	readonly #parts: RestartParts;

	constructor(parts: RestartParts) {
		this.#parts = parts;
	}

	run(job: Job): void {
		const { settings, restart } = this.#parts;
		if (job.kept !== null) {
			const isFailed = settings.get(RESET_KEY) !== undefined;
			if (isFailed) settings.delete(RESET_KEY);
			job.end(
				isFailed ? "FAILED" : "SUCCEEDED",
				isFailed ? { reason: "not_erased" } : {},
			);
			return;
		}
		// In this order: cut between the two, it is done again, and never taken for done.
		const why = settings.set(RESET_KEY, "1") ?? job.keep(ASKED);
		if (why === null) {
			restart();
			return;
		}
		settings.delete(RESET_KEY);
		job.failNotStored(why);
	}
}

/** At a start, before anything is read: finishes a reset that was asked for. Cut at any moment, it is done again. */
export function forgetIfAsked(board: Board, settings: NodeSettings): void {
	if (settings.get(RESET_KEY) !== "1") return;
	let outcome: string | null = null;
	try {
		erase(board, board.checkpoints);
		erase(board, board.journal);
	} catch (error) {
		board.system.log("error", `Flash cannot be erased: ${error}`);
		outcome = "failed";
	}
	for (const key of [CONFIG_KEY, LIVE_KEY, TIME_KEY]) settings.delete(key);
	if (outcome === null) settings.delete(RESET_KEY);
	else settings.set(RESET_KEY, outcome);
	board.system.log("info", "The node has been reset.");
}

function erase({ watchdog }: Board, flash: Flash): void {
	const { sizeBytes, sectorBytes } = flash;
	for (let at = 0; at < sizeBytes; at += sectorBytes) {
		// No timer turns meanwhile: a megabyte takes some ten seconds.
		watchdog?.feed();
		flash.erase(at);
	}
}
