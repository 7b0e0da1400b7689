/** The firmware, whose reading of time is spent on mark 3. */
import { bootWith } from "../../../firmware/boards/virtual/xs/boot.ts";
import { host } from "../../../firmware/boards/virtual/xs/host.ts";
import { run } from "../../../firmware/main.ts";

bootWith((board) => {
	const { timers } = board;
	const uptimeMs = timers.uptimeMs.bind(timers);
	timers.uptimeMs = () => {
		const before = host.mark(3);
		const result = uptimeMs();
		host.mark(before);
		return result;
	};
	return run(board);
});
