#include "program.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "parse.h"
#include "script.h"

/* Whether the file has all that its header speaks of, names with their ends included. */
static int is_whole(const struct image* image, size_t size)
{
	const char* name = (const char*)(image + 1);
	const char* end = name + image->names_bytes;
	uint32_t i;
	if ((uint64_t)sizeof(*image) + image->names_bytes + image->code_bytes != size)
		return 0;
	for (i = 0; i < image->name_count; i++) {
		const char* nul = memchr(name, 0, (size_t)(end - name));
		if (!nul)
			return 0;
		name = nul + 1;
	}
	return name == end;
}

/* The file as memory, which all processes that run it share; NULL when it cannot be read, or has nothing in it. */
static void* map_file(const char* path, size_t* size)
{
	struct stat status;
	void* bytes = MAP_FAILED;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return NULL;
	if (!fstat(file, &status)) {
		*size = (size_t)status.st_size;
		bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
	}
	close(file);
	return bytes == MAP_FAILED ? NULL : bytes;
}

int program_run(txMachine* the, const void* what)
{
	size_t size = 0;
	void* bytes = map_file(what, &size);
	if (!bytes)
		return 0;
	if (size >= sizeof(struct image) && image_is(bytes))
		/* Names as the parser would make them: a program has the same heap either way. */
		return is_whole(bytes, size) && image_run(the, bytes, fxNewNameC);
	munmap(bytes, size);
	script_run(the, parse(the, what));
	return 1;
}
