#include "channel.h"

#include <stdlib.h>
#include <string.h>

#include "transport.h"

#define MAX_FRAME_BYTES (1024 * 1024)

static uint8_t* inbox;
static size_t inbox_size, inbox_start, inbox_end;

static void make_header(uint8_t header[FRAME_HEADER_BYTES], uint8_t kind, size_t size)
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
	uint8_t header[FRAME_HEADER_BYTES];
	make_header(header, kind, size);
	if (!transport_write(header, sizeof(header), data, size))
		transport_end(EXIT_CHANNEL_CLOSED);
}

/* Forgets the frame before. So every one begins where the inbox does, and takes as long to copy, however it came. */
static void begin_frame(void)
{
	if (!inbox_start)
		return;
	memmove(inbox, inbox + inbox_start, inbox_end - inbox_start);
	inbox_end -= inbox_start;
	inbox_start = 0;
}

/* Waits until the inbox has `size` bytes. */
static void require_bytes(size_t size)
{
	if (size > inbox_size) {
		inbox_size = size < CHANNEL_INBOX_BYTES ? CHANNEL_INBOX_BYTES : size;
		inbox = realloc(inbox, inbox_size);
		if (!inbox)
			die(EXIT_OUT_OF_MEMORY, "out of memory: a frame");
	}
	while (inbox_end < size) {
		size_t count = transport_read(inbox + inbox_end, inbox_size - inbox_end);
		if (!count)
			transport_end(EXIT_CHANNEL_CLOSED);
		inbox_end += count;
	}
}

struct frame channel_receive(void)
{
	uint32_t length;
	begin_frame();
	require_bytes(4);
	length = inbox[0] | (uint32_t)inbox[1] << 8 | (uint32_t)inbox[2] << 16 | (uint32_t)inbox[3] << 24;
	if (length < 1 || length > MAX_FRAME_BYTES)
		die(EXIT_ENGINE, "a frame of impossible length");
	require_bytes(4 + length);
	inbox_start = 4 + length;
	return (struct frame){ .kind = inbox[4], .data = inbox + FRAME_HEADER_BYTES, .size = length - 1 };
}

void die(int code, const char* text)
{
	uint8_t header[FRAME_HEADER_BYTES];
	size_t size = strlen(text);
	make_header(header, FRAME_LOG, size);
	/* Whether anybody still listens makes no difference now. */
	(void)transport_write(header, sizeof(header), text, size);
	transport_complain(text);
	transport_end(code);
}
