/* A machine in the place of the one that the SDK's app_main makes on an ESP32; only what it counts is there. */
#include "xsAll.h"

static txMachine machine = {
	.currentChunksSize = 1000,
	.maximumChunksSize = 2000,
	.currentHeapCount = 10,
	.maximumHeapCount = 20,
};

txMachine *gThe = &machine;
