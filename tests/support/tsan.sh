#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests of the threaded parts under ThreadSanitizer.
dir=$1
status=0
export TSAN_OPTIONS="halt_on_error=0:exitcode=66:suppressions=$(dirname "$0")/tsan.supp"
for store in sqlite postgres; do
    KHUE_TEST_STORE=$store meson test -C "$dir" --no-rebuild --num-processes 1 --suite threads \
        --logbase "tsan-$store" >/dev/null 2>&1 || status=1
    node "$(dirname "$0")/meson-tap.mjs" "$dir/meson-logs/tsan-$store.json"
done
exit $status
