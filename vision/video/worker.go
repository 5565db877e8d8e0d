package video

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"classlens/vision/scene"

	"golang.org/x/sys/unix"
)

// workerMark in the environment makes the program the decoding child.
const workerMark = "CLASSLENS_DECODE_WORKER"

// job is what the parent asks of the child, as JSON on standard input.
type job struct {
	Path    string
	Options Options
	Info    Info // from the probe
}

// RunWorkerIfAsked makes this process the decoding child when its environment
// says so, and does not return then. It is the first line of main, and of
// TestMain where tests decode.
func RunWorkerIfAsked() {
	if os.Getenv(workerMark) == "" {
		return
	}
	runtime.LockOSThread() // the reason of a failure is kept by thread
	var j job
	out := bufio.NewWriterSize(os.NewFile(3, "steps"), pipeBuffer)
	_, _ = unix.FcntlInt(3, unix.F_SETPIPE_SZ, pipeSize) // where it may not be as large the two processes wait for each other more often
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, "decoder:", err)
		os.Exit(2)
	}
	most := mapped() + j.Options.MemoryBytes // OpenCV's libraries and what Go sets aside are mapped before a picture is
	limit := unix.Rlimit{Cur: most, Max: most}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		fmt.Fprintln(os.Stderr, "decoder: memory limit:", err)
	}
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // no core file with a classroom in it
	w := &worker{job: j, out: out, started: time.Now(), most: most}
	if err := w.run(); err != nil {
		class := "decode"
		switch {
		case errors.Is(err, ErrMemory):
			class = "memory"
		case errors.Is(err, ErrNoVideo):
			class = "novideo"
		}
		_ = writeGob(out, msgFail, failure{class, err.Error()}) // a parent that is gone needs no news
		os.Exit(1)
	}
	os.Exit(0)
}

// mapped is the address space in use, in bytes; 0 where the system does not tell.
func mapped() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	pages, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// decoderThreads are the most that FFmpeg decodes with: what it takes itself at most, and advises against more.
const decoderThreads = 16

// worker decodes one recording from its first frame to its last.
type worker struct {
	job
	out      *bufio.Writer
	cap      *capture
	started  time.Time
	lastNews time.Time
	most     uint64 // bytes of address space that it may map

	width, height int
	frame         int     // index of the current frame
	time          float64 // of the current frame, from the first
	origin        float64 // the first frame's timestamp, seconds
	spacing       float64 // seconds between frames, as declared
	lost          int     // grabs that failed before a frame
	known, uneven int     // frames with a time of their own; of them, those that do not keep to spacing
	pace          float64 // seconds between the last two of them
	paced         int     // how many in a row kept to pace

	before  scene.Gray // the frame before a step, for flow
	between []scene.Gray
	seen    scene.Gray // the last frame looked at for cuts

	pictured bool // a frame was not only grabbed but became a picture
	steps    stepState
}

func (w *worker) run() error {
	setThreads(1) // flow on small grids gains nothing from more, and the parent has work too
	setDecoderThreads(decoderThreads)
	c, err := openCapture(w.Path, w.turn())
	if err != nil {
		return fmt.Errorf("%w: %v", ErrNoVideo, err)
	}
	defer c.close()
	w.cap = c
	if err := w.describe(); err != nil {
		return err
	}
	if err := writeGob(w.out, msgInfo, w.Info); err != nil {
		return err
	}
	if err := w.frames(); err != nil {
		return err
	}
	w.Info.Seconds = time.Since(w.started).Seconds()
	return writeGob(w.out, msgEnd, w.Info)
}

// turn is what openCapture is asked for. Where the container's own words are known they are followed: OpenCV 4.6, Debian's and Ubuntu's, turns a telephone's upright
// pictures the wrong way round, so that they stand on their heads. Of other containers, which telephones do not write, OpenCV knows more than the probe.
func (w *worker) turn() int {
	if w.Info.Container != "mp4" {
		return turnByDecoder
	}
	if w.Info.Rotation%90 != 0 {
		w.Info.Rotation = 0 // a slanted picture is shown as it was taken
	}
	return w.Info.Rotation
}

// describe fills in what the probe could not say.
func (w *worker) describe() error {
	w.width, w.height = int(w.cap.get(propWidth)), int(w.cap.get(propHeight))
	if w.width < 2 || w.height < 2 || !w.Options.Limits.Fits(w.width, w.height) {
		return fmt.Errorf("%w: its pictures are %dx%d", ErrNoVideo, w.width, w.height)
	}
	fps := w.cap.get(propFPS)
	if !(fps > 0.1 && fps <= w.Options.Limits.MaxFPS) {
		fps = 25 // a container that does not say; timestamps then tell
	}
	w.spacing = 1 / fps
	w.Info.Width, w.Info.Height, w.Info.FPS = w.width, w.height, fps
	if n := w.cap.get(propFrameCount); n > 0 && n < 1e9 && w.Info.Declared == 0 {
		w.Info.Declared = int(n)
	}
	if w.Info.Duration == 0 && w.Info.Declared > 0 {
		w.Info.Duration = float64(w.Info.Declared) / fps
	}
	return nil
}

// frames grabs every frame to the declared end. The first failure is not the
// end: after damage, frames follow.
func (w *worker) frames() error {
	patience := max(250, int(10/w.spacing))
	failures := 0
	for failures < patience {
		if !w.cap.grab() {
			failures++
			if w.Info.Declared > 0 && w.frame+failures >= w.Info.Declared {
				break
			}
			w.alive()
			continue
		}
		if err := w.taken(failures); err != nil {
			return err
		}
		failures = 0
	}
	if !w.pictured && w.cramped() {
		return ErrMemory
	}
	if w.Info.Frames == 0 {
		return fmt.Errorf("%w: not one frame", ErrNoVideo)
	}
	return w.missingEnd()
}

// cramped tells whether what a decoder needs for pictures of this size, some of them in its own form and in ours, would not fit: FFmpeg does not say
// why it gives none.
func (w *worker) cramped() bool {
	const pictures = 8
	left := uint64(0)
	if used := mapped(); used < w.most {
		left = w.most - used
	}
	return pictures*3*uint64(w.width)*uint64(w.height) > left
}

// taken deals with one grabbed frame; lost is how many grabs failed before it.
func (w *worker) taken(lost int) error {
	previous := w.time
	w.clock(lost)
	if w.Info.Frames++; w.Info.Frames > 1 && w.time-previous > gapSeconds(w.spacing) {
		if err := w.gap(previous, w.time, "frames are missing or damaged"); err != nil {
			return err
		}
	}
	if err := w.look(); err != nil {
		return err
	}
	w.frame++
	w.alive()
	return nil
}

// gapSeconds is how long a hole must be to be told: two seconds, or ten frames
// of a slow camera.
func gapSeconds(spacing float64) float64 { return math.Max(2, 10*spacing) }

// clock sets the current frame's time: the decoder's, from 0, where it moves on
// sensibly; the frame before's and one spacing where it does not (the last frames of
// streams with B-frames report 0, and time steps back around damage).
func (w *worker) clock(lost int) {
	stamp := w.cap.get(propPosMsec) / 1000
	if w.Info.Frames == 0 {
		w.origin, w.time = stamp, 0
		return
	}
	next := stamp - w.origin
	ahead := next - w.time
	limit := math.Max(60, 2*w.Info.Duration)
	w.lost += lost
	if ahead <= 0.05*w.spacing || ahead > limit || math.IsNaN(ahead) {
		w.time += w.guess(lost)
		return
	}
	w.time = next
	if w.known++; math.Abs(ahead-w.spacing) > w.spacing/4 {
		w.uneven++
	}
	if w.paced++; math.Abs(ahead-w.pace) > w.pace/10 {
		w.paced = 0
	}
	w.pace = ahead
}

// guess is how far the current frame is from the one before where the decoder does not say. The last frames have no time, as many as the decoder is behind: one for
// each of its threads, so that on many processors they are a second of a usual recording and far more of one whose frames are few. If all before
// came evenly, so do they; else they keep the pace of those just before, if the recording is that long, or are spread over what is left of it.
func (w *worker) guess(lost int) float64 {
	left := w.Info.Declared - w.Info.Frames // with the current one
	if w.lost > 0 || left <= 0 || left > 2*decoderThreads || 20*w.uneven <= w.known {
		return w.spacing * float64(1+lost)
	}
	if w.paced > 0 && w.time+float64(left)*w.pace < w.Info.Duration+w.spacing {
		return w.pace
	}
	each := (w.Info.Duration - w.time) / float64(left+1)
	return min(max(each, w.spacing/10), 10*w.spacing)
}

func (w *worker) gap(start, end float64, reason string) error {
	return writeGob(w.out, msgGap, scene.Gap{Start: start, End: end, Reason: reason})
}

// missingEnd tells of a recording that ends before its declared end.
func (w *worker) missingEnd() error {
	end := w.time + w.spacing
	if w.Info.Duration-end > gapSeconds(w.spacing) {
		return w.gap(end, w.Info.Duration, "the file ends early")
	}
	return nil
}

// alive tells the parent now and then that work goes on.
func (w *worker) alive() {
	if time.Since(w.lastNews) > time.Second {
		w.lastNews = time.Now()
		_ = writeMessage(w.out, msgAlive, nil) // a parent that is gone closes the pipe, and the next write ends us
	}
}
