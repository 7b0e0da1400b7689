#ifndef THINGHZ_COMPILE_H
#define THINGHZ_COMPILE_H

struct sxMachine;

/*
 * Compiles the program in one file into an image (image.h) in another, for a board whose machine is made as this one
 * was. Returns the process's exit code.
 */
int compile(struct sxMachine* the, const char* bundle, const char* path);

#endif
