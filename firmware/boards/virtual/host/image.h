/* A program as byte code that runs where it lies, as a device has it in flash: what compile.c writes. Little-endian. */
#ifndef THINGHZ_IMAGE_H
#define THINGHZ_IMAGE_H

#include <stdint.h>
#include <xsAll.h>

#define IMAGE_MAGIC "thzcode1"

struct image {
	char magic[8];
	/* The engine's version that the code is for. */
	uint8_t version[4];
	/* Of the first of its names: the machine that runs it has given as many ids before, to the same names. */
	uint32_t first_id;
	/* Names end with NUL and follow this header; they get ids from first_id on. */
	uint32_t name_count;
	uint32_t names_bytes;
	/* The code follows the names. */
	uint32_t code_bytes;
};

/* Whether these bytes begin an image. */
int image_is(const struct image* image);
/* The id of a name: the engine's fxNewNameX leaves the name where it is, its fxNewNameC copies it to the heap. */
typedef txID image_name(txMachine* the, char* name);
/*
 * Runs an image, whose code stays where it is. An exception is the caller's. Returns 0 when it is none, or
 * for another engine, or for a host that knows other names from the start.
 */
int image_run(txMachine* the, const struct image* image, image_name* id_of);

#endif
