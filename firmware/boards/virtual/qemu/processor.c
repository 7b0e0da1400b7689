/* Traps and counters of the processor. */
#include <stdio.h>
#include <sys/time.h>

#include "board.h"
#include "channel.h"
#include "measures.h"
#include "transport.h"

/* The RISC-V Instruction Set Manual, volume II, table 3.6. */
static const char* const causes[] = {
	"instruction address misaligned",
	"instruction access fault",
	"illegal instruction",
	"breakpoint",
	"load address misaligned",
	"load access fault",
	"store address misaligned",
	"store access fault",
};

#define LOAD_ACCESS_FAULT 5
#define STORE_ACCESS_FAULT 7

/* The stack is at the bottom of the RAM: what is loaded or stored just below it has overflowed it. */
static int is_below_stack(uint32_t cause, uint32_t address)
{
	uint32_t bottom = (uint32_t)(uintptr_t)stack_bottom;
	return (cause == LOAD_ACCESS_FAULT || cause == STORE_ACCESS_FAULT) && address < bottom && address >= bottom - 4096;
}

void trap(uint32_t cause, uint32_t pc, uint32_t value)
{
	static int trapped;
	static char text[96];
	const char* name = cause < sizeof(causes) / sizeof(causes[0]) ? causes[cause] : "unknown cause";
	if (trapped)
		transport_end(EXIT_SIGNAL);
	trapped = 1;
	if (is_below_stack(cause, value))
		die(EXIT_STACK_OVERFLOW, "stack overflow");
	snprintf(text, sizeof(text), "trap: %s (%lu) at %08lx, value %08lx", name, (unsigned long)cause, (unsigned long)pc,
		(unsigned long)value);
	die(EXIT_SIGNAL, text);
}

#define CSR(NAME) \
	__extension__({ \
		uint32_t value_; \
		__asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, " NAME "\n.option pop" : "=r"(value_)); \
		value_; \
	})

/* Takes the same instructions each time: no loop that waits for two equal upper halves. */
static uint64_t counter(void)
{
	uint32_t before = CSR("minstreth");
	uint32_t low = CSR("minstret");
	uint32_t after = CSR("minstreth");
	/* Where the two differ, `low` has passed zero in between: it is small when that was before it was read. */
	uint32_t high = before ^ ((before ^ after) & ((low >> 31) - 1));
	return (uint64_t)high << 32 | low;
}

/* Whether the counter tells instructions, and 2 to which power of it does for each. */
static int counts;
static uint32_t ticks_power;

#define LOOPS 1000

static uint32_t ticks_of_loops(void)
{
	uint64_t start = counter();
	uint32_t i = LOOPS;
	__asm__ volatile("1: addi %0, %0, -1\nbnez %0, 1b" : "+r"(i));
	return (uint32_t)(counter() - start);
}

/*
 * Under -icount QEMU counts virtual time, a power of two for each instruction, or instructions (from 9.1 on); without it,
 * the host's clock.
 */
void instructions_calibrate(void)
{
	uint32_t first = ticks_of_loops(), second = ticks_of_loops(), shift;
	if (first != second)
		return;
	for (shift = 0; shift < 11; shift++) {
		uint32_t instructions = first >> shift;
		if (instructions >= 2 * LOOPS && instructions < 2 * LOOPS + 100) {
			counts = 1;
			ticks_power = shift;
		}
	}
}

static uint64_t uncounted;

uint64_t instructions_executed(void)
{
	/* Not a division: how many instructions that takes depends on what is divided. */
	return counts ? (counter() >> ticks_power) - uncounted : 0;
}

void instructions_uncount(uint64_t count)
{
	uncounted += count;
}

/* The board has no clock that knows the date: this is the time since it was reset. */
int gettimeofday(struct timeval* time, void* zone)
{
	uint64_t now = (uint64_t)CSR("timeh") << 32 | CSR("time");
	(void)zone;
	/* QEMU's virt machine: 10 MHz */
	time->tv_sec = (time_t)(now / 10000000);
	time->tv_usec = (suseconds_t)(now % 10000000 / 10);
	return 0;
}
