# classlens: make help
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 30s
OUT         ?= out
# Only to end what hangs: the longest package takes two minutes on two cores, and a machine may be slow, or busy.
LIMIT       := -timeout 1h

# The program has its CUDA device layer where that can be linked (cuda/driver); it starts and works without a driver all the same. A plain `go build ./...`
# gives the program without it.
TAGS := $(if $(filter x86_64 amd64,$(shell uname -m)),cuda)
export CGO_CFLAGS := -g -O2 -I$(CURDIR)/cuda/include

# Where no Go is installed, setup keeps one in the cache.
SETUP_GO := $(shell ./scripts/setup.sh --env)
export PATH := $(if $(SETUP_GO),$(SETUP_GO):)$(PATH)

.PHONY: help setup build demo test race lint fuzz bench synth golden clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## system packages, Go, modules, pretrained nets; a second run does nothing
	@./scripts/setup.sh

build: ## bin/classlens and bin/synthroom
	go build -tags "$(TAGS)" -o bin/ ./cmd/...

demo: setup build ## analyze samples/lesson.mp4 and say where the report is
	bin/classlens analyze samples/lesson.mp4 --out $(OUT)
	@echo "open $(OUT)/lesson/report.html"

test: setup ## all tests, without a GPU: kernels and device on the simulated one, everything else on the CPU, with and without the device layer
	go build ./...
	go build -tags "$(TAGS)" ./...
	go test $(LIMIT) -tags "$(TAGS)" $$(go list ./... | grep -v /cuda/)
	@$(MAKE) --no-print-directory test-plain $(if $(TAGS),test-asan test-cuda)

.PHONY: test-plain test-asan test-cuda gpu-check bench-gpu
test-plain: # what differs in a build without the device layer
	go test $(LIMIT) ./cuda/...
	go test $(LIMIT) -run 'Device|Gorgonia' ./model ./model/classroom ./model/train ./internal/analysis ./internal/learner/recurrent ./cmd/classlens

test-asan: # the C kernels under gcc's address sanitizer
	go test $(LIMIT) -asan ./vision/track/lucas
	go test $(LIMIT) -asan -run 'KernelsEqual|EveryAllocation|ConcurrentRuns|MemoryIsGiven|EqualONNXRuntime|DamagedGraphs' ./model

test-cuda: ## the device layer, the kernels and the networks on the simulated device, as inexact as a card may be, and what the tests see of the kernels
	@./scripts/cuda-simulator.sh --tests
	@export CLASSLENS_LIBCUDA=$$(./scripts/cuda-simulator.sh) && CLASSLENS_SIM_ROUGH=1 go test $(LIMIT) -tags cuda ./cuda/... && \
	go test $(LIMIT) -tags cuda -run Device ./model ./model/classroom ./model/train ./vision/people ./vision/clip ./internal/analysis ./cmd/classlens
	@./scripts/gpu-check.sh --dry
	@$(MAKE) --no-print-directory cuda-report mutants-few kernels-check-possible

gpu-check: setup ## pack build/gpu-check.tar.xz: tests, benchmarks and a short training for a machine with a card, which needs nothing but its driver
	@./scripts/gpu-check.sh

bench-gpu: setup ## the networks on this machine's GPU beside PyTorch; without one it says so
	@./scripts/bench-gpu.sh

.PHONY: kernels kernels-check kernels-check-possible mutants mutants-few cuda-report
kernels: ## compile cuda/kernels/*.cu to the PTX that ships (fetches NVRTC from PyPI once)
	go run ./scripts/kernels build

kernels-check: ## PTX against its source; registers, spills, tensor-core and wide instructions of four architectures against a table
	go run ./scripts/kernels check

kernels-check-possible: # the same where the compiler is in the cache or can be fetched
	@if go run ./scripts/kernels tools; then go run ./scripts/kernels check; else echo "kernels: without the compiler the PTX is held to the hash of its source only"; fi

mutants: ## change one PTX instruction at a time and see whether the kernels' tests notice; MUTANTS a kernel, 0 for all, and keep the result
	go run ./scripts/cudareport mutants -mutants $(or $(MUTANTS),40) -v -min-killed 95 -write

mutants-few: # a few of them, for CI: that the tests have not become blind
	go run ./scripts/cudareport mutants -mutants 3 -v -min-killed 90

cuda-report: ## a line a kernel: coverage, mutants, registers, spills, replays; fails where a kernel is below 95 % coverage or of its mutants, or when a count grew
	go run ./scripts/cudareport report -min-coverage 95 -min-killed 95

race: setup ## the tests of the concurrent packages under the race detector
	go test $(LIMIT) -race -short ./internal/... ./model/... ./cmd/...

lint: ## gofmt, go vet, staticcheck, the import table and the house rules
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go vet -tags "$(TAGS)" ./...
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags "$(TAGS)" ./cuda/... ./model/... ./internal/analysis ./cmd/classlens
	go run ./scripts/houserules

bench: setup ## the engine against ONNX Runtime, the learner's LSTM against PyTorch, 10.6 million clicks imported
	go run -tags bench ./model/bench
	go run -tags bench ./internal/learner/recurrent/bench
	go run -tags bench ./internal/learner/synthlog/bench

synth: setup ## fetch the figures' assets and draw samples/lesson.mp4 and its truth again
	go run ./cmd/synthroom assets
	go run ./cmd/synthroom lesson

fuzz: setup ## every parser of files that are not ours, FUZZTIME each
	for t in FuzzMP4 FuzzMatroska FuzzAVI FuzzTS; do go test ./vision/probe -run '^$$' -fuzz "^$$t$$" -fuzztime $(FUZZTIME) || exit 1; done
	go test ./vision/video -run '^$$' -fuzz '^FuzzReadMessage$$' -fuzztime $(FUZZTIME)
	go test ./model -run '^$$' -fuzz '^FuzzLoad$$' -fuzztime $(FUZZTIME)
	go test ./internal/label -run '^$$' -fuzz '^FuzzLabels$$' -fuzztime $(FUZZTIME)

golden: ## rewrite the golden files; read the diff before committing
	UPDATE_GOLDEN=1 go test ./internal/timeline ./internal/report ./internal/analysis ./cmd/classlens

clean: ## remove what make built; the cache of nets stays
	rm -rf bin build $(OUT)
