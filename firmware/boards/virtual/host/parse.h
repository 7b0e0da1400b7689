/* From JavaScript to byte code that runs where it is. Not on boards without a parser. */
#ifndef THINGHZ_PARSE_H
#define THINGHZ_PARSE_H

#include <xsAll.h>
#include <xsScript.h>

/* The program in a file, its names bound in this machine; NULL when it cannot be read or is no JavaScript. */
txScript* parse(txMachine* the, const char* path);
/* Bytes of byte code of the ECMAScript module in a file; -1 when it cannot be read. What is no module becomes code that throws. */
long measure_module(txMachine* the, const char* path);

#endif
