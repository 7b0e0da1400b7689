#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define FD_IN 3
#define FD_OUT 4
#define MAX_FRAME_BYTES (1024 * 1024)

static uint8_t* inbox;
static size_t inbox_size, inbox_start, inbox_end;

static int write_all(const void* header, size_t header_size, const void* data, size_t size)
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

static void make_header(uint8_t header[5], uint8_t kind, size_t size)
{
	uint32_t length = (uint32_t)size + 1;
	header[0] = (uint8_t)length;
	header[1] = (uint8_t)(length >> 8);
	header[2] = (uint8_t)(length >> 16);
	header[3] = (uint8_t)(length >> 24);
	header[4] = kind;
}

void channel_send(uint8_t kind, const void* data, size_t size)
{
	uint8_t header[5];
	make_header(header, kind, size);
	if (!write_all(header, sizeof(header), data, size))
		_exit(EXIT_CHANNEL_CLOSED);
}

/* Makes `size` bytes available at inbox_start. */
static void require_bytes(size_t size)
{
	if (inbox_end - inbox_start >= size)
		return;
	memmove(inbox, inbox + inbox_start, inbox_end - inbox_start);
	inbox_end -= inbox_start;
	inbox_start = 0;
	if (size > inbox_size) {
		inbox_size = size < 4096 ? 4096 : size;
		inbox = realloc(inbox, inbox_size);
		if (!inbox)
			die(EXIT_ENGINE, "no memory for the channel");
	}
	while (inbox_end < size) {
		ssize_t count = read(FD_IN, inbox + inbox_end, inbox_size - inbox_end);
		if (count > 0)
			inbox_end += (size_t)count;
		else if (count == 0 || errno != EINTR)
			_exit(EXIT_CHANNEL_CLOSED);
	}
}

struct frame channel_receive(void)
{
	struct frame frame;
	const uint8_t* p;
	uint32_t length;
	require_bytes(4);
	p = inbox + inbox_start;
	length = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	if (length < 1 || length > MAX_FRAME_BYTES)
		die(EXIT_ENGINE, "a frame of impossible length");
	inbox_start += 4;
	require_bytes(length);
	p = inbox + inbox_start;
	inbox_start += length;
	frame.kind = p[0];
	frame.data = p + 1;
	frame.size = length - 1;
	return frame;
}

void die(int code, const char* text)
{
	uint8_t header[5];
	size_t size = strlen(text);
	make_header(header, FRAME_LOG, size);
	/* Whether anybody still listens makes no difference now. */
	(void)write_all(header, sizeof(header), text, size);
	if (write(STDERR_FILENO, text, size) >= 0)
		(void)!write(STDERR_FILENO, "\n", 1);
	_exit(code);
}
