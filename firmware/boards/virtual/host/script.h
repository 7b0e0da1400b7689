/* The bundle, and what runs after each of its turns. */
#ifndef THINGHZ_SCRIPT_H
#define THINGHZ_SCRIPT_H

#include "heap.h"

struct sxMachine;

/* Records what is live in a new machine. */
void machine_created(struct sxMachine* the);
/* Parses and runs the program in a file. An exception is the caller's. Returns 0 when the file cannot be read. */
int script_run(struct sxMachine* the, const char* path);
/* Bytes of byte code of the ECMAScript module in a file, compiled as the engine does; -1 when it cannot be read. */
long script_measure(struct sxMachine* the, const char* path);
/* Records what is live once the program has run. */
void script_loaded(struct sxMachine* the);
/* Runs promise jobs until there are none; ends the process when a rejection was not handled. */
void jobs_run(struct sxMachine* the);

#endif
