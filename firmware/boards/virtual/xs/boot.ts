/** The XS side of the channel: makes a board when told to boot, and gives it its turns. */
import { ExitCode } from "../wire.ts";
import { decodeEvent } from "../wire-codec.ts";
import { VirtualBoard } from "./board.ts";
import { host, post, utf8 } from "./host.ts";

/** What runs on a board; `stop` ends it in good order. */
export interface Running {
	applyConfig?(text: string): unknown;
	stop?(done: () => void): void;
}

export function bootWith(start: (board: VirtualBoard) => Running): void {
	let board: VirtualBoard | undefined;
	let running: Running | undefined;
	host.onMessage = (message) => {
		const { uptimeMs, event } = decodeEvent(utf8, new Uint8Array(message));
		board?.timers.advance(uptimeMs);
		if (event.op === "boot") {
			board = new VirtualBoard(JSON.parse(event.json));
			board.timers.advance(uptimeMs);
			running = start(board);
		} else if (event.op === "config") {
			running?.applyConfig?.(event.text);
		} else if (event.op === "stop") {
			const end = () => host.exit(ExitCode.STOPPED);
			if (running?.stop === undefined) end();
			else running.stop(end);
		} else {
			board?.turn(event);
		}
	};
	host.onIdle = () => {
		post({ op: "idle", deadlineMs: board?.timers.deadlineMs ?? null });
	};
}
