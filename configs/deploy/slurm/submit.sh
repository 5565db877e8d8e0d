#!/bin/bash
# submit.sh RECORDINGS OUT [SHARES] [SBATCH-OPTION...]: analyzes a folder of recordings as an array of jobs, and tells afterwards how each recording ended.
#
#   ./submit.sh /srv/lessons /srv/results                                        16 tasks on CPUs
#   DEVICE=cuda ./submit.sh /srv/lessons /srv/results 8 --gres=gpu:1 --mem=8G    8 tasks with a GPU each; where there is none a task fails (exit code 1)
#   ./submit.sh /srv/lessons /srv/results 400 --array=0-399%64 --constraint=zen4 more shares than nodes even out long lessons; one kind of processor, see docs/operating.md
#
# CLASSLENS is the program (default: classlens), on a path that all nodes see; CLASSLENS_CACHE holds its nets.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 2 ]; then sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
RECORDINGS=$(realpath "$1"); OUT=$(realpath -m "$2"); shift 2
SHARES=16
if [[ ${1:-} =~ ^[0-9]+$ ]]; then SHARES=$1; shift; fi
export RECORDINGS OUT SHARES DEVICE="${DEVICE:-auto}" CLASSLENS="${CLASSLENS:-classlens}"
job=$(sbatch --parsable --export=ALL --array="0-$((SHARES - 1))" "$@" "$here/analyze.sbatch")
check=$(sbatch --parsable --export=ALL --dependency="afterany:${job%%;*}" "$here/check.sbatch")
echo "jobs $job (array of $SHARES) and $check (check, when all tasks have ended)"
