/** How many blocks wait on a machine's flash. */
import { randomFillSync } from "node:crypto";
import type { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { NorFlash } from "../../firmware/boards/virtual/peripherals/flash.ts";
import { Journal } from "../../firmware/node/journal.ts";

/**
 * Looks at a copy, since to mount a journal may change it. Only when the machine does not run.
 * @throws StorageError when a later version's firmware wrote it
 */
export function journalDepth(machine: VirtualMachine): number {
	const { sizeBytes } = machine.journal;
	const bytes = new Uint8Array(sizeBytes);
	machine.supply.restore();
	machine.journal.read(0, bytes);
	const copy = new NorFlash({ sizeBytes });
	copy.program(0, bytes);
	return Journal.mount(copy, (into) => randomFillSync(into)).depth;
}
