/* The program of a board that is a process: a file. */
#ifndef THINGHZ_PROGRAM_H
#define THINGHZ_PROGRAM_H

#include <xsAll.h>

/* A host_program: `what` is the path of a file, an image (image.h) or JavaScript. */
int program_run(txMachine* the, const void* what);

#endif
