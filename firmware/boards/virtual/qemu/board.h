/* The memory map, as link.ld lays it out, and what the board's parts share. */
#ifndef THINGHZ_BOARD_H
#define THINGHZ_BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Statics (and thread-local ones), the C library's heap, and the arena, where the engine's chunks and slots are. */
extern uint8_t ram_start[], ram_end[];
extern uint8_t stack_bottom[], stack_top[];
extern uint8_t c_heap_start[], c_heap_end[];
extern uint8_t arena_start[], arena_end[];

/* The program's image, in flash. */
extern const uint8_t program_start[];

/* What the stack is filled with at the start, so that what of it was ever used shows. */
#define STACK_PAINT 0x5ca1ab1eu

/* Finds out how the cycle counter relates to instructions. */
void instructions_calibrate(void);

#endif
