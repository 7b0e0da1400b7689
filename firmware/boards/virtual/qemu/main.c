/* The board's start: makes the machine, and runs the program that is in its flash. */
#include "host.h"

#include <string.h>
#include <sys/time.h>

#include "board.h"
#include "channel.h"
#include "heap.h"
#include "image.h"
#include "script.h"

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

/* Gives the image's names their ids, which are in its code already. */
static int bind_names(txMachine* the, const struct image* image)
{
	const char* name = (const char*)(image + 1);
	uint32_t i;
	for (i = 0; i < image->name_count; i++) {
		if (fxNewNameX(the, (txString)name) != image->first_id + i)
			return 0;
		name += strlen(name) + 1;
	}
	return 1;
}

static int run_image(txMachine* the, const void* what)
{
	const struct image* image = what;
	txScript script = {
		.codeBuffer = (txByte*)(image + 1) + image->names_bytes,
		.codeSize = (txSize)image->code_bytes,
	};
	const uint8_t version[4] = { XS_MAJOR_VERSION, XS_MINOR_VERSION, XS_PATCH_VERSION, 0 };
	if (memcmp(image->magic, IMAGE_MAGIC, sizeof(image->magic)) || memcmp(image->version, version, sizeof(version)))
		return 0;
	if (image->first_id != the->keyIndex || !bind_names(the, image))
		return 0;
	script_run(the, &script);
	return 1;
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
	host_run(the, run_image, program_start);
}
