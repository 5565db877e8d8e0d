#!/usr/bin/env bash
# The networks on a real card beside PyTorch on the same card. Without a card it says so and ends well. PyTorch is that of
# CLASSLENS_BENCH_PYTHON, else of python3 where it sees the card, else it is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${CLASSLENS_BENCH_PYTHON:-}" ] && python3 -c 'import onnx, torch; assert torch.cuda.is_available()' 2>/dev/null; then
	export CLASSLENS_BENCH_PYTHON=python3
fi
exec go run -tags cuda ./scripts/gpubench
