/* Descriptors 3 (in) and 4 (out) of a process. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "transport.h"

#define FD_IN 3
#define FD_OUT 4

int transport_write(const void* header, size_t header_size, const void* data, size_t size)
{
	struct iovec parts[2] = {
		{ (void*)header, header_size },
		{ (void*)data, size },
	};
	int first = 0;
	while (first < 2) {
		ssize_t count = writev(FD_OUT, parts + first, 2 - first);
		if (count < 0) {
			if (errno == EINTR)
				continue;
			return 0;
		}
		while (first < 2 && (size_t)count >= parts[first].iov_len) {
			count -= (ssize_t)parts[first].iov_len;
			first++;
		}
		if (first < 2) {
			parts[first].iov_base = (char*)parts[first].iov_base + count;
			parts[first].iov_len -= (size_t)count;
		}
	}
	return 1;
}

size_t transport_read(void* into, size_t size)
{
	ssize_t count;
	do
		count = read(FD_IN, into, size);
	while (count < 0 && errno == EINTR);
	return count < 0 ? 0 : (size_t)count;
}

void transport_complain(const char* text)
{
	if (write(STDERR_FILENO, text, strlen(text)) >= 0)
		(void)!write(STDERR_FILENO, "\n", 1);
}

void transport_end(int code)
{
	_exit(code);
}
