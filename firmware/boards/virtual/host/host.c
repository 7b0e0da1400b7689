/* A process that runs one bundle on XS and talks to a Node process over descriptors 3 and 4. See README.md. */
#include <xsAll.h>

#include <xs.h>
#include <xsmc.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "heap.h"
#include "script.h"
#include "utf8.h"

/* A frame that came while a call waited for its reply. */
struct queued {
	struct queued* next;
	size_t size;
	uint8_t data[];
};

static struct queued* queue_first;
static struct queued** queue_last = &queue_first;

static void enqueue(const struct frame* frame)
{
	struct queued* entry = malloc(sizeof(struct queued) + frame->size);
	if (!entry)
		die(EXIT_ENGINE, "no memory for the channel");
	entry->next = NULL;
	entry->size = frame->size;
	memcpy(entry->data, frame->data, frame->size);
	*queue_last = entry;
	queue_last = &entry->next;
}

static void get_bytes(xsMachine* the, const void** data, size_t* size)
{
	void* bytes;
	xsUnsignedValue count;
	xsmcGetBufferReadable(xsArg(0), &bytes, &count);
	*data = bytes;
	*size = count;
}

/* host.call(bytes) → ArrayBuffer */
static void host_call(xsMachine* the)
{
	const void* data;
	size_t size;
	struct frame reply;
	get_bytes(the, &data, &size);
	channel_send(FRAME_CALL, data, size);
	for (;;) {
		reply = channel_receive();
		if (reply.kind == FRAME_REPLY || reply.kind == FRAME_REPLY_ERROR)
			break;
		enqueue(&reply);
	}
	if (reply.kind == FRAME_REPLY_ERROR)
		xsUnknownError("%.*s", (int)reply.size, (const char*)reply.data);
	xsmcSetArrayBuffer(xsResult, (void*)reply.data, (xsIntegerValue)reply.size);
}

/* host.post(bytes) */
static void host_post(xsMachine* the)
{
	const void* data;
	size_t size;
	get_bytes(the, &data, &size);
	channel_send(FRAME_POST, data, size);
}

/* host.exit(code) */
static void host_exit(xsMachine* the)
{
	_exit(xsmcToInteger(xsArg(0)));
}

/* host.collect() */
static void host_collect(xsMachine* the)
{
	xsCollectGarbage();
}

/* host.heap() → {chunkUsed, …}: see heap.h */
static void host_heap(xsMachine* the)
{
	const struct {
		char* name;
		size_t value;
	} members[] = {
		{ "chunkUsed", heap_use.chunk_used },
		{ "slotUsed", heap_use.slot_used },
		{ "chunkPeak", heap_use.chunk_peak },
		{ "slotPeak", heap_use.slot_peak },
		{ "allocated", heap_use.allocated },
		{ "allocatedPeak", heap_use.allocated_peak },
		{ "builtins", heap_use.builtins },
		{ "loaded", heap_use.loaded },
		{ "code", heap_use.code },
		{ "limit", heap_use.limit },
		{ "collections", heap_use.collections },
	};
	size_t i;
	xsmcVars(1);
	xsmcSetNewObject(xsResult);
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		xsmcSetNumber(xsVar(0), (double)members[i].value);
		xsmcSet(xsResult, xsID(members[i].name), xsVar(0));
	}
}

/* host.utf8Encode(string) → ArrayBuffer */
static void host_utf8_encode(xsMachine* the)
{
	size_t size = strlen(xsmcToString(xsArg(0)));
	uint8_t* bytes;
	xsmcSetArrayBuffer(xsResult, NULL, (xsIntegerValue)size);
	bytes = xsmcToArrayBuffer(xsResult);
	size = utf8_from_string(xsmcToString(xsArg(0)), size, bytes);
	xsmcSetArrayBufferLength(xsResult, (xsIntegerValue)size);
}

/* host.utf8Decode(bytes) → string */
static void host_utf8_decode(xsMachine* the)
{
	const void* data;
	size_t size;
	char* string;
	get_bytes(the, &data, &size);
	string = malloc(3 * size + 1);
	if (!string)
		die(EXIT_OUT_OF_MEMORY, "out of memory: a string");
	string_from_utf8(data, size, string);
	xsmcSetString(xsResult, string);
	free(string);
}

static void install(xsMachine* the)
{
	const struct {
		char* name;
		xsCallback function;
		int count;
	} members[] = {
		{ "call", host_call, 1 },
		{ "post", host_post, 1 },
		{ "exit", host_exit, 1 },
		{ "collect", host_collect, 0 },
		{ "heap", host_heap, 0 },
		{ "utf8Encode", host_utf8_encode, 1 },
		{ "utf8Decode", host_utf8_decode, 1 },
	};
	size_t i;
	xsmcVars(2);
	xsmcSetNewObject(xsVar(0));
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		xsVar(1) = xsNewHostFunction(members[i].function, members[i].count);
		xsmcSet(xsVar(0), xsID(members[i].name), xsVar(1));
	}
	xsmcSet(xsGlobal, xsID("host"), xsVar(0));
}

static void deliver(xsMachine* the, const uint8_t* data, size_t size)
{
	xsBeginHost(the);
	{
		xsmcVars(2);
		xsTry {
			xsmcSetArrayBuffer(xsVar(0), (void*)data, (xsIntegerValue)size);
			xsmcGet(xsVar(1), xsGlobal, xsID("host"));
			(void)xsCall1(xsVar(1), xsID("onMessage"), xsVar(0));
		}
		xsCatch {
			fxAbort(the, XS_UNHANDLED_EXCEPTION_EXIT);
		}
		jobs_run(the);
		(void)xsCall0(xsVar(1), xsID("onIdle"));
	}
	xsEndHost(the);
}

static void run_turns(xsMachine* the)
{
	for (;;) {
		struct queued* entry = queue_first;
		struct frame frame;
		if (entry) {
			queue_first = entry->next;
			if (!queue_first)
				queue_last = &queue_first;
			deliver(the, entry->data, entry->size);
			free(entry);
			continue;
		}
		frame = channel_receive();
		if (frame.kind != FRAME_EVENT)
			die(EXIT_ENGINE, "a frame that is no event");
		deliver(the, frame.data, frame.size);
	}
}

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

struct options {
	const char* bundle;
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

/* `--measure FILE…`: a line for each module, its bytes of byte code and its path. Ends the process. */
static void measure(xsMachine* the, int count, char* paths[])
{
	int i;
	for (i = 0; i < count; i++) {
		long size = script_measure(the, paths[i]);
		if (size < 0) {
			fprintf(stderr, "%s cannot be read\n", paths[i]);
			exit(EXIT_ENGINE);
		}
		printf("%ld %s\n", size, paths[i]);
	}
	exit(0);
}

int main(int argc, char* argv[])
{
	/* Slots and chunks hold the built-ins (about 3,900 slots), which a device has in ROM. */
	struct options options = { NULL, 64 * 1024, 6144, 768, 0 };
	xsMachine* the;
	int measures = argc > 2 && !strcmp(argv[1], "--measure");
	if (!measures && !read_options(argc, argv, &options)) {
		fprintf(stderr, "usage: %s --bundle FILE [--chunk BYTES] [--slots N] [--stack N] [--heap-limit BYTES]\n", argv[0]);
		return EXIT_USAGE;
	}
	xsCreation creation = {
		.initialChunkSize = (xsIntegerValue)options.chunk,
		.incrementalChunkSize = 4 * 1024,
		.initialHeapCount = (xsIntegerValue)options.slots,
		.incrementalHeapCount = 256,
		.stackCount = (xsIntegerValue)options.stack,
		.initialKeyCount = 2500,
		.incrementalKeyCount = 256,
		.nameModulo = 419,
		.symbolModulo = 127,
		.parserBufferSize = 256 * 1024,
		.parserTableModulo = 1993,
	};
	catch_signals();
	the = xsCreateMachine(&creation, "thinghz", NULL);
	if (!the)
		die(EXIT_OUT_OF_MEMORY, "out of memory: the machine");
	machine_created(the);
	if (measures)
		measure(the, argc - 2, argv + 2);
	heap_use.limit = (size_t)options.heap_limit;
	xsBeginHost(the);
	{
		xsTry {
			install(the);
			if (!script_run(the, options.bundle))
				die(EXIT_ENGINE, "the bundle cannot be read");
		}
		xsCatch {
			fxAbort(the, XS_UNHANDLED_EXCEPTION_EXIT);
		}
		jobs_run(the);
	}
	xsEndHost(the);
	script_loaded(the);
	run_turns(the);
}
