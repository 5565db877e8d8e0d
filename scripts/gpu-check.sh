#!/usr/bin/env bash
# Packs what a machine with a card needs to try the CUDA half: test and benchmark binaries (no Go, OpenCV or FFmpeg there), the stored results that they
# compare with, and run.sh. Prints the archive's path. With --dry it also unpacks it and runs a small part on the simulated device.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/gpu-check
most=60000000 # bytes of the archive
rm -rf "$out"
mkdir -p "$out/cuda/driver" "$out/cuda/kernels" "$out/model/testdata" "$out/model/classroom" "$out/model/train" "$out/cache/nets"
export CGO_CFLAGS="${CGO_CFLAGS:--g -O2 -I$PWD/cuda/include}"
for p in cuda/driver cuda/kernels model model/classroom model/train; do
	go test -c -tags cuda -ldflags='-s -w' -o "$out/$p/tests" "./$p"
done
go build -tags cuda -ldflags='-s -w' -o "$out/gpubench" ./scripts/gpubench
cp scripts/gpubench/run.sh scripts/gpubench/theirs.py "$out/"
cp model/testdata/pretrained.bin "$out/model/testdata/"
cp cuda/kernels/*.cu cuda/kernels/*.cuh cuda/kernels/*.ptx "$out/cuda/kernels/"
cache="${CLASSLENS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/classlens}"
for n in movenet-multipose centerface faceboxes; do
	cp "$cache"/nets/$n-*.onnx "$out/cache/nets/" 2>/dev/null || echo "gpu-check: $n is not set up (make setup): it is left out" >&2
done
# The binaries have much in common: xz finds it in a window wider than they are, even in its fastest mode.
tar -C build --sort=name -cf - gpu-check | xz --format=xz --lzma2=preset=1,dict=192MiB >build/gpu-check.tar.xz
size=$(stat -c %s build/gpu-check.tar.xz)
[ "$size" -lt "$most" ] || { echo "gpu-check: the archive has $size bytes, more than $most" >&2; exit 1; }
echo "gpu-check: build/gpu-check.tar.xz, $((size / 1000000)) MB: on the machine with the card,  tar xJf gpu-check.tar.xz && gpu-check/run.sh"
[ "${1:-}" = --dry ] || exit 0
library=$(scripts/cuda-simulator.sh)
dry=$(mktemp -d)
trap 'rm -rf "$dry"' EXIT
tar -C "$dry" -xJf build/gpu-check.tar.xz
# As a card: the tests' guards, memory that is kept and all else that a simulated device does not ask for.
CLASSLENS_LIBCUDA=$library CLASSLENS_SIM_AS_CARD=1 "$dry/gpu-check/run.sh" --small
grep -q '^result: all passed' "$dry/gpu-check/result.txt"
# What a card's row says is computed, with made-up times and so that it can be told.
for row in 'infer-1 ours_ms' 'centerface-64x64 ours_ms' 'train-2 ours_ms'; do
	grep -q "gpubench: dry run, times made up: $row .* share 0\.250" "$dry/gpu-check/result.txt" || { echo "gpu-check: no share of the limit for $row" >&2; exit 1; }
done
