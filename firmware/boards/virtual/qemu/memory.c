/* The RAM: the engine's chunks grow up and its slots grow down in the arena until they meet. */
#include "xsAll.h"

#include <errno.h>

#include "board.h"
#include "heap.h"
#include "measures.h"

static uint8_t* chunks_end = arena_start;
static uint8_t* slots_start = arena_end;
static size_t arena_peak;
static uint8_t* c_heap_break = c_heap_start;
static uint8_t* c_heap_peak = c_heap_start;

static int arena_take(size_t size)
{
	size_t used;
	if (size > (size_t)(slots_start - chunks_end) || !heap_take(size))
		return 0;
	used = (size_t)(arena_end - arena_start) - (size_t)(slots_start - chunks_end) + size;
	if (arena_peak < used)
		arena_peak = used;
	return 1;
}

void* fxAllocateChunks(txMachine* the, txSize size)
{
	/* Chunks of odd sizes leave the next ones aligned. */
	const size_t rounded = ((size_t)size + 15) & ~(size_t)15;
	void* chunks = chunks_end;
	(void)the;
	if (!arena_take(rounded))
		return NULL;
	chunks_end += rounded;
	return chunks;
}

void fxFreeChunks(txMachine* the, void* chunks)
{
	(void)the;
	(void)chunks;
}

txSlot* fxAllocateSlots(txMachine* the, txSize count)
{
	size_t size = (size_t)count * sizeof(txSlot);
	(void)the;
	if (!arena_take(size))
		return NULL;
	slots_start -= size;
	return (txSlot*)slots_start;
}

void fxFreeSlots(txMachine* the, void* slots)
{
	(void)the;
	(void)slots;
}

/* The program has been loaded: what the arena has beyond it is the heap's limit. There is no system to give anything to. */
void heap_trim(void)
{
	heap_use.limit = (size_t)(arena_end - arena_start) - heap_use.loaded;
}

/* QEMU has RAM there. */
void* memory_end(void)
{
	return ram_end;
}

/* The C library's malloc grows by this: names, frames and other things that are not the engine's own. */
void* sbrk(ptrdiff_t size)
{
	uint8_t* before = c_heap_break;
	if (size > c_heap_end - c_heap_break || size < c_heap_start - c_heap_break) {
		errno = ENOMEM;
		return (void*)-1;
	}
	c_heap_break += size;
	if (c_heap_peak < c_heap_break)
		c_heap_peak = c_heap_break;
	return before;
}

/* Below what was reached, the paint is whole. */
static size_t stack_peak(void)
{
	const uint32_t* p = (const uint32_t*)stack_bottom;
	while ((const uint8_t*)p < stack_top && *p == STACK_PAINT)
		p++;
	return (size_t)(stack_top - (const uint8_t*)p);
}

void memory_peaks(struct memory_peaks* peaks)
{
	peaks->stack = stack_peak();
	peaks->stack_size = (uint32_t)(stack_top - stack_bottom);
	peaks->c_heap = (uint32_t)(c_heap_peak - c_heap_start);
	peaks->c_heap_size = (uint32_t)(c_heap_end - c_heap_start);
	peaks->arena = arena_peak;
	peaks->arena_size = (uint32_t)(arena_end - arena_start);
	peaks->statics = (uint32_t)(c_heap_start - stack_top);
}
