/**
 * A node as on the virtual board, which tells what is on its heap when it is given a configuration, whatever that says, and before it
 * restarts. Runs on XS; `heap-rig.ts` bundles it.
 */
import { bootWith } from "../../firmware/boards/virtual/xs/boot.ts";
import { host } from "../../firmware/boards/virtual/xs/host.ts";
import { run } from "../../firmware/main.ts";

bootWith((board) => {
	const tell = () => {
		host.collect();
		board.system.log("info", JSON.stringify(host.heap()));
	};
	const { system } = board;
	const restart = system.restart;
	system.restart = () => {
		tell();
		return restart();
	};
	const node = run(board);
	return { stop: (done) => node.stop(done), applyConfig: tell };
});
