/* A machine with the global `host`, and its turns. */
#ifndef THINGHZ_HOST_H
#define THINGHZ_HOST_H

#include <xsAll.h>

struct host_sizes {
	/* Bytes of chunks, and slots, that are taken at once; more are taken when they are needed. */
	txSize chunk_bytes;
	txSize slots;
	/* Slots of the stack. */
	txSize stack;
	/* Ids there is room for at once. */
	txSize keys;
};

/* Runs a program. An exception is the caller's. Returns 0 when it cannot be read. */
typedef int (*host_program)(txMachine* the, const void* what);

/* Ends the process when there is no memory. */
txMachine* host_create(const struct host_sizes* sizes);
/* Runs a program and then turns, for ever. */
void host_run(txMachine* the, host_program program, const void* what) __attribute__((noreturn));

#endif
