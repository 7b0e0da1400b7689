#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* Of the engine, which declares it in no header. */
extern void fxRemapIDs(txMachine* the, txByte* codeBuffer, txSize codeSize, txID* theIDs);

/*
 * Makes functions and strings run from where the code is, as they do from a device's flash; the plain forms of the
 * codes copy them to the heap each time a function is made or a string is used. Operands are the same.
 */
static void run_in_place(txByte* code, txSize size)
{
	txU1* p = (txU1*)code;
	txU1* end = p + size;
	while (p < end) {
		txS1 length = gxCodeSizes[*p];
		switch (*p) {
		case XS_CODE_CODE_1: *p = XS_CODE_CODE_ARCHIVE_1; break;
		case XS_CODE_CODE_2: *p = XS_CODE_CODE_ARCHIVE_2; break;
		case XS_CODE_CODE_4: *p = XS_CODE_CODE_ARCHIVE_4; break;
		case XS_CODE_STRING_1: *p = XS_CODE_STRING_ARCHIVE_1; break;
		case XS_CODE_STRING_2: *p = XS_CODE_STRING_ARCHIVE_2; break;
		case XS_CODE_STRING_4: *p = XS_CODE_STRING_ARCHIVE_4; break;
		}
		if (length > 0)
			p += length;
		else if (length == 0)
			p += 1 + sizeof(txID);
		else if (length == -1)
			p += 2 + p[1];
		else if (length == -2)
			p += 3 + (p[1] | p[2] << 8);
		else
			p += 5 + (p[1] | p[2] << 8 | p[3] << 16 | (size_t)p[4] << 24);
	}
}

/* Gives the names in the code their ids in this machine. */
static void bind_names(txMachine* the, txScript* script)
{
	txByte* p = script->symbolsBuffer;
	txID count, i;
	txID* ids;
	mxDecodeID(p, count);
	ids = malloc(count * sizeof(txID));
	if (!ids)
		fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
	ids[0] = XS_NO_ID;
	for (i = 1; i < count; i++) {
		ids[i] = fxNewNameC(the, (txString)p);
		p += strlen((char*)p) + 1;
	}
	fxRemapIDs(the, script->codeBuffer, script->codeSize, ids);
	free(ids);
	free(script->symbolsBuffer);
	/* Without it the engine neither binds again nor frees the code when it has run. */
	script->symbolsBuffer = NULL;
}

static int next_character(void* stream)
{
	return getc_unlocked((FILE*)stream);
}

static txScript* compile_file(txMachine* the, const char* path, txUnsigned flags)
{
	txScript* script;
	FILE* file = fopen(path, "r");
	if (!file)
		return NULL;
	script = fxParseScript(the, file, next_character, flags);
	fclose(file);
	return script;
}

long measure_module(txMachine* the, const char* path)
{
	txScript* script = compile_file(the, path, 0);
	long size = script ? (long)script->codeSize : -1;
	if (script)
		fxDeleteScript(script);
	return size;
}

txScript* parse(txMachine* the, const char* path)
{
	txScript* script = compile_file(the, path, mxProgramFlag);
	if (script) {
		run_in_place(script->codeBuffer, script->codeSize);
		bind_names(the, script);
	}
	return script;
}
