#ifndef THINGHZ_UTF8_H
#define THINGHZ_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Writes at most `size` bytes; a lone surrogate becomes U+FFFD. Returns how many. */
size_t utf8_from_string(const char* string, size_t size, uint8_t* to);
/* Writes at most 3 × `size` bytes and a final NUL; each byte that is no UTF-8 becomes U+FFFD. Returns how many. */
size_t string_from_utf8(const uint8_t* bytes, size_t size, char* string);

#endif
