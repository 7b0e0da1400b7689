/*
 * QEMU's standard input and output, by semihosting: a call reads what has arrived or waits for it, as a read() does, with
 * no interrupt and no loop in between; so what the board executes does not depend on when it arrives.
 */
#include "transport.h"

#include "semihosting.h"

/* ":tt", opened "r" and "w", is standard input and output (SH_EXT_STDOUT_STDERR). */
#define MODE_READ 0
#define MODE_WRITE 4

static uint32_t open_console(uint32_t mode)
{
	static const char name[] = ":tt";
	const uint32_t parameters[] = { (uint32_t)(uintptr_t)name, mode, sizeof(name) - 1 };
	return semihost(SYS_OPEN, parameters);
}

static int write_all(const uint8_t* data, size_t size)
{
	static uint32_t out;
	if (!out)
		out = open_console(MODE_WRITE);
	while (size) {
		const uint32_t parameters[] = { out, (uint32_t)(uintptr_t)data, size };
		uint32_t left = semihost(SYS_WRITE, parameters);
		if (left >= size)
			return 0;
		data += size - left;
		size = left;
	}
	return 1;
}

/* A frame that fits goes out in one call. */
#define GATHERED_BYTES 512

int transport_write(const void* header, size_t header_size, const void* data, size_t size)
{
	static uint8_t gathered[GATHERED_BYTES];
	if (header_size + size > sizeof(gathered))
		return write_all(header, header_size) && write_all(data, size);
	__builtin_memcpy(gathered, header, header_size);
	__builtin_memcpy(gathered + header_size, data, size);
	return write_all(gathered, header_size + size);
}

size_t transport_read(void* into, size_t size)
{
	static uint32_t in;
	uint32_t left;
	if (!in)
		in = open_console(MODE_READ);
	{
		const uint32_t parameters[] = { in, (uint32_t)(uintptr_t)into, size };
		left = semihost(SYS_READ, parameters);
	}
	return left >= size ? 0 : size - left;
}

/* The frame before it said the same; QEMU's standard error is for QEMU. */
void transport_complain(const char* text)
{
	(void)text;
}

void transport_end(int code)
{
	const uint32_t parameters[] = { STOPPED_APPLICATION_EXIT, (uint32_t)code };
	for (;;)
		semihost(SYS_EXIT_EXTENDED, parameters);
}
