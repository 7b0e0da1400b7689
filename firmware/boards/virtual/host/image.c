#include "image.h"

#include <string.h>

#include "script.h"

/* Gives the image's names their ids, which are in its code already. */
static int bind_names(txMachine* the, const struct image* image, image_name* id_of)
{
	const char* name = (const char*)(image + 1);
	uint32_t i;
	for (i = 0; i < image->name_count; i++) {
		if (id_of(the, (char*)name) != image->first_id + i)
			return 0;
		name += strlen(name) + 1;
	}
	return 1;
}

int image_run(txMachine* the, const struct image* image, image_name* id_of)
{
	txScript script = {
		.codeBuffer = (txByte*)(image + 1) + image->names_bytes,
		.codeSize = (txSize)image->code_bytes,
	};
	const uint8_t version[4] = { XS_MAJOR_VERSION, XS_MINOR_VERSION, XS_PATCH_VERSION, 0 };
	if (!image_is(image) || memcmp(image->version, version, sizeof(version)))
		return 0;
	if (image->first_id != the->keyIndex || !bind_names(the, image, id_of))
		return 0;
	script_run(the, &script);
	return 1;
}

int image_is(const struct image* image)
{
	return !memcmp(image->magic, IMAGE_MAGIC, sizeof(image->magic));
}
