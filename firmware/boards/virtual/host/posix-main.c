/* The board as a process: takes its program from a file, or compiles one for a board that cannot. */
#include "host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "compile.h"
#include "heap.h"
#include "measures.h"
#include "parse.h"
#include "program.h"

static void on_signal(int number)
{
	static char text[] = "fatal signal   ";
	text[13] = (char)('0' + number / 10);
	text[14] = (char)('0' + number % 10);
	die(EXIT_SIGNAL, text);
}

static void catch_signals(void)
{
	static char stack[16 * 1024];
	const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	size_t i;
	sigaltstack(&alternate, NULL);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	// Ctrl-C goes to the whole group: the board's other side decides how it ends, and closes the channel.
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
}

uint64_t instructions_executed(void)
{
	return 0;
}

void instructions_uncount(uint64_t count)
{
	(void)count;
}

void memory_peaks(struct memory_peaks* peaks)
{
	memset(peaks, 0, sizeof(*peaks));
}

struct options {
	const char* bundle;
	const char* compile;
	long chunk, slots, stack, heap_limit;
};

static int read_options(int count, char* values[], struct options* options)
{
	const struct {
		char* name;
		long* value;
	} numbers[] = {
		{ "--chunk", &options->chunk },
		{ "--slots", &options->slots },
		{ "--stack", &options->stack },
		{ "--heap-limit", &options->heap_limit },
	};
	int i;
	for (i = 1; i + 1 < count; i += 2) {
		size_t j;
		if (!strcmp(values[i], "--bundle")) {
			options->bundle = values[i + 1];
			continue;
		}
		if (!strcmp(values[i], "--compile")) {
			options->compile = values[i + 1];
			continue;
		}
		for (j = 0; j < 4 && strcmp(values[i], numbers[j].name); j++)
			;
		if (j == 4)
			return 0;
		*numbers[j].value = atol(values[i + 1]);
		if (*numbers[j].value < 0 || *numbers[j].value > 1 << 28)
			return 0;
	}
	return i == count && options->bundle;
}

/* A line for each module: its bytes of byte code, and its path. Returns the process's exit code. */
static int measure(txMachine* the, int count, char* paths[])
{
	int i;
	for (i = 0; i < count; i++) {
		long size = measure_module(the, paths[i]);
		if (size < 0) {
			fprintf(stderr, "%s cannot be read\n", paths[i]);
			return EXIT_ENGINE;
		}
		printf("%ld %s\n", size, paths[i]);
	}
	return 0;
}

int main(int argc, char* argv[])
{
	/* Slots and chunks hold the built-ins (about 3,900 slots), which a device has in ROM. */
	struct options options = { NULL, NULL, 64 * 1024, 6144, 768, 0 };
	struct host_sizes sizes;
	txMachine* the;
	int measures = argc > 2 && !strcmp(argv[1], "--measure");
	if (!measures && !read_options(argc, argv, &options)) {
		fprintf(stderr,
			"usage: %s --bundle FILE [--chunk BYTES] [--slots N] [--stack N] [--heap-limit BYTES]\n"
			"       %s --bundle FILE --compile FILE\n"
			"       %s --measure MODULE...\n",
			argv[0], argv[0], argv[0]);
		return EXIT_USAGE;
	}
	catch_signals();
	sizes = (struct host_sizes){
		.chunk_bytes = (txSize)options.chunk,
		.slots = (txSize)options.slots,
		.stack = (txSize)options.stack,
		.keys = 2500,
	};
	the = host_create(&sizes);
	if (measures)
		return measure(the, argc - 2, argv + 2);
	if (options.compile)
		return compile(the, options.bundle, options.compile);
	heap_use.limit = (size_t)options.heap_limit;
	host_run(the, program_run, options.bundle);
}
