/* What a board can tell of itself between two turns, without its program's help. */
#ifndef THINGHZ_MEASURES_H
#define THINGHZ_MEASURES_H

#include <stddef.h>
#include <stdint.h>

/* Instructions that the processor has executed since it was reset; 0 where they cannot be counted. */
uint64_t instructions_executed(void);
/* Takes so many off: those that depend on when something arrived. */
void instructions_uncount(uint64_t count);

/* The most that was ever taken of each part of the memory, in bytes; all 0 where a process has the system's. */
struct memory_peaks {
	uint32_t stack;
	uint32_t stack_size;
	uint32_t c_heap;
	uint32_t c_heap_size;
	uint32_t arena;
	uint32_t arena_size;
	uint32_t statics;
};

void memory_peaks(struct memory_peaks* peaks);

#endif
