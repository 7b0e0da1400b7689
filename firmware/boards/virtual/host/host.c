/* Runs one program on XS, which talks to a Node process over the channel. See README.md. */
#include "host.h"

#include <xs.h>
#include <xsmc.h>

#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "heap.h"
#include "measures.h"
#include "script.h"
#include "transport.h"
#include "utf8.h"

/* A frame that came while a call waited for its reply. */
struct queued {
	struct queued* next;
	size_t size;
	/* Data that begins at such an address as in the inbox takes as long to copy. */
	uint8_t header[FRAME_HEADER_BYTES];
	uint8_t data[];
};

static struct queued* queue_first;
static struct queued** queue_last = &queue_first;

/*
 * Where they wait as a rule, and how much of it is taken. What the C library's heap executes to find room depends on what is in
 * it, and the engine asks it for room, too.
 */
static _Alignas(8) uint8_t waiting_room[768];
static size_t waiting_bytes;

static struct queued* make_entry(size_t size)
{
	struct queued* entry;
	if (size > sizeof(waiting_room) - waiting_bytes) {
		entry = malloc(size);
		if (!entry)
			die(EXIT_OUT_OF_MEMORY, "out of memory: an event");
		return entry;
	}
	entry = (struct queued*)(waiting_room + waiting_bytes);
	waiting_bytes += (size + 7) & ~(size_t)7;
	return entry;
}

/* The room is free again when nobody waits any more. */
static void release_entry(struct queued* entry)
{
	uint8_t* p = (uint8_t*)entry;
	if (p && (p < waiting_room || p >= waiting_room + sizeof(waiting_room)))
		free(entry);
	if (!queue_first)
		waiting_bytes = 0;
}

static void enqueue(const struct frame* frame)
{
	struct queued* entry = make_entry(sizeof(struct queued) + frame->size);
	entry->next = NULL;
	entry->size = frame->size;
	memcpy(entry->data, frame->data, frame->size);
	*queue_last = entry;
	queue_last = &entry->next;
}

/* What instructions were spent on: see host.mark. */
#define MARKS 16
static uint64_t spent[MARKS];
static uint64_t marked_at;
static unsigned marked;

static unsigned mark(unsigned next)
{
	uint64_t now = instructions_executed();
	unsigned before = marked;
	spent[marked] += now - marked_at;
	marked_at = now;
	marked = next < MARKS ? next : 0;
	return before;
}

/* measures.ts decodes it. */
static void answer_query(void)
{
	struct {
		uint64_t instructions;
		struct memory_peaks memory;
		uint32_t collections;
		uint64_t collecting;
		uint32_t live_peak;
		uint32_t loaded;
		uint64_t spent[MARKS];
	} measures = {
		.instructions = instructions_executed(),
		.collections = (uint32_t)heap_use.collections,
		.collecting = heap_use.collecting,
		.live_peak = (uint32_t)(heap_use.chunk_peak + heap_use.slot_peak),
		.loaded = (uint32_t)heap_use.loaded,
	};
	memory_peaks(&measures.memory);
	mark(marked);
	memcpy(measures.spent, spent, sizeof(spent));
	channel_send(FRAME_MEASURES, &measures, sizeof(measures));
}

/*
 * Waiting is not counted, and what is done with frames meanwhile: in how many parts and when they arrive, within a call or
 * between two turns, must not show in what is executed. One pair of these is around all of it.
 */
static uint64_t paused_at;

static void counting_pauses(void)
{
	paused_at = instructions_executed();
}

static void counting_goes_on(void)
{
	instructions_uncount(instructions_executed() - paused_at);
}

/* The next frame that is not for the host itself. Within a wait. */
static struct frame receive(void)
{
	for (;;) {
		struct frame frame = channel_receive();
		if (frame.kind != FRAME_QUERY)
			return frame;
		counting_goes_on();
		answer_query();
		counting_pauses();
	}
}

/* Within a wait, and not inlined: whatever way it takes, as much is executed after it. */
static struct frame __attribute__((noinline)) take_reply(void)
{
	for (;;) {
		struct frame frame = receive();
		if (frame.kind == FRAME_REPLY || frame.kind == FRAME_REPLY_ERROR)
			return frame;
		if (frame.kind != FRAME_EVENT)
			die(EXIT_ENGINE, "a frame that is neither reply nor event");
		enqueue(&frame);
	}
}

/* The reply to a call. Events that come before it are kept. */
static struct frame await_reply(void)
{
	struct frame frame;
	counting_pauses();
	frame = take_reply();
	counting_goes_on();
	return frame;
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
	reply = await_reply();
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
	transport_end(xsmcToInteger(xsArg(0)));
}

/* host.collect() */
static void host_collect(xsMachine* the)
{
	xsCollectGarbage();
}

/* host.heap() → {chunkUsed, …}: see heap.h */
static void host_heap(xsMachine* the)
{
	stack_look(the);
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
		{ "stack", heap_use.stack },
		{ "stackPeak", heap_use.stack_peak },
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
	/* What the C library's heap takes to find room depends on what is in it, such as events that wait. */
	counting_pauses();
	string = malloc(3 * size + 1);
	counting_goes_on();
	if (!string)
		die(EXIT_OUT_OF_MEMORY, "out of memory: a string");
	string_from_utf8(data, size, string);
	xsmcSetString(xsResult, string);
	counting_pauses();
	free(string);
	counting_goes_on();
}

/* host.mark(n) → the mark before: from now on, what is executed is spent on n (0 … 15) */
static void host_mark(xsMachine* the)
{
	xsmcSetInteger(xsResult, mark((unsigned)xsmcToInteger(xsArg(0))));
}

/* host.fault(what): executes what is no instruction, or loads from or stores to where it may not. For tests. */
static void host_fault(xsMachine* the)
{
	const volatile uint8_t* nowhere = NULL;
	volatile uint8_t* beyond = memory_end();
	const char* what = xsmcToString(xsArg(0));
	if (!strcmp(what, "load"))
		xsmcSetInteger(xsResult, *nowhere);
	else if (!strcmp(what, "store"))
		*beyond = 0;
	else {
#ifdef __riscv
		/* __builtin_trap would be a breakpoint. */
		__asm__ volatile("unimp");
#endif
		__builtin_trap();
	}
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
		{ "mark", host_mark, 1 },
		{ "fault", host_fault, 1 },
	};
	size_t i;
	xsmcVars(2);
	xsmcSetNewObject(xsVar(0));
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		xsVar(1) = xsNewHostFunction(members[i].function, members[i].count);
		xsmcSet(xsVar(0), xsID(members[i].name), xsVar(1));
	}
	xsmcSet(xsGlobal, xsID("host"), xsVar(0));
	/* Known from the start, so that a program's own names come after them in every machine. */
	(void)xsID("onMessage");
	(void)xsID("onIdle");
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

/* As take_reply. */
static struct frame __attribute__((noinline)) take_event(void)
{
	static struct queued* taken;
	struct frame frame;
	release_entry(taken);
	taken = queue_first;
	if (taken) {
		queue_first = taken->next;
		if (!queue_first)
			queue_last = &queue_first;
		return (struct frame){ .kind = FRAME_EVENT, .data = taken->data, .size = taken->size };
	}
	frame = receive();
	if (frame.kind != FRAME_EVENT)
		die(EXIT_ENGINE, "a frame that is no event");
	return frame;
}

/* The event of the next turn: one that came during a call, or the next to come. Good until the next call of this. */
static struct frame next_event(void)
{
	struct frame frame;
	counting_pauses();
	frame = take_event();
	counting_goes_on();
	return frame;
}

static void __attribute__((noreturn)) run_turns(xsMachine* the)
{
	for (;;) {
		struct frame event = next_event();
		deliver(the, event.data, event.size);
	}
}

txMachine* host_create(const struct host_sizes* sizes)
{
	xsCreation creation = {
		.initialChunkSize = sizes->chunk_bytes,
		.incrementalChunkSize = 1024,
		.initialHeapCount = sizes->slots,
		.incrementalHeapCount = 64,
		.stackCount = sizes->stack + LOADING_SLOTS,
		.initialKeyCount = sizes->keys,
		.incrementalKeyCount = 256,
		.nameModulo = 419,
		.symbolModulo = 127,
		.parserBufferSize = 256 * 1024,
		.parserTableModulo = 1993,
	};
	xsMachine* the = xsCreateMachine(&creation, "thinghz", NULL);
	if (!the)
		die(EXIT_OUT_OF_MEMORY, "out of memory: the machine");
	machine_created(the);
	xsBeginHost(the);
	install(the);
	xsEndHost(the);
	return the;
}

void host_run(txMachine* the, host_program program, const void* what)
{
	xsBeginHost(the);
	{
		xsTry {
			if (!program(the, what))
				die(EXIT_ENGINE, "the program cannot be read");
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
