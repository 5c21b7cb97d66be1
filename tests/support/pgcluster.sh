#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pgcluster.sh start|stop|restart|kill|begin DIR: a private PostgreSQL cluster for tests in DIR, on a Unix
# socket only. start prints its address for KHUE_TEST_PG_URL; stop removes DIR. Root hands the
# cluster to user postgres (or nobody), since PostgreSQL refuses to run as root.
set -eu

what=${1-} dir=${2-}
[ -n "$dir" ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb)")

as() {
    if [ "$(id -u)" = 0 ]; then
        user=postgres
        id -u postgres >/dev/null 2>&1 || user=nobody
        (cd / && runuser -u "$user" -- "$@")
    else
        "$@"
    fi
}

# Tests kill processes, not the machine: what was given to the kernel is there afterwards, so fsync
# would only slow them down.
begin() {
    as "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -s start \
        -o "-k $dir -c listen_addresses='' -c max_connections=200 -c shared_buffers=64MB -c fsync=off"
}

case $what in
start)
    mkdir -p "$dir"
    chmod 755 "$dir"
    [ "$(id -u)" != 0 ] || chown "$(id -u postgres 2>/dev/null || id -u nobody)" "$dir"
    as "$bin/initdb" -D "$dir/data" -U khue -A trust -E UTF8 --locale=C.UTF-8 -N >"$dir/initdb.log" 2>&1 ||
        { cat "$dir/initdb.log" >&2; exit 1; }
    begin >&2
    as "$bin/createdb" -h "$dir" -U khue khue_test
    echo "postgres:///khue_test?host=$dir&user=khue"
    ;;
stop)
    as "$bin/pg_ctl" -D "$dir/data" -m immediate -w -s stop || true
    rm -rf "$dir"
    ;;
restart)
    as "$bin/pg_ctl" -D "$dir/data" -m fast -w -s stop
    begin
    ;;
kill) # as a crash would; "restart" cannot be used after it, "begin" can
    as "$bin/pg_ctl" -D "$dir/data" -m immediate -w -s stop
    ;;
begin)
    begin
    ;;
*)
    echo "pgcluster.sh: what is '$what'?" >&2
    exit 2
    ;;
esac
