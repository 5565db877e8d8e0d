package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"classlens/model/cpu"
	"classlens/model/pretrained"
	"classlens/vision/video"

	"github.com/spf13/cobra"
)

func newDoctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine has, and what to do about what it lacks",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := doctor{out: func(line string) { fmt.Fprintln(cmd.OutOrStdout(), line) }}
			d.examine()
			if d.lacking > 0 {
				return outcome{code: exitFailed}
			}
			return nil
		},
	}
}

// doctor looks at one thing after the other.
type doctor struct {
	out     func(string)
	lacking int
}

func (d *doctor) good(what, found string) { d.out(fmt.Sprintf("ok       %-10s %s", what, found)) }
func (d *doctor) note(what, found string) { d.out(fmt.Sprintf("note     %-10s %s", what, found)) }
func (d *doctor) bad(what, found, mend string) {
	d.lacking++
	d.out(fmt.Sprintf("missing  %-10s %s: %s", what, found, mend))
}

func (d *doctor) examine() {
	d.good("program", "classlens "+version+", "+runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH)
	d.good("video", video.Versions())
	d.good("cpu", fmt.Sprintf("%d cores, kernels %s", runtime.NumCPU(), strings.Join(cpu.ISAs(), ", ")))
	for _, name := range pretrained.Names() {
		if path, err := pretrained.Path(name); err != nil {
			d.bad("net", name, "run make setup (or classlens setup)")
		} else {
			d.good("net", name+" "+path)
		}
	}
	d.gpus()
	if dir := os.TempDir(); !writable(dir) {
		d.bad("temp", dir+" cannot be written", "set TMPDIR to a folder that can")
	}
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, "classlens-*")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}
