#!/bin/sh
# `make test-moddable`: the firmware on the Moddable SDK, where there is one.
if [ -z "$MODDABLE" ]; then
	echo "test-moddable: skipped, since MODDABLE is not set (npx xs-dev setup installs the SDK)"
	exit 0
fi
exec node_modules/.bin/mocha --reporter tools/test/reporter.mjs "${@:-test/moddable/*.test.ts}"
