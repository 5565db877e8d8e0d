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

// workerMark is the environment variable that makes the program a decoding child.
const workerMark = "CLASSLENS_DECODE_WORKER"

// job is the parent's request to the child, as JSON on standard input.
type job struct {
	Path    string
	Options Options
	Info    Info // from the probe
	Damaged bool // pieces of the container are missing
}

// RunWorkerIfAsked makes this process a decoding child, and does not return, if its
// environment says so. It must be the first line of main, and of TestMain where
// tests decode.
func RunWorkerIfAsked() {
	if os.Getenv(workerMark) == "" {
		return
	}
	runtime.LockOSThread() // see cvError
	var j job
	out := bufio.NewWriterSize(os.NewFile(3, "steps"), pipeBuffer)
	_, _ = unix.FcntlInt(3, unix.F_SETPIPE_SZ, pipeSize) // if that is not allowed, the two processes wait for each other more often
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, "decoder:", err)
		os.Exit(2)
	}
	most := mapped() + j.Options.MemoryBytes // OpenCV's libraries and Go's reserved address space are mapped already
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
		_ = writeGob(out, msgFail, failure{class, err.Error()}) // if the parent is gone, nobody needs to know
		os.Exit(1)
	}
	os.Exit(0)
}

// mapped is the address space in use, in bytes; 0 if the system does not say.
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

// decoderThreads is the most threads that FFmpeg decodes with: its own maximum, beyond which it warns.
const decoderThreads = 16

// worker decodes one recording from its first frame to its last.
type worker struct {
	job
	out      *bufio.Writer
	cap      *capture
	started  time.Time
	lastNews time.Time
	most     uint64 // bytes of address space that may be mapped

	width, height int
	frame         int     // index of the current frame
	time          float64 // of the current frame, from the first
	origin        float64 // the first frame's timestamp, seconds
	spacing       float64 // seconds between frames, as declared
	lost          int     // failed grabs so far
	known, uneven int     // frames whose time the decoder gave; of these, the ones that deviate from spacing
	pace          float64 // seconds between the last two of these
	paced         int     // how many in a row kept to pace

	before  scene.Gray   // the frame before the current one, for flow
	between []scene.Gray // since the last step
	seen    scene.Gray   // the last frame checked for a cut

	pictured bool // at least one frame could be converted to a picture
	steps    stepState
}

func (w *worker) run() error {
	setThreads(1) // flow on small grids gains nothing from more, and the parent needs the cores
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

// turn is the rotation for openCapture: in MP4 the one that the probe read from the container, because OpenCV 4.6 (Debian's and Ubuntu's) turns a phone's upright
// videos upside down. About other containers, which phones do not write, OpenCV knows more than the probe.
func (w *worker) turn() int {
	if w.Info.Container != "mp4" {
		return turnByDecoder
	}
	if w.Info.Rotation%90 != 0 {
		w.Info.Rotation = 0 // only quarter turns are supported
	}
	return w.Info.Rotation
}

// describe fills in what the probe could not find out.
func (w *worker) describe() error {
	w.width, w.height = int(w.cap.get(propWidth)), int(w.cap.get(propHeight))
	if w.width < 2 || w.height < 2 || !w.Options.Limits.Fits(w.width, w.height) {
		return fmt.Errorf("%w: its pictures are %dx%d", ErrNoVideo, w.width, w.height)
	}
	w.unsqueeze()
	if w.width < 2 || w.height < 2 || !w.Options.Limits.Fits(w.width, w.height) {
		return fmt.Errorf("%w: its pictures are shown at %dx%d", ErrNoVideo, w.width, w.height)
	}
	fps := w.cap.get(propFPS)
	if !(fps > 0.1 && fps <= w.Options.Limits.MaxFPS) {
		fps = 25 // the container does not say; timestamps will
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

// Pixels that are not square: camcorders store 1920x1080 as 1440x1080, tapes 1024x576 as 720x576. Shapes beyond mostSqueezed are mistakes, those nearer to a square
// than leastSqueezed are left as they are: some encoders write 4320:4319.
const (
	leastSqueezed = 1.01
	mostSqueezed  = 4.0
)

// unsqueeze makes the size of the pictures the one at which they are shown; the capture resizes each to it.
func (w *worker) unsqueeze() {
	shape := w.cap.get(propPixelWide) / w.cap.get(propPixelHigh) // NaN, which nothing below accepts, when not known
	if off := math.Max(shape, 1/shape); !(off >= leastSqueezed && off <= mostSqueezed) {
		return
	}
	along := &w.width
	if r := w.Info.Rotation; w.turn() != turnByDecoder && (r == 90 || r == 270) { // the shape is that of the picture before it is turned
		along = &w.height
	}
	*along = int(math.Round(float64(*along) * shape))
}

// frames grabs every frame up to the declared end. A failure is not the end: more frames
// may follow after damage.
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

// cramped tells whether too little memory is left for what a decoder needs, several pictures in its own format and in ours: FFmpeg does not say why it
// gives no picture.
func (w *worker) cramped() bool {
	const pictures = 8
	left := uint64(0)
	if used := mapped(); used < w.most {
		left = w.most - used
	}
	return pictures*3*uint64(w.width)*uint64(w.height) > left
}

// taken handles one grabbed frame; lost is how many grabs failed before it.
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

// gapSeconds is the shortest hole that counts as a gap: two seconds, or ten frames
// of a slow camera.
func gapSeconds(spacing float64) float64 { return math.Max(2, 10*spacing) }

// clock sets the current frame's time: the decoder's, counted from the first frame, if that advances
// plausibly; otherwise a guess from the frame before (the last frames of streams with B-frames
// report 0, and time jumps back around damage).
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

// guess is the time from the frame before to the current one if the decoder does not say. It does not for the last frames, as many as it has threads: with many
// processors that is a second of a usual recording, and far more of one with a low frame rate. If the earlier frames were evenly spaced, these are too; else they keep
// the pace of the frames just before, if the recording is long enough for that, or are spread over the rest of it.
func (w *worker) guess(lost int) float64 {
	left := w.Info.Declared - w.Info.Frames // including the current one
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

// missingEnd reports a gap if the recording ends before its declared end: durations are not exact, but where pieces of the file are known to be missing, half a second
// is one of them.
func (w *worker) missingEnd() error {
	end, least := w.time+w.spacing, gapSeconds(w.spacing)
	if w.Damaged {
		least = math.Max(.5, 2*w.spacing)
	}
	if w.Info.Duration-end > least {
		return w.gap(end, w.Info.Duration, "the file ends early")
	}
	return nil
}

// alive tells the parent, at most once a second, that the child is working.
func (w *worker) alive() {
	if time.Since(w.lastNews) > time.Second {
		w.lastNews = time.Now()
		_ = writeMessage(w.out, msgAlive, nil) // if the parent is gone, the next write of a result fails and ends us
	}
}
