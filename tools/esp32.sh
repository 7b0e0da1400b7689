#!/usr/bin/env bash
# Builds the firmware for an ESP32 with the Moddable SDK, and flashes it with DEPLOY=1. Arguments: TARGET [DEPLOY].
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-esp32}
deploy=${2:-}

fail() {
	printf 'esp32: %s\n' "$*" >&2
	exit 1
}

# The SDK's names for bare modules of the chip; its boards are of other shapes and other pins.
case $target in
esp32) platform=esp32 ;;
esp32/c3 | esp32/esp32c3) platform=esp32/esp32c3 ;;
esp32/s3 | esp32/esp32s3) platform=esp32/esp32s3 ;;
*) fail "There is no target \"$target\". There are: esp32, esp32/c3, esp32/s3." ;;
esac

if [ -z "${MODDABLE:-}" ] || [ -z "${IDF_PATH:-}" ]; then
	fail "The Moddable SDK (MODDABLE) and ESP-IDF (IDF_PATH) are needed. Get both with: npx xs-dev setup && npx xs-dev setup --device esp32, then open a new shell."
fi
[ -d "$MODDABLE/modules" ] || fail "MODDABLE is $MODDABLE, where there is no Moddable SDK."
[ -f "$IDF_PATH/export.sh" ] || fail "IDF_PATH is $IDF_PATH, where there is no ESP-IDF."

# mcconfig takes the TypeScript compiler from PATH, and needs version 6 or newer.
PATH=$PWD/node_modules/.bin:$PATH
case $(uname) in
Darwin) host=mac ;;
*) host=lin ;;
esac
command -v mcconfig >/dev/null || PATH=$MODDABLE/build/bin/$host/release:$PATH
command -v mcconfig >/dev/null || fail "The SDK's tools are not built. Build them with: npx xs-dev setup"
# shellcheck disable=SC1091
command -v idf.py >/dev/null || . "$IDF_PATH/export.sh" >/dev/null

mcconfig -m -p "$platform" -t build
# Not in one call: its makefile would run both at once.
[ -z "$deploy" ] || mcconfig -m -p "$platform" -t deploy
