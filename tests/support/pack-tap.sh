#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Check one pack folder and say it in TAP.
dir=$1
if out=$("$KHUE_BIN" pack check "$dir" 2>&1); then
    echo "ok 1 - pack check $(basename "$dir")"
else
    echo "$out"
    echo "not ok 1 - pack check $(basename "$dir")"
    exit 1
fi
