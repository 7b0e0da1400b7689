/*
 * How much of XS's own heap is used. The SDK counts it in builds for debugging only, and its `Debug.gc()` (8.2) turns the collection
 * of garbage off instead of collecting: the host function is always handed an argument (modules/base/debug).
 */
#include "xsAll.h"

/* The machine that the SDK's app_main makes, in build/devices/esp32/lib/main/main.c; and what it is made by, in mc.xs.c. */
extern txMachine *gThe;
extern void *xsPreparationAndCreation(txCreation **creation);

/* Not to be put together with thinghz_xs_heap: a collection moves the buffer that FFI has handed over. */
void thinghz_collect(void)
{
	fxCollectGarbage(gThe);
}

extern uint32_t thinghz_system_free(void);

/*
 * Bytes of slots and chunks: in use, garbage since the last collection included; taken from the system; and what may be taken in
 * all, 0 when that is as much as the system has.
 */
void thinghz_xs_heap(uint32_t *sizes)
{
	txCreation *creation;
	xsPreparationAndCreation(&creation);
	sizes[0] = (uint32_t)(gThe->currentChunksSize +
		gThe->currentHeapCount * sizeof(txSlot));
	sizes[1] = (uint32_t)(gThe->maximumChunksSize +
		gThe->maximumHeapCount * sizeof(txSlot));
	if (creation->staticSize > 0)
		sizes[2] = (uint32_t)(creation->staticSize -
			creation->stackCount * sizeof(txSlot));
	else if (creation->incrementalChunkSize == 0 &&
		creation->incrementalHeapCount == 0)
		sizes[2] = sizes[1];
	else
		sizes[2] = 0;
}

/* Bytes that XS may still use, without a collection: what the system has free is of it where XS's heap grows. */
uint32_t thinghz_xs_free(void)
{
	uint32_t sizes[3];
	thinghz_xs_heap(sizes);
	uint32_t most =
		sizes[2] > 0 ? sizes[2] : sizes[1] + thinghz_system_free();
	return most > sizes[0] ? most - sizes[0] : 0;
}
