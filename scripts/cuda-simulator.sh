#!/usr/bin/env bash
# Builds the simulated device from cuda/simulator/src into build/cuda and prints the path of its library, the value for
# CLASSLENS_LIBCUDA. Needs g++ only. What is built already is not built again; --tests builds and runs its own tests instead.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/cuda
src=cuda/simulator/src
cxx=${CXX:-g++}
# No contraction: a fused multiply-add is its own PTX instruction. No errno and traps: the lane loops become vector code.
flags=(-std=c++17 -O3 -march="${ARCH:-native}" -ffp-contract=off -fno-math-errno -fno-trapping-math -fwrapv -fPIC -fvisibility=hidden
	-pthread -Wall -Wextra -Wno-parentheses)
command -v "$cxx" >/dev/null || { echo "cuda-simulator: $cxx is missing; run make setup" >&2; exit 1; }
machine=$(grep -m1 '^flags' /proc/cpuinfo 2>/dev/null | sha256sum | cut -c1-8)
settings=$(printf '%s ' "$cxx" "${flags[@]}" "$machine" | sha256sum | cut -c1-12)
objects=$out/objects-$settings
mkdir -p "$objects"

# An object is named by the hash of what it is made from.
headers=$(cat $src/*.h cuda/include/*.h | sha256sum | cut -c1-12)
object() { echo "$objects/$(basename "$1" .cc)-$(cat "$1" <(echo "$headers") | sha256sum | cut -c1-12).o"; }
compile() {
	local o; o=$(object "$1")
	[ -f "$o" ] && return
	"$cxx" "${flags[@]}" -I$src -c "$1" -o "$o.part"
	mv "$o.part" "$o"
}
running=0
failed=0
build_all() {
	for f in "$@"; do
		compile "$f" &
		running=$((running + 1))
		if [ "$running" -ge "$(nproc)" ]; then wait -n || failed=1; running=$((running - 1)); fi
	done
	while [ "$running" -gt 0 ]; do wait -n || failed=1; running=$((running - 1)); done
	[ "$failed" = 0 ] || { echo "cuda-simulator: it does not compile" >&2; exit 1; }
}

build_all $src/*.cc
list=(); for f in $src/*.cc; do list+=("$(object "$f")"); done
if [ "${1:-}" = --tests ]; then
	build_all cuda/simulator/tests/*.cc
	for f in cuda/simulator/tests/*.cc; do list+=("$(object "$f")"); done
	"$cxx" -pthread -o "$out/simulator-tests" "${list[@]}"
	"$out/simulator-tests"
	exit
fi
library=$out/libcuda_sim-$(printf '%s\n' "${list[@]}" | sha256sum | cut -c1-12).so
if [ ! -f "$library" ]; then
	"$cxx" -shared -pthread -Wl,-soname,libcuda.so.1 -o "$library.part" "${list[@]}"
	mv "$library.part" "$library"
	find "$out" -maxdepth 1 -name 'libcuda_sim-*.so' ! -path "$library" -delete
fi
ln -sf "$(basename "$library")" "$out/libcuda_sim.so"
echo "$PWD/$library"
