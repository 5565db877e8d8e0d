package analysis

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// What a run writes, for the estimate before it begins. Measured: a picture at
// JPEG quality 95 takes 0.15 to 0.3 bytes per pixel, a step's flow 230 KB, the saved results of
// a step with 40 people 60 KB, and a minute of annotated video at 1280x720 10 MB.
const (
	bytesPerPixel  = 0.3
	flowBytes      = 4 * 320 * 180
	keptBytes      = 60 << 10
	outputBytes    = 16 << 20
	annotatedBytes = 0.2 // per pixel and second
)

// needs is how many bytes of disk the run takes at most: for temporary pictures, and for what is kept.
func (r *run) needs() (pictures, kept float64) {
	info := r.recording.Info()
	pixels := float64(info.Width) * float64(info.Height)
	steps := info.Duration/r.options.Config.Video.StepSeconds + 1
	pictures, kept = steps*(bytesPerPixel*pixels+flowBytes), outputBytes+steps*keptBytes
	if r.options.Annotate {
		kept += annotatedBytes * pixels * info.Duration
	}
	return pictures, kept
}

// scratch is the folder for temporary pictures.
func (r *run) scratch() string {
	if s := r.options.Config.Run.Scratch; s != "" {
		return s
	}
	return r.folder
}

// enoughSpace refuses a run that would fill the disk.
func (r *run) enoughSpace() error {
	pictures, kept := r.needs()
	if r.scratch() != r.folder {
		if free := free(r.scratch()); pictures > free {
			return fmt.Errorf("%s: the analysis needs about %.0f MB of disk in %s for temporary pictures, and %.0f MB are free; free some, or name another folder in run.scratch", r.path, pictures/1e6, r.scratch(), free/1e6)
		}
		pictures = 0
	}
	if free := free(r.folder); pictures+kept > free {
		most := ""
		if pictures > kept {
			most = " (most of it for temporary pictures)"
		}
		return fmt.Errorf("%s: the analysis needs about %.0f MB of disk in %s%s, and %.0f MB are free; free some, or choose another --out folder", r.path, (pictures+kept)/1e6, r.folder, most, free/1e6)
	}
	return nil
}

// free is how many bytes a folder's file system has room for; infinite if it does not say: if it fills up, writing reports it.
func free(folder string) float64 {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return math.Inf(1)
	}
	return float64(s.Bavail) * float64(s.Bsize)
}
