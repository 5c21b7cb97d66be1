# SPDX-License-Identifier: Apache-2.0
# Short names for what the scripts and Meson do.
.PHONY: all server test asan lint bench deep clean
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
clean:
	rm -rf build build-asan build-tsan build-fuzz web/dist
