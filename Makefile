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
# Ten minutes per harness; what is found belongs into the corpus.
FUZZ_SECONDS ?= 600
fuzz:
	[ -d build-fuzz ] || CC=clang CXX=clang++ meson setup build-fuzz -Dfuzz=true --buildtype=debug \
	  -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C build-fuzz
	for h in build-fuzz/tests/fuzz/*_fuzz; do n=$$(basename $$h _fuzz); mkdir -p build-fuzz/found/$$n; \
	  $$h -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -artifact_prefix=build-fuzz/ \
	  build-fuzz/found/$$n tests/fuzz/$$n || exit 1; done
clean:
	rm -rf build build-asan build-tsan build-fuzz build-valgrind web/dist
