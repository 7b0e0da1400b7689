#include "xsAll.h"
#include "xsScript.h"

#include "script.h"

static size_t live_bytes(txMachine* the)
{
	return (size_t)the->currentChunksSize + (size_t)the->currentHeapCount * sizeof(txSlot);
}

void machine_created(txMachine* the)
{
	heap_watch(the);
	fxCollect(the, 0);
	heap_use.builtins = live_bytes(the);
}

void script_run(txMachine* the, txScript* script)
{
	txSlot* realm = mxProgram.value.reference->next->value.module.realm;
	if (script)
		heap_use.code = (size_t)script->codeSize;
	fxRunScript(the, script, mxRealmGlobal(realm), C_NULL, mxRealmClosures(realm)->value.reference, C_NULL,
		mxProgram.value.reference);
	mxPop();
}

void script_loaded(txMachine* the)
{
	/* The stack's lower end is the machine's alone from now on. */
	the->stackBottom += LOADING_SLOTS;
	heap_use.allocated -= LOADING_SLOTS * sizeof(txSlot);
	heap_use.allocated_peak = heap_use.allocated;
	fxCollect(the, XS_COMPACT_FLAG);
	fxCollect(the, 0);
	heap_use.loaded = live_bytes(the);
	heap_use.chunk_peak = heap_use.chunk_used;
	heap_use.slot_peak = heap_use.slot_used;
	stack_watch(the);
	heap_trim();
}

void jobs_run(txMachine* the)
{
	while (mxPendingJobs.value.reference->next)
		fxRunPromiseJobs(the);
	fxEndJob(the);
	fxCheckUnhandledRejections(the, 1);
}
