/* Memory of a process: chunks grow in place, in address space that is kept for them. */
#include "xsAll.h"

#include <malloc.h>
#include <sys/mman.h>

#include "heap.h"

/* Address space kept for chunks, which grow in place; it costs nothing until it is used. */
#if INTPTR_MAX == INT64_MAX
	#define RESERVED_BYTES ((size_t)256 * 1024 * 1024)
#else
	#define RESERVED_BYTES ((size_t)64 * 1024 * 1024)
#endif
#define PAGE_BYTES ((size_t)4096)

static txByte* chunk_base;
static size_t chunk_bytes;

static size_t whole_pages(size_t size)
{
	return (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

void* fxAllocateChunks(txMachine* the, txSize size)
{
	size_t start = whole_pages(chunk_bytes);
	size_t end = whole_pages(chunk_bytes + (size_t)size);
	txByte* result;
	(void)the;
	if (!chunk_base) {
		void* base = mmap(NULL, RESERVED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base == MAP_FAILED)
			return NULL;
		chunk_base = base;
	}
	if (end > RESERVED_BYTES || !heap_take((size_t)size))
		return NULL;
	if (end > start && mprotect(chunk_base + start, end - start, PROT_READ | PROT_WRITE))
		return NULL;
	result = chunk_base + chunk_bytes;
	chunk_bytes += (size_t)size;
	return result;
}

void fxFreeChunks(txMachine* the, void* chunks)
{
	(void)the;
	munmap(chunks, RESERVED_BYTES);
}

txSlot* fxAllocateSlots(txMachine* the, txSize count)
{
	size_t size = (size_t)count * sizeof(txSlot);
	(void)the;
	return heap_take(size) ? malloc(size) : NULL;
}

void fxFreeSlots(txMachine* the, void* slots)
{
	(void)the;
	free(slots);
}

void heap_trim(void)
{
	malloc_trim(0);
}

void* memory_end(void)
{
	return NULL;
}
