/* A program as byte code that runs where it lies, for a board that cannot parse: what compile.c writes. Little-endian. */
#ifndef THINGHZ_IMAGE_H
#define THINGHZ_IMAGE_H

#include <stdint.h>

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

#endif
