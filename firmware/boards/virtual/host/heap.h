/* The heap as the platform sees it. Sizes in bytes. */
#ifndef THINGHZ_HEAP_H
#define THINGHZ_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_use {
	/* Live after the last collection that looked at them, built-ins included. */
	size_t chunk_used;
	size_t slot_used;
	/* The most that was live after any collection. */
	size_t chunk_peak;
	size_t slot_peak;
	/* Taken from the system for chunks, slots and stack, and the most ever taken. */
	size_t allocated;
	size_t allocated_peak;
	/* Live when the machine had been created: what a device keeps in ROM. */
	size_t builtins;
	/*
	 * Live when the bundle had been loaded: the built-ins, and the names, functions and classes of the program, which a device
	 * has in flash as well, since its linker preloads them.
	 */
	size_t loaded;
	/* Byte code of the bundle, which is not on the heap, as it is not on a device. */
	size_t code;
	/* Of the engine's stack, once the bundle had been loaded: what there is of it, and the most that was ever in use. */
	size_t stack;
	size_t stack_peak;
	/* What may be allocated beyond `loaded`, garbage and stack included; 0 for no limit. */
	size_t limit;
	size_t collections;
	/* Instructions spent in collections. */
	uint64_t collecting;
};

extern struct heap_use heap_use;

struct sxMachine;

/* Begins to keep `heap_use`, in a new machine. */
void heap_watch(struct sxMachine* the);
/* Books `size` bytes as allocated. Returns 0, and books nothing, when the limit forbids it. */
int heap_take(size_t size);
/* Where nothing may be stored: NULL, or what comes right after the memory where a board has its own. */
void* memory_end(void);
/* Begins to watch how much of the stack is used, which takes going through all of it. */
void stack_watch(struct sxMachine* the);
/* Brings `stack_peak` up to now. */
void stack_look(struct sxMachine* the);
/* Gives what loading took back to the system, where there is one. */
void heap_trim(void);

#endif
