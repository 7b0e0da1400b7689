/*
 * Runs what `mcconfig -p lin` builds, with no display: what the SDK's simulator does with it, but for the screen. Built
 * against the headers of the SDK that is present (build/simulators/modules/screen.h); none of its code is here.
 *
 * host LIBRARY  runs in the current folder until it is killed; exits with 100 + status when XS aborts.
 */
#include <dlfcn.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define mxLinux 1
#include "screen.h"

static void aborted(txScreen *screen, int status)
{
	printf("abort %d\n", status);
	fflush(stdout);
	_exit(100 + status);
}

static void ignored(txScreen *screen)
{
}

static void startIgnored(txScreen *screen, double interval)
{
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s LIBRARY\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A write to a socket that the other side has closed is an error of that socket. */
	signal(SIGPIPE, SIG_IGN);
	void *library = dlopen(argv[1], RTLD_NOW);
	txScreenLaunchProc launch =
		library ? (txScreenLaunchProc)dlsym(library, "fxScreenLaunch") : NULL;
	if (!launch) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	txScreen *screen = calloc(1, sizeof(txScreen));
	if (!screen)
		return 1;
	screen->abort = aborted;
	screen->bufferChanged = ignored;
	screen->formatChanged = ignored;
	screen->start = startIgnored;
	screen->stop = ignored;
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	(*launch)(screen);
	g_main_loop_run(loop);
	return 0;
}
