package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"classlens/model/cpu"
	"classlens/model/pretrained"
	"classlens/vision/video"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func newDoctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Report what this machine has, and what to do about what is missing",
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

// doctor prints one line for each thing it looks at, and counts what is missing.
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
	d.good("cpu", fmt.Sprintf("cores for this process: %d, kernels %s", runtime.GOMAXPROCS(0), strings.Join(cpu.ISAs(), ", ")))
	for _, name := range pretrained.Names() {
		switch path, err := pretrained.Check(name); {
		case errors.Is(err, pretrained.ErrMissing):
			d.bad("net", name, "run make setup (or classlens setup)")
		case err != nil:
			d.bad("net", name, err.Error())
		default:
			d.good("net", name+" "+path)
		}
	}
	d.gpus()
	d.tools()
	if dir := os.TempDir(); !writable(dir) {
		d.bad("temp", dir+" cannot be written", "set TMPDIR to a folder that can")
	}
}

// tools looks for programs that only single commands call, and for space on the disk.
func (d *doctor) tools() {
	for _, t := range []struct{ name, why string }{
		{"ffmpeg", "tests and synthroom make clips with it; analyze does not need it"},
		{"npm", "setup fetches the people nets with it; not needed afterwards"},
	} {
		if path, err := exec.LookPath(t.name); err != nil {
			d.note("tool", t.name+" is not installed: "+t.why+" (apt-get install "+t.name+")")
		} else {
			d.good("tool", t.name+" "+path)
		}
	}
	var s unix.Statfs_t
	if err := unix.Statfs(".", &s); err == nil {
		d.good("disk", fmt.Sprintf("%.1f GB free here; an hour at 1280x720 needs about 2 GB while it is analyzed", float64(s.Bavail)*float64(s.Bsize)/1e9))
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
