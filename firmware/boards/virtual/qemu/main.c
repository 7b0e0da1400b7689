/* The board's start: makes the machine, and runs the program that is in its flash. */
#include "host.h"

#include <sys/time.h>

#include "board.h"
#include "channel.h"
#include "heap.h"
#include "image.h"

/* As the default one, but names stay in flash. */
void fxBuildKeys(txMachine* the)
{
	int i;
	for (i = 0; i < XS_SYMBOL_ID_COUNT; i++) {
		txSlot* description = fxNewSlot(the);
		description->kind = XS_STRING_X_KIND;
		description->value.string = (txString)gxIDStrings[i];
		the->keyArray[the->keyIndex++] = description;
	}
	for (; i < XS_ID_COUNT; i++)
		fxNewNameX(the, (txString)gxIDStrings[i]);
}

/* There is no parser: `eval` and `Function` throw a SyntaxError. */
txScript* fxParseScript(txMachine* the, void* stream, txGetter getter, txUnsigned flags)
{
	(void)the;
	(void)stream;
	(void)getter;
	(void)flags;
	return NULL;
}

uint32_t modMilliseconds(void)
{
	struct timeval now;
	gettimeofday(&now, NULL);
	return (uint32_t)(now.tv_sec * 1000 + now.tv_usec / 1000);
}

static int run_flash(txMachine* the, const void* what)
{
	return image_run(the, what, fxNewNameX);
}

void __attribute__((noreturn)) board_main(void)
{
	static const struct host_sizes sizes = {
		.chunk_bytes = 48 * 1024,
		.slots = 17 * 1024,
		.stack = 768,
		.keys = 1536,
	};
	txMachine* the;
	instructions_calibrate();
	the = host_create(&sizes);
	/* What the engine then still calls finds room, and die() with it. */
	the->stackLimit = (char*)stack_bottom + 1536;
	host_run(the, run_flash, program_start);
}
