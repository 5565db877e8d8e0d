// Command kernels builds and checks the CUDA kernels without a GPU:
//
//	go run ./scripts/kernels build   compile cuda/kernels/*.cu to PTX (make kernels)
//	go run ./scripts/kernels check   committed PTX against its source; registers, shared memory, spills, tensor-core and wide
//	                                 instructions of four architectures against cuda/kernels/limits.tsv (make kernels-check)
//	go run ./scripts/kernels limits  write that table anew
//	go run ./scripts/kernels tools   only see that the compiler is there, and fetch it when it is not
//
// The compiler's parts come from PyPI by name, once, into the cache.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	verbs := map[string]func(tools) error{"build": build, "check": check, "limits": writeLimits, "tools": func(tools) error { return nil }}
	if len(args) != 1 || verbs[args[0]] == nil {
		return fmt.Errorf("usage: kernels build | check | limits | tools")
	}
	t, err := fetchTools()
	if err != nil {
		return err
	}
	return verbs[args[0]](t)
}
