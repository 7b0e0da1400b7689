/* Calls to whoever debugs the processor, here QEMU: "Semihosting for AArch32 and AArch64", which RISC-V takes over. */
#ifndef THINGHZ_SEMIHOSTING_H
#define THINGHZ_SEMIHOSTING_H

#include <stdint.h>

#define SYS_OPEN 0x01
#define SYS_WRITE 0x05
#define SYS_READ 0x06
#define SYS_EXIT_EXTENDED 0x20

/* ADP_Stopped_ApplicationExit: what follows it is the exit code. */
#define STOPPED_APPLICATION_EXIT 0x20026

uint32_t semihost(uint32_t operation, const void* parameters);

#endif
