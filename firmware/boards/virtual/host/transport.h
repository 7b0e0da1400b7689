/* How bytes get to the other side and back, and how the program ends: each platform has its own. */
#ifndef THINGHZ_TRANSPORT_H
#define THINGHZ_TRANSPORT_H

#include <stddef.h>

/* Writes both parts, waiting. Returns 0 when nobody listens any more. */
int transport_write(const void* header, size_t header_size, const void* data, size_t size);
/* Reads what has arrived, waiting for at least a byte and taking at most `size`. Returns 0 when nothing more comes. */
size_t transport_read(void* into, size_t size);
/* Says it where people look who run the program by hand. */
void transport_complain(const char* text);
void transport_end(int code) __attribute__((noreturn));

#endif
