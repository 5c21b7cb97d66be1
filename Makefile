# SPDX-License-Identifier: Apache-2.0
# Short names for what the scripts and Meson do.
.PHONY: all server test asan lint bench deep fuzz clean
all:
	script/server --build-only
server:
	script/server
test:
	script/test
lint:
	tools/kh-lint
bench:
	script/bench
deep:
	script/deep
# Ten minutes per harness (FUZZ_SECONDS); what is found belongs into the corpus.
fuzz:
	rm -f var/deep/fuzz-*.done
	script/deep fuzz
clean:
	rm -rf build build-asan build-tsan build-fuzz build-valgrind web/dist
