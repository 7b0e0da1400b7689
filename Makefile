# Every task a person does. `make` alone lists them.
MAKEFLAGS += --no-print-directory
NODE_BIN := node_modules/.bin
TSX := $(NODE_BIN)/tsx

# Whether there is a compiler, with its C library, for the qemu board.
FOR_RISCV := riscv64-unknown-elf-gcc --specs=picolibc.specs -E -x c /dev/null >/dev/null 2>&1

SOURCES := $(shell find protocol firmware cloud tools -type f \( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name '*.svg' \) ! -name '*.test.ts' 2>/dev/null)

.PHONY: help setup start test prove transcript screenshots size bench build qemu lint format coverage clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## all that start and test need first; does nothing when it is there
	@tools/setup.sh test
	@$(MAKE) build host32
	@if $(FOR_RISCV); then $(MAKE) qemu; fi

start: ## sets up, then runs the cloud on this machine with 3 simulated nodes; UP="--http-port 8081" adds options
	@tools/setup.sh start
	@$(MAKE) build
	@exec bin/thinghz.mjs up --nodes 3 $(UP)

test: setup ## sets up, then runs every test
	@$(TSX) tools/test/run.ts

prove: setup ## the exhaustive campaigns of which test runs a part
	@THINGHZ_EXHAUSTIVE=1 $(TSX) tools/test/run.ts unit system qemu

transcript: setup ## writes what a person sees of a node's life into docs/fleet.md
	@WRITE_TRANSCRIPT=1 $(NODE_BIN)/mocha test/system/fleet-transcript.test.ts

screenshots: setup ## takes the pictures in docs/ anew
	@THINGHZ_SCREENSHOTS=docs $(NODE_BIN)/mocha test/browser/page.test.ts
	@rm -f docs/devices-*.png docs/page-dark.png

size: host host32 ## byte code by module, the ESP32's link where MODDABLE is set, the qemu image; writes docs/footprint.md
	@$(TSX) tools/size/main.ts

bench: setup ## prints every figure, and writes bench/results.json
	@$(TSX) tools/bench/main.ts

build: host ## the command, the page, the firmware and the virtual board
	@$(MAKE) -s dist/cli.js

qemu: host ## the qemu board, with the firmware as byte code in its flash (dist/qemu)
	@if ! $(FOR_RISCV); then \
		echo "The qemu board needs a compiler for RISC-V and QEMU. Install them with: sudo apt-get install -y --no-install-recommends gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf binutils-riscv64-unknown-elf qemu-system-misc" >&2; \
		exit 1; fi
	@$(MAKE) -s -C firmware/boards/virtual/qemu
	@$(MAKE) -s dist/qemu/flash.img

dist/qemu/flash.img: dist/qemu/board.bin dist/host/thinghz-xs $(SOURCES) package.json
	@$(TSX) tools/build/qemu.ts

dist/cli.js: $(SOURCES) package.json node_modules/.package-lock.json dist/host/thinghz-xs
	@$(TSX) tools/build/main.ts

.PHONY: lambda
lambda: ## the functions for AWS (dist/lambda), and how large each is
	@$(TSX) tools/build/lambda.ts

.PHONY: synth deploy stack-security
CONTEXT ?=
synth: build ## the stack for AWS as CloudFormation in dist/cdk.out; CONTEXT="-c timeseries=influxdb" chooses (docs/aws.md)
	@$(TSX) cloud/aws/stack/main.ts $(CONTEXT)

.PHONY: rehearse
rehearse: synth ## puts the synthesized stack up on this machine and plays what AWS would do with it, from a node's block to the API
	@$(TSX) tools/rehearse/main.ts

deploy: build ## synthesizes and deploys to AWS, with the credentials that AWS's own tools would use; CONTEXT as for synth
	@AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true $(TSX) tools/aws/deploy.ts $(CONTEXT)

stack-security: ## writes down anew who may do what in the stack for AWS (cloud/aws/stack/security.json), for a review
	@THINGHZ_RENEW=1 $(NODE_BIN)/mocha cloud/aws/stack/security.test.ts

.PHONY: host host32
host:
	@$(MAKE) -s -C firmware/boards/virtual/host 64

host32:
	@if echo 'int main(void) { return 0; }' | cc -m32 -x c -o /dev/null - 2>/dev/null; \
	then $(MAKE) -s -C firmware/boards/virtual/host 32; fi

.PHONY: test-moddable
test-moddable: build ## the firmware on the Moddable SDK, where MODDABLE is set: on Linux against the cloud, and linked for ESP32s
	@tools/moddable/test.sh

.PHONY: esp32
TARGET ?= esp32
esp32: ## builds the firmware for an ESP32: TARGET=esp32, esp32/c3 or esp32/s3; DEPLOY=1 flashes it
	@tools/esp32.sh "$(TARGET)" "$(DEPLOY)"

lint: ## code style and the import rule
	@$(NODE_BIN)/biome check --error-on-warnings .

format: ## mends what lint can mend
	@$(NODE_BIN)/biome check --write .

coverage: setup ## which lines the unit tests reach
	@$(NODE_BIN)/c8 --src . --exclude '**/*.test.ts' --reporter text-summary --reporter html $(TSX) tools/test/run.ts unit

clean: ## removes what was built; leaves ./data
	rm -rf dist coverage
