/* Memory and endings, for the engine. */
#include "xsAll.h"

#include "channel.h"
#include "heap.h"
#include "measures.h"

struct heap_use heap_use;

int heap_take(size_t size)
{
	/* Until the bundle has been loaded, what is allocated becomes what a device has in flash. */
	if (heap_use.limit && heap_use.loaded && heap_use.allocated + size > heap_use.limit + heap_use.loaded)
		return 0;
	heap_use.allocated += size;
	if (heap_use.allocated_peak < heap_use.allocated)
		heap_use.allocated_peak = heap_use.allocated;
	return 1;
}

void fxCreateMachinePlatform(txMachine* the)
{
	(void)the;
}

void fxDeleteMachinePlatform(txMachine* the)
{
	(void)the;
}

/* Jobs run after every turn, asked for or not. */
void fxQueuePromiseJobs(txMachine* the)
{
	(void)the;
}

/*
 * A collection either marks slots alone, and then says nothing of chunks, or chunks too, and then compacts them. Which
 * one it is shows in the function with which it lets a host object mark: the first collection, a compacting one, tells.
 */
static txMarkRoot marks_now, marks_chunks;
/* Whether one is under way, and since when: from its first marks on. */
static int collecting;
static uint64_t collecting_since;

static void witness(txMachine* the, void* data, txMarkRoot mark)
{
	(void)the;
	(void)data;
	collecting_since = instructions_executed();
	collecting = 1;
	marks_now = mark;
	if (!marks_chunks)
		marks_chunks = mark;
}

static txHostHooks witness_hooks = { .marker = witness };

void heap_watch(txMachine* the)
{
	/* Stays on the stack, below whatever comes. */
	fxNewHostObject(the, NULL);
	fxSetHostData(the, the->stack, &heap_use);
	fxSetHostHooks(the, the->stack, &witness_hooks);
	fxCollect(the, XS_COMPACT_FLAG);
}

/*
 * The engine calls this, with no frame, at the end of every collection, and at the end of every turn, when it is built with
 * mxProfile: the one place from which the size of what is live can be learned. There is no profiler.
 */
void fxCheckProfiler(txMachine* the, txSlot* frame)
{
	size_t chunks, slots;
	if (frame || !collecting)
		return;
	collecting = 0;
	heap_use.collecting += instructions_executed() - collecting_since;
	chunks = (size_t)the->currentChunksSize;
	slots = (size_t)the->currentHeapCount * sizeof(txSlot);
	heap_use.collections++;
	heap_use.slot_used = slots;
	if (heap_use.slot_peak < slots)
		heap_use.slot_peak = slots;
	if (marks_now != marks_chunks)
		return;
	heap_use.chunk_used = chunks;
	if (heap_use.chunk_peak < chunks)
		heap_use.chunk_peak = chunks;
}

void fxCreateProfiler(txMachine* the)
{
	(void)the;
}

void fxDeleteProfiler(txMachine* the, void* stream)
{
	(void)the;
	(void)stream;
}

/* No slot that the engine writes is filled with it. */
#define UNTOUCHED 0xA5

void stack_watch(txMachine* the)
{
	memset(the->stackBottom, UNTOUCHED, (size_t)((txByte*)the->stack - (txByte*)the->stackBottom));
	heap_use.stack = (size_t)((txByte*)the->stackTop - (txByte*)the->stackBottom);
	heap_use.stack_peak = 0;
}

static int is_untouched(const txSlot* slot)
{
	const uint8_t* bytes = (const uint8_t*)slot;
	size_t i;
	for (i = 0; i < sizeof(txSlot); i++)
		if (bytes[i] != UNTOUCHED)
			return 0;
	return 1;
}

/* Slots are pushed from the top; what turns numbers into text, and expressions into programs, uses the other end as its scratch. */
void stack_look(txMachine* the)
{
	size_t run = 0, longest = 0;
	const txSlot* slot;
	for (slot = the->stackBottom; slot < the->stackTop; slot++) {
		run = is_untouched(slot) ? run + 1 : 0;
		if (longest < run)
			longest = run;
	}
	heap_use.stack_peak = heap_use.stack - longest * sizeof(txSlot);
}

/* "what: text of the exception", cut to fit. The text may itself run JavaScript and throw. */
static void describe_exception(txMachine* the, char* text, size_t size, const char* what)
{
	snprintf(text, size, "%s", what);
	mxTry(the) {
		mxOverflow(-8);
		mxPush(mxException);
		mxException = mxUndefined;
		if (the->stack->kind == XS_REFERENCE_KIND && mxIsReference(the->stack)) {
			mxDub();
			mxGetID(fxID(the, "stack"));
			if (the->stack->kind == XS_UNDEFINED_KIND)
				mxPop();
		}
		snprintf(text, size, "%s: %s", what, fxToString(the, the->stack));
	}
	mxCatch(the) {
		snprintf(text, size, "%s (whose text cannot be told)", what);
	}
}

void fxAbort(txMachine* the, int status)
{
	static char text[1024];
	switch (status) {
	case XS_NOT_ENOUGH_MEMORY_EXIT:
		snprintf(text, sizeof(text), "out of memory: %zu bytes allocated beside %zu of built-ins and program, limit %zu",
			heap_use.allocated - heap_use.loaded, heap_use.loaded, heap_use.limit);
		die(EXIT_OUT_OF_MEMORY, text);
	case XS_STACK_OVERFLOW_EXIT:
		die(EXIT_STACK_OVERFLOW, "stack overflow");
	case XS_UNHANDLED_EXCEPTION_EXIT:
		describe_exception(the, text, sizeof(text), "uncaught exception");
		die(EXIT_UNCAUGHT_EXCEPTION, text);
	case XS_UNHANDLED_REJECTION_EXIT:
		describe_exception(the, text, sizeof(text), "unhandled rejection");
		die(EXIT_UNHANDLED_REJECTION, text);
	default:
		snprintf(text, sizeof(text), "the engine gave up (%d)", status);
		die(EXIT_ENGINE, text);
	}
}
