/**
 * Runs on XS instead of a node: updates its board by the setting "order", out of memory chips on the bus, as a job would; and takes a
 * message for acknowledged after a while, unless the setting "silent" is there. Reports as log lines what happens.
 */
import { NodeSettings } from "../../../../node/settings.ts";
import { Trial } from "../../../../node/trial.ts";
import { bytesOfHex } from "../../../../node/update-check.ts";
import type { ByteSource } from "../../../../node/update-ports.ts";
import { UpdateTrial } from "../../../../node/update-trial.ts";
import { Updater } from "../../../../node/updater.ts";
import type { VirtualBoard } from "../../xs/board.ts";
import { bootWith } from "../../xs/boot.ts";
import { call } from "../../xs/host.ts";
import { ChannelCrypto, runningFirmware } from "../../xs/slots.ts";
import {
	BLOCK_BYTES,
	DELTA_CHIP,
	IMAGE_CHIP,
	type OrderSetting,
} from "../update-order.ts";

const ORDER_AFTER_MS = 1000;
const ACKNOWLEDGED_AFTER_MS = 2000;

/** The memory chip takes an offset, and gives the bytes from there on; a block a millisecond. */
function chip(board: VirtualBoard, address: number): ByteSource {
	return {
		rangeBytes: BLOCK_BYTES,
		fetch(offset, length, sink) {
			let isOver = false;
			const step = () => {
				const bytes = new Uint8Array(Uint32Array.of(offset).buffer);
				sink.onBytes(call({ op: "i2c", address, length, bytes }));
				if (!isOver) sink.onEnd();
			};
			const timer = board.timers.set(step, 1);
			return {
				cancel() {
					isOver = true;
					board.timers.clear(timer);
				},
			};
		},
	};
}

bootWith((board) => {
	const { slots, system, timers } = board;
	const settings = new NodeSettings(board.settings, system);
	const tell = (what: string, value: unknown) =>
		system.log("info", JSON.stringify([what, value]));
	if (slots === undefined) throw new Error("The board has no slots.");
	tell("boot", [system.firmware, slots.runningSlot, slots.onTrial]);
	const restart = () => system.restart();
	const trial = new UpdateTrial({
		system,
		timers,
		settings,
		slots,
		trial: new Trial(slots, system),
		onReady: restart,
		onOutcome: ({ reason }) => tell("outcome", reason),
	});
	const updater = new Updater({
		system,
		timers,
		settings,
		slots,
		crypto: new ChannelCrypto(),
		running: runningFirmware(system.board),
		events: {
			onProgress: () => undefined,
			onExpired: () => undefined,
			onFailed: (reason) => tell("failed", reason),
			onReady: restart,
		},
	});
	const order = () => {
		const text = settings.get("order");
		if (text === undefined || trial.outcome !== null) return;
		const { manifest, signature, hasDelta }: OrderSetting = JSON.parse(text);
		const refused = updater.start({
			id: "job-1",
			manifest: bytesOfHex(manifest),
			signature: bytesOfHex(signature),
			image: chip(board, IMAGE_CHIP),
			...(hasDelta ? { delta: chip(board, DELTA_CHIP) } : {}),
		});
		// On trial, there is nothing to begin.
		if (refused !== null && refused !== "busy") tell("refused", refused);
	};
	trial.begin();
	timers.set(order, ORDER_AFTER_MS);
	if (settings.get("silent") === undefined)
		timers.set(() => trial.acknowledged(), ACKNOWLEDGED_AFTER_MS);
	return {};
});
