/** Of the stack in `cloud/aws`, what its costs depend on. */
import type { StackDesign } from "./aws.ts";

export const DESIGN: StackDesign = Object.freeze({
	sizes: { blockOverhead: 90, rollupChannel: 45, rollupOverhead: 60 },
	batchWindowS: 20,
	ingestMemoryMb: 256,
	apiMemoryMb: 512,
	seenEveryS: 3600,
	scheduleEveryS: 60,
	alarms: 10,
	dashboards: 1,
	backsUpBlocks: false,
});
