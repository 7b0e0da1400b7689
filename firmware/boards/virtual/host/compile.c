#include "compile.h"

#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "image.h"
#include "parse.h"

/* The widest id decides: a board of 16-byte slots has narrow ones. */
_Static_assert(sizeof(txID) == 2, "the boards' ids have two bytes");

int compile(txMachine* the, const char* bundle, const char* path)
{
	struct image image = {
		.version = { XS_MAJOR_VERSION, XS_MINOR_VERSION, XS_PATCH_VERSION, 0 },
		.first_id = the->keyIndex,
	};
	txScript* script = parse(the, bundle);
	FILE* file;
	txID id;
	int written;
	if (!script) {
		fprintf(stderr, "%s: no JavaScript that can be compiled\n", bundle);
		return EXIT_ENGINE;
	}
	memcpy(image.magic, IMAGE_MAGIC, sizeof(image.magic));
	image.name_count = the->keyIndex - image.first_id;
	image.code_bytes = (uint32_t)script->codeSize;
	for (id = (txID)image.first_id; id < the->keyIndex; id++)
		image.names_bytes += (uint32_t)strlen(fxGetKeyName(the, id)) + 1;
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		return EXIT_ENGINE;
	}
	written = fwrite(&image, sizeof(image), 1, file) == 1;
	for (id = (txID)image.first_id; id < the->keyIndex; id++) {
		const char* name = fxGetKeyName(the, id);
		written = written && fwrite(name, strlen(name) + 1, 1, file) == 1;
	}
	written = written && fwrite(script->codeBuffer, image.code_bytes, 1, file) == 1;
	if (fclose(file) || !written) {
		perror(path);
		return EXIT_ENGINE;
	}
	return 0;
}
