#!/bin/sh
# Gets what `make start` (argument: start) or `make test` (argument: test) needs and this machine lacks. Installs
# Debian packages where it may (root, apt-get); elsewhere prints the line that does. Does nothing when all is there.
set -eu
cd "$(dirname "$0")/.."
goal=${1:-test}

say() { printf '%s\n' "$*" >&2; }

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

updated=
install() {
	if [ -z "$updated" ]; then
		say "setup: apt-get update"
		apt-get update -qq >&2
		updated=yes
	fi
	say "setup: apt-get install $* …"
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Between no_daemons and daemons_as_before a package that is installed starts no service of its own: invoke-rc.d(8) asks
# policy-rc.d, where 101 is "forbidden". A policy that somebody else has set stays.
policy=/usr/sbin/policy-rc.d
own_policy=
no_daemons() {
	if may_install && [ ! -e "$policy" ]; then
		own_policy=yes
		trap daemons_as_before EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
}
daemons_as_before() {
	if [ -n "$own_policy" ]; then
		rm -f "$policy"
		own_policy=
	fi
}

# require WHAT PACKAGE…: WHAT is missing and nothing works without it.
require() {
	what=$1
	shift
	if may_install; then
		install "$@"
	else
		say "setup: $what is missing. Install it with: sudo apt-get install -y --no-install-recommends $*"
		exit 1
	fi
}

# want WHAT PACKAGE…: WHAT is missing and some tests cannot run without it.
want() {
	what=$1
	shift
	if may_install; then
		install "$@"
	elif [ "${CI:-}" = true ]; then
		say "setup: $what is missing, and in CI every test runs. Install it with: sudo apt-get install -y --no-install-recommends $*"
		exit 1
	else
		say "setup: $what is missing: its tests will be skipped. Install it with: sudo apt-get install -y --no-install-recommends $*"
	fi
}

# Whether this kernel runs 32-bit programs. True when that cannot be tried for want of a compiler.
runs_32_bit() {
	program=$(mktemp)
	if echo 'int main(void) { return 32; }' | cc -m32 -x c -o "$program" - 2>/dev/null; then
		status=0
		"$program" 2>/dev/null || status=$?
	else
		status=32
	fi
	rm -f "$program"
	[ "$status" = 32 ]
}

if ! command -v node >/dev/null 2>&1 || ! node -e '
	const [major, minor] = process.versions.node.split(".").map(Number);
	process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);'; then
	say "setup: Node.js 20.19 or newer is needed, and this is $(node --version 2>/dev/null || echo 'no node at all'). See https://nodejs.org/en/download"
	exit 1
fi

if ! command -v cc >/dev/null 2>&1 || ! echo '#include <stdio.h>' | cc -x c -c -o /dev/null - 2>/dev/null; then
	require "a C compiler" gcc libc6-dev
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	say "setup: npm ci (about 340 MB, once) …"
	npm ci --no-progress --loglevel=error >&2
	touch node_modules/.package-lock.json
fi

if [ "$goal" = test ]; then
	if ! echo '#include <stdio.h>
int main(void) { return sizeof(void *) == 4 ? 0 : 1; }' | cc -m32 -x c -o /dev/null - 2>/dev/null; then
		want "the 32-bit C library (for the virtual32 board)" gcc-multilib
	fi
	# A kernel can refuse 32-bit programs, as some virtual machines have it; then QEMU runs them one by one.
	if ! command -v qemu-i386 >/dev/null 2>&1 && ! runs_32_bit; then
		want "an emulator for 32-bit programs, which this kernel does not run (for the virtual32 board)" qemu-user
	fi
	if ! command -v qemu-system-riscv32 >/dev/null 2>&1 || ! command -v riscv64-unknown-elf-gcc >/dev/null 2>&1 ||
		! echo '#include <stdio.h>' | riscv64-unknown-elf-gcc --specs=picolibc.specs -march=rv32imc -mabi=ilp32 -x c -c -o /dev/null - 2>/dev/null; then
		want "QEMU or a compiler for RISC-V (for the qemu board)" gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf \
			binutils-riscv64-unknown-elf qemu-system-misc
	fi
	if ! command -v chromium >/dev/null 2>&1; then
		want "Chromium (for the browser tests)" chromium
	fi
	if ! command -v influxd >/dev/null 2>&1; then
		no_daemons
		want "InfluxDB (for the tests of row stores and dashboards)" influxdb
		daemons_as_before
		# Only tests start it, each its own: the service is not to come with the machine either.
		if command -v influxd >/dev/null 2>&1; then update-rc.d influxdb disable >/dev/null 2>&1 || say "setup: the service influxdb could not be disabled."; fi
	fi
fi
