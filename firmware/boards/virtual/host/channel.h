/* Frames over a transport: u32 little-endian length, then a kind byte and the rest. */
#ifndef THINGHZ_CHANNEL_H
#define THINGHZ_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

/* wire.ts holds the same numbers. */
enum frame_kind {
	FRAME_CALL = 1,
	FRAME_REPLY = 2,
	FRAME_REPLY_ERROR = 3,
	FRAME_POST = 4,
	FRAME_EVENT = 5,
	FRAME_LOG = 6,
	FRAME_QUERY = 7,
	FRAME_MEASURES = 8,
};

/* wire.ts holds the same numbers. */
enum exit_code {
	EXIT_USAGE = 2,
	EXIT_CHANNEL_CLOSED = 10,
	EXIT_OUT_OF_MEMORY = 11,
	EXIT_STACK_OVERFLOW = 12,
	EXIT_UNCAUGHT_EXCEPTION = 13,
	EXIT_UNHANDLED_REJECTION = 14,
	EXIT_SIGNAL = 15,
	EXIT_ENGINE = 16,
};

/* What the inbox has from the start; it grows with what comes. */
#ifndef CHANNEL_INBOX_BYTES
	#define CHANNEL_INBOX_BYTES 4096
#endif

/* Length and kind. */
#define FRAME_HEADER_BYTES 5

struct frame {
	uint8_t kind;
	const uint8_t* data;
	size_t size;
};

/* Writes a frame; ends the process when the other side is gone. */
void channel_send(uint8_t kind, const void* data, size_t size);
/* The next frame, waiting for it; its data is good until the next call. Ends the process when the channel is closed. */
struct frame channel_receive(void);
/* Says why in a LOG frame and to whoever runs it by hand, and ends the process. Safe in a signal handler. */
void die(int code, const char* text) __attribute__((noreturn));

#endif
