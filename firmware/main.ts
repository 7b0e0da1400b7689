/** Puts a node on a board. What is the same on every board starts here; a board's own entry point makes the board. */
import { type RunningNode, startNode } from "./node/node.ts";
import type { Board } from "./node/ports.ts";

/** @throws StorageError when a partition of the board is too small */
export function run(board: Board): RunningNode {
	const { board: kind, firmware, resetReason } = board.system;
	board.system.log(
		"info",
		`Firmware ${firmware} on ${kind}, after ${resetReason}.`,
	);
	return startNode(board);
}
