import { describeMachine } from "../../firmware/boards/virtual/testing/machine-suite.ts";
import { buildQemuImage } from "../../tools/build/qemu.ts";
import { requireQemu } from "./support/board.ts";

describeMachine({
	board: "qemu",
	// QEMU itself, with 32 MB for a flash bank of which 1.5 are used.
	rssBytes: () => 100e6,
	require: requireQemu,
	build: buildQemuImage,
});
