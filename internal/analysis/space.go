package analysis

import (
	"fmt"

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

// needs is how many bytes of disk the run takes at most while it works.
func (r *run) needs() float64 {
	info := r.recording.Info()
	pixels := float64(info.Width) * float64(info.Height)
	steps := info.Duration/r.options.Config.Video.StepSeconds + 1
	n := outputBytes + steps*(bytesPerPixel*pixels+flowBytes+keptBytes)
	if r.options.Annotate {
		n += annotatedBytes * pixels * info.Duration
	}
	return n
}

// enoughSpace refuses a run that would fill the disk.
func (r *run) enoughSpace() error {
	var s unix.Statfs_t
	if err := unix.Statfs(r.folder, &s); err != nil {
		return nil // the file system does not say; if it fills up, writing reports it
	}
	free := float64(s.Bavail) * float64(s.Bsize)
	if need := r.needs(); need > free {
		return fmt.Errorf("%s: the analysis needs about %.0f MB of disk in %s (most of it for temporary pictures), and %.0f MB are free; free some, or choose another --out folder",
			r.path, need/1e6, r.folder, free/1e6)
	}
	return nil
}
