# classlens: make help
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 30s
OUT         ?= out

# Where no Go is installed, setup keeps one in the cache.
SETUP_GO := $(shell ./scripts/setup.sh --env)
export PATH := $(if $(SETUP_GO),$(SETUP_GO):)$(PATH)
# The project's own cuda.h (declarations only): gorgonia.org/cu finds it here.
export CGO_CFLAGS := -I$(CURDIR)/cuda/include -O2 -g
GOFLAGS_CUDA := -tags cuda
