/* What XS asks of a platform, for this host. Included by the engine's own xsPlatform.h as XSPLATFORM. */
#ifndef THINGHZ_PLATFORM_H
#define THINGHZ_PLATFORM_H

#undef mxLittleEndian
#define mxLittleEndian 1
#undef mxLinux
#define mxLinux 1
#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1

#define mxMachinePlatform \
	void* waiterCondition; \
	void* waiterData; \
	void* waiterLink;

#define mxUseDefaultBuildKeys 1
#define mxUseDefaultFindModule 1
#define mxUseDefaultLoadModule 1
#define mxUseDefaultParseScript 1
#define mxUseDefaultSharedChunks 1

/* As the engine's own builds: wide ids only where slots are wide, so that -m32 keeps the 16-byte slots of a device. */
#if INTPTR_MAX == INT64_MAX
	#define mx32bitID 1
#endif
#define mxCESU8 1

#endif
