/* What XS asks of a platform, for the bare board. Included by the engine's own xsPlatform.h as XSPLATFORM. */
#ifndef THINGHZ_PLATFORM_H
#define THINGHZ_PLATFORM_H

#undef mxLittleEndian
#define mxLittleEndian 1
#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define mxMachinePlatform \
	void* waiterCondition; \
	void* waiterData; \
	void* waiterLink;

/* Keys and scripts are the board's own: names stay in flash, and there is no parser. */
#define mxUseDefaultFindModule 1
#define mxUseDefaultLoadModule 1
#define mxUseDefaultSharedChunks 1

#define mxCESU8 1

#define C_PATH_MAX 256

/* The engine's own reports precede fxAbort, which says the same in a frame. */
#define c_vfprintf(FILE, FORMAT, ARGUMENTS) ((void)0)
#define c_vprintf(FORMAT, ARGUMENTS) ((void)0)
#define c_fprintf(...) ((void)0)
#define c_printf(...) ((void)0)

#endif
