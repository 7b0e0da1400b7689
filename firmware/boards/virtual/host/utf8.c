/*
 * Between UTF-8 and the engine's strings, which are CESU-8: each half of a surrogate pair is three bytes, and NUL is
 * C0 80.
 */
#include "utf8.h"

#define IS_HIGH(C) ((C) >= 0xD800 && (C) <= 0xDBFF)
#define IS_LOW(C) ((C) >= 0xDC00 && (C) <= 0xDFFF)
#define REPLACEMENT 0xFFFD

/* Length of a well-formed sequence by its first byte, or 0. */
static size_t sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first < 0xE0)
		return 2;
	if ((first & 0xF0) == 0xE0)
		return 3;
	if (first >= 0xF0 && first < 0xF5)
		return 4;
	return 0;
}

static uint32_t three_bytes(const uint8_t* p)
{
	return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
}

static size_t put(uint8_t* to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xC0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xE0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		to[2] = (uint8_t)(0x80 | (c & 0x3F));
		return 3;
	}
	to[0] = (uint8_t)(0xF0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	to[3] = (uint8_t)(0x80 | (c & 0x3F));
	return 4;
}

size_t utf8_from_string(const char* string, size_t size, uint8_t* to)
{
	const uint8_t* p = (const uint8_t*)string;
	const uint8_t* end = p + size;
	uint8_t* start = to;
	while (p < end) {
		if (p[0] == 0xC0 && p[1] == 0x80) {
			*to++ = 0;
			p += 2;
		}
		else if ((p[0] & 0xF0) == 0xE0) {
			uint32_t c = three_bytes(p);
			p += 3;
			if (IS_HIGH(c) && p < end && (p[0] & 0xF0) == 0xE0 && IS_LOW(three_bytes(p))) {
				c = 0x10000 + ((c - 0xD800) << 10) + (three_bytes(p) - 0xDC00);
				p += 3;
			}
			else if (IS_HIGH(c) || IS_LOW(c))
				c = REPLACEMENT;
			to += put(to, c);
		}
		else
			*to++ = *p++;
	}
	return (size_t)(to - start);
}

size_t string_from_utf8(const uint8_t* p, size_t size, char* string)
{
	const uint8_t* end = p + size;
	uint8_t* to = (uint8_t*)string;
	while (p < end) {
		size_t length = sequence_length(*p), i;
		uint32_t c = *p & (length == 1 ? 0x7F : 0x7F >> length);
		for (i = 1; i < length && p + i < end && (p[i] & 0xC0) == 0x80; i++)
			c = c << 6 | (p[i] & 0x3F);
		if (!length || i < length || (length == 3 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)))
			|| (length == 4 && (c < 0x10000 || c > 0x10FFFF))) {
			to += put(to, REPLACEMENT);
			p++;
			continue;
		}
		p += length;
		if (c == 0) {
			*to++ = 0xC0;
			*to++ = 0x80;
		}
		else if (c >= 0x10000) {
			to += put(to, 0xD800 + ((c - 0x10000) >> 10));
			to += put(to, 0xDC00 + ((c - 0x10000) & 0x3FF));
		}
		else
			to += put(to, c);
	}
	*to = 0;
	return (size_t)(to - (uint8_t*)string);
}
