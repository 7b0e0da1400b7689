/**
 * A node as on the virtual board, which tells what is on its heap when it is given a configuration, whatever that says. Runs
 * on XS; `heap-rig.ts` bundles it.
 */
import { bootWith } from "../../firmware/boards/virtual/xs/boot.ts";
import { host } from "../../firmware/boards/virtual/xs/host.ts";
import { run } from "../../firmware/main.ts";

bootWith((board) => {
	const node = run(board);
	return {
		stop: (done) => node.stop(done),
		applyConfig: () => {
			host.collect();
			board.system.log("info", JSON.stringify(host.heap()));
		},
	};
});
