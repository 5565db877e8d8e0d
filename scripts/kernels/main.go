// Command kernels builds and checks the CUDA kernels without a GPU:
//
//	go run ./scripts/kernels build   compile cuda/kernels/*.cu to PTX (make kernels)
//	go run ./scripts/kernels check   committed PTX against its source, and what ptxas makes of it (make kernels-check)
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
	if len(args) != 1 || (args[0] != "build" && args[0] != "check") {
		return fmt.Errorf("usage: kernels build | check")
	}
	t, err := fetchTools()
	if err != nil {
		return err
	}
	if args[0] == "build" {
		return build(t)
	}
	return same(t)
}
