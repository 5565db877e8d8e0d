// Package kernels holds the project's CUDA kernels: one op a file, in CUDA C++ and in
// the PTX that NVRTC made of it, which is what ships. `make kernels` compiles them
// anew; a test holds each PTX to the hash of its source. Shapes, formulas, launches
// and what bounds each kernel stand at the head of its .cu file; cuda/exec launches them.
package kernels

import (
	"embed"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

//go:embed *.ptx
var files embed.FS

// Module is one PTX file: its text, and the kernels in it.
type Module struct {
	Name    string // of the file, without .ptx
	PTX     string
	Kernels []string
}

var entry = regexp.MustCompile(`(?m)^\.visible \.entry (\w+)\(`)

// Modules are all PTX files, by name.
func Modules() []Module {
	list, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Sprintf("kernels: %v", err)) // the folder is part of the program
	}
	var all []Module
	for _, f := range list {
		text, err := files.ReadFile(f.Name())
		if err != nil {
			panic(fmt.Sprintf("kernels: %v", err))
		}
		m := Module{Name: strings.TrimSuffix(f.Name(), ".ptx"), PTX: string(text)}
		for _, e := range entry.FindAllStringSubmatch(m.PTX, -1) {
			m.Kernels = append(m.Kernels, e[1])
		}
		all = append(all, m)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}
