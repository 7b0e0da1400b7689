/** The node of the virtual boards, with what it executes charged to its parts. Runs on XS; `marked-build.ts` bundles it. */
import { VirtualBoard } from "../../firmware/boards/virtual/xs/board.ts";
import { bootWith } from "../../firmware/boards/virtual/xs/boot.ts";
import { run } from "../../firmware/main.ts";
import { chargeToCaller } from "./marks.ts";

type Call = (a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown;

/** Callbacks handed to the board belong to who hands them over. */
function chargeCallbacks(board: VirtualBoard): void {
	const { timers, network, time } = board;
	const set = timers.set.bind(timers);
	timers.set = (callback, delayMs) =>
		set(chargeToCaller(callback as Call), delayMs);
	const request = time.request.bind(time);
	time.request = (callback) => request(chargeToCaller(callback as Call));
	const connect = network.connect.bind(network);
	network.connect = (options) =>
		connect({
			...options,
			onReadable: chargeToCaller(options.onReadable as Call),
			onWritable: chargeToCaller(options.onWritable as Call),
			onControl: chargeToCaller(options.onControl as Call),
			onError: chargeToCaller(options.onError as Call),
		});
}

bootWith((board) => {
	if (board instanceof VirtualBoard) chargeCallbacks(board);
	return run(board);
});
