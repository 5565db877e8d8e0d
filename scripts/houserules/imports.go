package main

import (
	"fmt"
	"strings"
)

// rule says what packages below a folder may import of the project, and which
// outside modules are theirs alone. The table is that of docs/architecture.md.
type rule struct {
	folder string
	may    []string // project folders, each with all below it
}

// The most special folder comes first: the first match decides.
var rules = []rule{
	{"vision/scene", nil},
	{"vision", []string{"vision", "model"}},
	{"model", []string{"model", "vision/scene", "cuda", "internal/safefile"}},
	{"cuda", []string{"cuda"}},
	{"configs", nil},
	{"samples", []string{"samples"}},
	{"internal/safefile", nil},
	{"internal/config", []string{"configs"}},
	{"internal/label", []string{"internal/dataset", "internal/safefile", "internal/timeline", "model/metrics", "vision"}},
	{"internal", []string{"internal", "model", "vision", "configs", "cuda"}},
	{"cmd", []string{""}},
	{"scripts", []string{""}},
}

// owners are outside modules that one folder alone may import.
var owners = map[string][]string{
	"gocv.io/x/gocv":                  {"vision/video"},
	"gorgonia.org/cu":                 {"cuda"},
	"github.com/spf13/viper":          {"internal/config"},
	"github.com/yalue/onnxruntime_go": {"model/bench"},
}

const module = "classlens/"

func checkImports(packages []goPackage) []string {
	var found []string
	for _, p := range packages {
		folder := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			if text := forbidden(folder, imported); text != "" {
				found = append(found, text)
			}
		}
		for _, imported := range append(p.TestImports, p.XTestImports...) {
			if text := outsider(folder, imported); text != "" { // tests may wire stages together
				found = append(found, text)
			}
		}
	}
	return found
}

func forbidden(folder, imported string) string {
	if text := outsider(folder, imported); text != "" {
		return text
	}
	target, own := strings.CutPrefix(imported, module)
	if !own {
		return ""
	}
	for _, r := range rules {
		if !within(folder, r.folder) {
			continue
		}
		for _, may := range r.may {
			if within(target, may) {
				return ""
			}
		}
		return fmt.Sprintf("%s: imports %s, which the import table does not allow", folder, target)
	}
	return fmt.Sprintf("%s: is in no folder of the import table", folder)
}

func outsider(folder, imported string) string {
	for mod, homes := range owners {
		if !within(imported, mod) {
			continue
		}
		for _, home := range homes {
			if within(folder, home) {
				return ""
			}
		}
		return fmt.Sprintf("%s: only %s may import %s", folder, strings.Join(homes, ", "), mod)
	}
	return ""
}

func within(path, folder string) bool {
	return folder == "" || path == folder || strings.HasPrefix(path, folder+"/")
}
