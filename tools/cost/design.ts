/** Of the stack in `cloud/aws`, what its costs depend on: a test compares it with the stack and with what the adapters write. */
import type { StackDesign } from "./aws.ts";

export const DESIGN: StackDesign = Object.freeze({
	sizes: { blockOverhead: 88, rollupChannel: 19, rollupOverhead: 100 },
	batchWindowS: 20,
	ingestMemoryMb: 256,
	apiMemoryMb: 1024,
	seenEveryS: 7200,
	scheduleEveryS: 60,
	otherQueues: 1,
	secrets: 1,
	alarms: 10,
	rowAlarms: 2,
	dashboards: 1,
});
