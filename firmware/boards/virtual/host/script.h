/* The program, and what runs after each of its turns. */
#ifndef THINGHZ_SCRIPT_H
#define THINGHZ_SCRIPT_H

#include <xsAll.h>
#include <xsScript.h>

#include "heap.h"

/*
 * Slots of the stack that are there while the program is loaded, beside those that it runs with: the names of all its modules are then
 * the variables of one function, and lie on the stack until that returns. On a device the linker has done this.
 */
#define LOADING_SLOTS 768

/* Records what is live in a new machine. */
void machine_created(txMachine* the);
/* Runs a program whose names are bound. An exception is the caller's, as it is when there is no script. */
void script_run(txMachine* the, txScript* script);
/* Records what is live once the program has run. */
void script_loaded(txMachine* the);
/* Runs promise jobs until there are none; ends the process when a rejection was not handled. */
void jobs_run(txMachine* the);

#endif
