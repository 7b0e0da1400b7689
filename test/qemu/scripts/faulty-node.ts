/** The firmware, which a second and a half after a start does what the setting "fault" says, once. */
import type { VirtualBoard } from "../../../firmware/boards/virtual/xs/board.ts";
import { bootWith } from "../../../firmware/boards/virtual/xs/boot.ts";
import { host } from "../../../firmware/boards/virtual/xs/host.ts";
import { run } from "../../../firmware/main.ts";

const FAULTS: Readonly<Record<string, () => void>> = {
	memory: () => {
		for (const all: object[] = []; ; ) all.push({});
	},
	chunks: () => {
		for (const all: ArrayBuffer[] = []; ; ) all.push(new ArrayBuffer(5000));
	},
	stack: () => {
		(function deeper(): number {
			return 1 + deeper();
		})();
	},
	nesting: () => {
		JSON.parse("[".repeat(20_000));
	},
	instruction: () => host.fault("instruction"),
	load: () => host.fault("load"),
	store: () => host.fault("store"),
	endless: () => {
		for (;;);
	},
	exception: () => {
		throw new Error("as told");
	},
};

bootWith((board: VirtualBoard) => {
	const fault = board.settings.get("fault");
	if (fault !== undefined) {
		board.settings.delete("fault");
		board.timers.set(() => FAULTS[fault]?.(), 1500);
	}
	return run(board);
});
