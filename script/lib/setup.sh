# SPDX-License-Identifier: Apache-2.0
# Shared by script/server and script/test: packages, Node, the web build, the C build.
# Nothing but bash, Debian 12 and its package servers is assumed.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Run something that talks a lot: silent if it works, its last lines and a plain sentence if not.
quietly() { # SENTENCE COMMAND...
    local sentence=$1 out
    shift
    out=$(mktemp)
    "$@" >"$out" 2>&1 || {
        tail -n 40 "$out" >&2
        rm -f "$out"
        die "$sentence"
    }
    rm -f "$out"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

build_packages=(gcc g++ meson ninja-build pkg-config libsqlite3-dev libpq-dev libmicrohttpd-dev
    libcurl4-openssl-dev libssl-dev libargon2-dev libpcre2-dev libxml2-dev zlib1g-dev libzstd-dev
    libsimdjson-dev libunistring-dev libgeos-dev libintelrdfpmath-dev libpango1.0-dev libcairo2-dev
    libqrencode-dev fonts-liberation2 ca-certificates)
test_packages=(libcmocka-dev postgresql chromium clang libclang-rt-14-dev sqlite3 openssl curl
    procps util-linux libtest-json-schema-acceptance-perl poppler-utils)

# Install what is not there yet; silent and quick when nothing is missing.
need_packages() {
    local missing=() p
    local have
    # dpkg-query fails when it does not know one of them: that is the answer, not an error.
    have=$( (dpkg-query -W -f '${Package} ${Status}\n' "$@" 2>/dev/null || true) |
        awk '/ok installed/ {print $1}')
    for p in "$@"; do
        grep -qxF "$p" <<<"$have" || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null || die "this script knows Debian's apt-get only; install: ${missing[*]}"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "neither root nor sudo is at hand; as root: apt-get install ${missing[*]}"
    say "installing packages of Debian (some minutes): ${missing[*]}"
    quietly "the lists of packages could not be fetched (is there a network?)" \
        as_root apt-get update
    quietly "packages could not be installed: ${missing[*]}" as_root env \
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

node_is_new_enough() {
    command -v node >/dev/null && command -v npm >/dev/null &&
        node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||a===20&&b>=19?0:1)'
}

# Debian 12 has Node 18 and the portal needs 20.19: then the npm package node@22 goes into an
# ignored folder, first in PATH.
need_node() {
    [ -x .tools/node/node_modules/.bin/node ] && PATH="$top/.tools/node/node_modules/.bin:$PATH"
    node_is_new_enough && return 0
    command -v npm >/dev/null || need_packages nodejs npm
    node_is_new_enough && return 0
    say "installing node@22 into .tools/node"
    quietly "node@22 could not be fetched from npm" \
        npm install --no-fund --no-audit --prefix .tools/node node@22
    PATH="$top/.tools/node/node_modules/.bin:$PATH"
    node_is_new_enough || die "node 20.19 or newer could not be installed"
}

# True if anything below the given paths is newer than the stamp.
newer_than() {
    local stamp=$1
    shift
    [ ! -e "$stamp" ] || [ -n "$(find "$@" -newer "$stamp" -print -quit 2>/dev/null)" ]
}

build_web() {
    [ -f web/package.json ] || return 0
    newer_than web/dist/.stamp web/src web/public web/index.html web/package.json \
        web/package-lock.json web/vite.config.ts || return 0
    need_node
    if newer_than web/node_modules/.stamp web/package-lock.json; then
        say "fetching the portal's packages"
        quietly "the portal's packages could not be fetched" npm --prefix web ci --no-fund --no-audit
        touch web/node_modules/.stamp
    fi
    say "building the portal"
    quietly "the portal could not be built" npm --prefix web run build
    touch web/dist/.stamp
}

# build_c DIR [meson options]: configure once, build what changed.
build_c() {
    local dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        say "configuring $dir"
        quietly "$dir could not be configured; see $dir/meson-logs/meson-log.txt" \
            meson setup "$dir" -Dweb="$top/web/dist" "$@"
    fi
    [ ! -f "$dir/khue" ] && say "compiling $dir (some minutes)"
    ninja -C "$dir" >"$dir/build.log" 2>&1 || {
        grep -nE 'error|warning|FAILED' "$dir/build.log" | head -n 40 >&2
        die "the build failed; see $dir/build.log"
    }
}
