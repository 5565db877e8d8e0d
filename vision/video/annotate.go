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

// Line is the style of a box, which tells how the head's place is known.
type Line int

// Lines of a box.
const (
	Solid  Line = iota // detected in this step
	Dashed             // followed by optical flow
	Dotted             // kept where it was last found
	Cross              // not visible: a small cross in the middle
	NoLine             // not drawn, only blurred
)

// Overlay is what is drawn over one head.
type Overlay struct {
	Box    scene.Box
	Label  string
	Blur   bool
	Colour [3]byte
	Line   Line
	Trail  [][2]float64 // x, y of the head's earlier places, newest first
}

// legend explains the lines on every frame.
const legend = "box: found   dashed: followed   dotted: held   x: not visible   line: its way"

// Annotate copies a recording to out (H.264 in MP4) with overlays on every frame, at a constant rate: where frames come irregularly, or some could not be read, a
// frame is shown until the next, or left out, so that times stay the recording's. draw gives a
// frame's overlays; blur hides a face in place, and all faces are hidden before any line is
// drawn. The file appears under its name only when it is complete.
func Annotate(ctx context.Context, in, out string, o Options, draw func(scene.Frame) ([]Overlay, error), blur func(scene.Frame, scene.Box)) error {
	o.Every, o.NoFlow, o.BetweenFPS = true, true, 0
	r, err := Open(ctx, in, o)
	if err != nil {
		return err
	}
	defer r.Close()
	info := r.Info()
	if out, err = filepath.Abs(out); err != nil { // FFmpeg would take "name:rest" for a protocol
		return err
	}
	temporary := filepath.Join(filepath.Dir(out), ".tmp-"+filepath.Base(out))
	defer os.Remove(temporary)
	w, err := openWriter(temporary, info.FPS, info.Width&^1, info.Height&^1)
	if err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	written, err := annotateFrames(ctx, r, w, info.FPS, draw, blur)
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

// complete reads a written video back, because OpenCV's writer does not report a full disk.
func complete(name string, frames int) error {
	found, err := probe.File(name, probe.Limits{MaxWidth: math.MaxInt32, MaxHeight: math.MaxInt32, MaxFPS: math.MaxInt32, MaxSeconds: math.MaxInt32})
	if err != nil {
		return fmt.Errorf("it was not written completely; is the disk full? %w", err)
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

// cadence keeps frames that come at irregular times, as from a browser or a telephone in the dark, in step with the clock in a video of constant rate.
type cadence struct {
	fps     float64
	written int
}

// slack is how many frames a video may be off the clock: rounded times of a constant rate stay within it, so that each frame is written once.
const slack = 1.5

// place says how often the frame before is shown again ahead of the one at a time in seconds, and whether that one is left out.
func (c *cadence) place(at float64) (again int, out bool) {
	ahead := at*c.fps - float64(c.written)
	if ahead > slack && c.written > 0 {
		again = int(math.Round(ahead))
	}
	return again, ahead < -slack
}

// annotateFrames draws on each frame and writes it; it returns the number of frames. A frame is encoded while the next one is read and drawn on.
func annotateFrames(ctx context.Context, r *Recording, w *writer, fps float64, draw func(scene.Frame) ([]Overlay, error), blur func(scene.Frame, scene.Box)) (written int, err error) {
	e := startEncoding(w.write)
	defer func() { err = errors.Join(err, e.end()) }()
	c := cadence{fps: fps}
	var before []byte
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return c.written, nil
		}
		if err != nil {
			return c.written, err
		}
		again, out := c.place(s.Time)
		if out {
			continue
		}
		for range again { // which may be hours
			if err := ctx.Err(); err != nil {
				return c.written, err
			}
			if !e.write(before) {
				return c.written, nil // e.end gives the reason
			}
			c.written++
		}
		overlays, err := draw(s.Frame)
		if err != nil {
			return c.written, err
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
		before = append(before[:0], even(s.Frame)...)
		if !e.write(before) {
			return c.written, nil // e.end gives the reason
		}
		c.written++
	}
}

// encoding encodes frames in a goroutine of its own, with two buffers: one is encoded while the other is filled.
type encoding struct {
	full, free chan []byte
	ended      chan struct{} // closed when the goroutine has ended
	err        error         // why it ended early; set before ended is closed
}

func startEncoding(encode func(frame []byte) error) *encoding {
	e := &encoding{full: make(chan []byte), free: make(chan []byte, 2), ended: make(chan struct{})}
	for range cap(e.free) {
		e.free <- nil
	}
	go func() {
		defer close(e.ended)
		for frame := range e.full {
			if e.err = encode(frame); e.err != nil {
				return
			}
			e.free <- frame
		}
	}()
	return e
}

// write copies a frame for the encoder; false once encoding has failed.
func (e *encoding) write(frame []byte) bool {
	var buffer []byte
	select {
	case buffer = <-e.free:
	case <-e.ended:
		return false
	}
	select {
	case e.full <- append(buffer[:0], frame...):
		return true
	case <-e.ended:
		return false
	}
}

// end waits for the last frame and gives the encoder's error, if it failed. Call it once, after the last write.
func (e *encoding) end() error {
	close(e.full)
	<-e.ended
	return e.err
}

// even drops an odd last row or column: encoders only accept even sizes.
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

// inked tells whether a line is drawn at a distance, in pixels, from its start.
func inked(l Line, along, thick int) bool {
	switch l {
	case Dashed:
		return along/(4*thick)%2 == 0
	case Dotted:
		return along/thick%4 == 0
	}
	return true
}

// drawTrail draws the path of a head as a thin line.
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
