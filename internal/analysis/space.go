package analysis

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// What a run writes, for the estimate before it begins. Measured: a picture at
// JPEG quality 95 takes 0.15 to 0.3 bytes a pixel, a step's flow 230 KB, what is kept of
// a step with 40 people 60 KB, and a minute of annotated video at 1280x720 10 MB.
const (
	bytesPerPixel  = 0.3
	flowBytes      = 4 * 320 * 180
	keptBytes      = 60 << 10
	outputBytes    = 16 << 20
	annotatedBytes = 0.2 // a pixel and second
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

// enoughSpace refuses to begin what the disk cannot hold.
func (r *run) enoughSpace() error {
	var s unix.Statfs_t
	if err := unix.Statfs(r.folder, &s); err != nil {
		return nil // a file system that does not say; a full one is told when it is full
	}
	free := float64(s.Bavail) * float64(s.Bsize)
	if need := r.needs(); need > free {
		return fmt.Errorf("%s: the analysis needs about %.0f MB of disk in %s (most of it for temporary pictures), and %.0f MB are free; free some, or choose another --out folder",
			r.path, need/1e6, r.folder, free/1e6)
	}
	return nil
}
