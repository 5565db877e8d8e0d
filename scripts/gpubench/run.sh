#!/usr/bin/env bash
# Tries classlens' CUDA half on this machine in less than 8 minutes and writes result.txt beside this script: tests, compute-sanitizer where it is
# installed, benchmarks, a short training. Needs an NVIDIA driver (535 or newer), glibc 2.34 (Debian 12, Ubuntu 22.04, RHEL 9) and nothing else; PyTorch is compared with where python3 has torch and
# onnx. --small is a dry run on the simulated device.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
result=$here/result.txt
small=${1:-}
export CLASSLENS_CACHE=$here/cache
failed=0
: >"$result"
say() { echo "$*" | tee -a "$result"; }
# step NAME SECONDS COMMAND... : runs it in its time and keeps the end of what it said
step() {
	local name=$1 limit=$2 begin=$SECONDS code=0
	shift 2
	timeout "$limit" "$@" >"$here/out.txt" 2>&1 || code=$?
	case $code in
	0) say "$name: passed in $((SECONDS - begin)) s" ;;
	124) say "$name: FAILED, not done after $limit s"; failed=1 ;;
	*) say "$name: FAILED with exit code $code"; failed=1 ;;
	esac
	grep -E '^gpubench:|^(ok|FAIL|PASS)|--- (FAIL|SKIP)|ERROR SUMMARY' "$here/out.txt" | tail -40 | sed 's/^/  /' >>"$result"
	[ "$code" = 0 ] || tail -30 "$here/out.txt" | sed 's/^/  | /' >>"$result"
}
tests() { # FOLDER SECONDS FLAGS...
	local folder=$1 limit=$2
	shift 2
	step "tests of $folder" "$limit" bash -c 'cd "$1" && shift && exec ./tests "$@"' - "$here/$folder" -test.count=1 -test.timeout="${limit}s" "$@"
}

say "classlens gpu-check, $(date -u +%Y-%m-%dT%H:%MZ), $(uname -sm)"
if ! why=$("$here/gpubench" -h 2>&1); then
	say "result: FAILED, the programs do not start here: $(head -1 <<<"$why")"
	case $why in *GLIBC*) say "they need glibc 2.34 or newer: Debian 12, Ubuntu 22.04, RHEL 9, or a container of one of these (docker run --gpus all)" ;; esac
	exit 1
fi
if command -v nvidia-smi >/dev/null; then
	nvidia-smi --query-gpu=name,uuid,driver_version,memory.total,power.limit --format=csv,noheader 2>&1 | while read -r l; do say "card: $l"; done
fi
if ! devices=$("$here/gpubench" -list); then
	say "$devices"
	say "result: FAILED, there is no card to try"
	exit 1
fi
say "$devices"
# The driver's tests of a missing driver, of faults and of its sources need another environment than this one.
elsewhere='Missing|EveryCall|Endless|Absent|Header|Shim|Stub'
if [ "$small" = --small ]; then
	# Interpreted, on a machine that may be slow or busy: only what hangs is ended.
	tests cuda/driver 3600 -test.skip "$elsewhere"
	tests cuda/kernels 3600 -test.run 'Softmax|Peaks|PTX'
	tests model/classroom 3600 -test.run 'OnDevice'
	step "benchmarks and ten training steps" 3600 "$here/gpubench" -small
else
	tests cuda/driver 40 -test.skip "$elsewhere"
	tests cuda/kernels 120
	tests model 60 -test.run Device
	tests model/classroom 30 -test.run Device
	tests model/train 30 -test.run Device
	sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
	if [ -n "$sanitizer" ]; then
		for tool in memcheck racecheck; do
			step "compute-sanitizer $tool" 45 bash -c 'cd "$1" && exec "$2" --tool "$3" --error-exitcode 9 ./tests -test.run "Softmax|Pointwise|Peaks|BatchNorm|Attention" -test.short' - "$here/cuda/kernels" "$sanitizer" "$tool"
		done
	else
		say "compute-sanitizer: not installed, left out"
	fi
	if [ -z "${CLASSLENS_BENCH_PYTHON:-}" ] && python3 -c 'import onnx, torch; assert torch.cuda.is_available()' 2>/dev/null; then
		export CLASSLENS_BENCH_PYTHON=python3
	fi
	step "benchmarks and ten training steps" 110 "$here/gpubench" -seconds 0.5
fi
rm -f "$here/out.txt"
if [ "$failed" = 0 ]; then say "result: all passed in $SECONDS s"; else say "result: FAILED in $SECONDS s"; fi
exit "$failed"
