package video

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"

	"classlens/vision/probe"
	"classlens/vision/scene"
)

// Line tells how a head's box came about.
type Line int

// Lines of a box.
const (
	Solid  Line = iota // found in this very step
	Dashed             // followed by flow
	Dotted             // held where it was found last
	Cross              // not visible: a small cross in the middle
	NoLine             // nothing: only blurred
)

// Overlay is what is drawn over one head.
type Overlay struct {
	Box    scene.Box
	Label  string
	Blur   bool
	Colour [3]byte
	Line   Line
	Trail  [][2]float64 // x, y of where the head was, newest first
}

// legend explains the lines on every frame.
const legend = "box: found   dashed: followed   dotted: held   x: not visible   line: its way"

// Annotate copies a recording to out (H.264 in MP4) with overlays on every
// frame: draw is asked for those of each, blur hides a face in place; all are hidden before
// any line is drawn. The file appears under its name when it is whole.
func Annotate(ctx context.Context, in, out string, o Options, draw func(scene.Frame) ([]Overlay, error), blur func(scene.Frame, scene.Box)) error {
	o.Every, o.NoFlow, o.BetweenFPS = true, true, 0
	r, err := Open(ctx, in, o)
	if err != nil {
		return err
	}
	defer r.Close()
	info := r.Info()
	if out, err = filepath.Abs(out); err != nil { // FFmpeg takes "name:rest" for a protocol
		return err
	}
	temporary := filepath.Join(filepath.Dir(out), ".tmp-"+filepath.Base(out))
	defer os.Remove(temporary)
	w, err := openWriter(temporary, info.FPS, info.Width&^1, info.Height&^1)
	if err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	written, err := annotateFrames(r, w, draw, blur)
	w.close()
	if err == nil {
		err = complete(temporary, written)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	if err := syncFile(temporary); err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	return os.Rename(temporary, out)
}

// complete reads a written video back: OpenCV's writer says nothing of a full disk.
func complete(name string, frames int) error {
	found, err := probe.File(name, probe.Limits{MaxWidth: math.MaxInt32, MaxHeight: math.MaxInt32, MaxFPS: math.MaxInt32, MaxSeconds: math.MaxInt32})
	if err != nil {
		return fmt.Errorf("it was not written whole; is the disk full? %w", err)
	}
	if found.Damage != "" || found.Frames != frames {
		return fmt.Errorf("%d frames of %d were written; is the disk full?", found.Frames, frames)
	}
	return nil
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// annotateFrames writes each frame with what is drawn on it, and tells how many there were. A frame is encoded while the next one is read and drawn on.
func annotateFrames(r *Recording, w *writer, draw func(scene.Frame) ([]Overlay, error), blur func(scene.Frame, scene.Box)) (written int, err error) {
	e := startEncoding(w)
	defer func() { err = errors.Join(err, e.end()) }()
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		overlays, err := draw(s.Frame)
		if err != nil {
			return written, err
		}
		for _, o := range overlays {
			if o.Blur {
				blur(s.Frame, o.Box)
			}
		}
		for _, o := range overlays {
			drawTrail(s.Frame, o)
		}
		for _, o := range overlays {
			drawOverlay(s.Frame, o)
		}
		drawLabels(s.Frame, overlays)
		drawText(s.Frame, image.Pt(2, s.Frame.Height-13*textScale(s.Frame)), legend)
		if !e.write(even(s.Frame)) {
			return written, nil // e.end tells why
		}
		written++
	}
}

// encoding hands frames to a writer in a goroutine of its own.
type encoding struct {
	full, free chan []byte
	failed     chan error // closed when the goroutine has ended
}

func startEncoding(w *writer) *encoding {
	e := &encoding{full: make(chan []byte), free: make(chan []byte, 2), failed: make(chan error, 1)}
	for range cap(e.free) {
		e.free <- nil
	}
	go func() {
		defer close(e.failed)
		for frame := range e.full {
			if err := w.write(frame); err != nil {
				e.failed <- err
				return
			}
			e.free <- frame
		}
	}()
	return e
}

// write copies a frame for the encoder; false when that has failed.
func (e *encoding) write(frame []byte) bool {
	own := append((<-e.free)[:0], frame...)
	select {
	case e.full <- own:
		return true
	case err := <-e.failed:
		e.failed <- err
		return false
	}
}

// end waits for the last frame and tells what went wrong.
func (e *encoding) end() error {
	close(e.full)
	return <-e.failed
}

// even cuts an odd last row or column off: encoders take even sizes only.
func even(f scene.Frame) []byte {
	w, h := f.Width&^1, f.Height&^1
	if w == f.Width {
		return f.Pix[:3*w*h]
	}
	out := make([]byte, 0, 3*w*h)
	for y := range h {
		out = append(out, f.Pix[3*y*f.Width:3*(y*f.Width+w)]...)
	}
	return out
}

// drawOverlay draws the box's outline, or a cross.
func drawOverlay(f scene.Frame, o Overlay) {
	if o.Line == NoLine {
		return
	}
	x0, y0, x1, y1 := int(o.Box.X), int(o.Box.Y), int(o.Box.X+o.Box.W), int(o.Box.Y+o.Box.H)
	thick := max(1, f.Height/400)
	if o.Line == Cross {
		cx, cy, arm := (x0+x1)/2, (y0+y1)/2, max(3, (y1-y0)/5)
		for k := -arm; k <= arm; k++ {
			for e := range thick {
				paint(f, cx+k+e, cy+k, o.Colour)
				paint(f, cx+k+e, cy-k, o.Colour)
			}
		}
		return
	}
	for k := range thick {
		for x := x0; x <= x1; x++ {
			if inked(o.Line, x-x0, thick) {
				paint(f, x, y0+k, o.Colour)
				paint(f, x, y1-k, o.Colour)
			}
		}
		for y := y0; y <= y1; y++ {
			if inked(o.Line, y-y0, thick) {
				paint(f, x0+k, y, o.Colour)
				paint(f, x1-k, y, o.Colour)
			}
		}
	}
}

// inked tells whether a line has ink after so many pixels.
func inked(l Line, along, thick int) bool {
	switch l {
	case Dashed:
		return along/(4*thick)%2 == 0
	case Dotted:
		return along/thick%4 == 0
	}
	return true
}

// drawTrail draws the way of a head, thin.
func drawTrail(f scene.Frame, o Overlay) {
	for i := 1; i < len(o.Trail); i++ {
		a, b := o.Trail[i-1], o.Trail[i]
		n := int(math.Max(math.Abs(b[0]-a[0]), math.Abs(b[1]-a[1]))) + 1
		for k := range n {
			t := float64(k) / float64(n)
			paint(f, int(a[0]+t*(b[0]-a[0])), int(a[1]+t*(b[1]-a[1])), o.Colour)
		}
	}
}

func paint(f scene.Frame, x, y int, c [3]byte) {
	if x >= 0 && y >= 0 && x < f.Width && y < f.Height {
		copy(f.Pix[3*(y*f.Width+x):], c[:])
	}
}
