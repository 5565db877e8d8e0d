package video

import (
	"fmt"
	"math"
	"sync"

	"classlens/vision/scene"
)

// stepState is what the worker remembers from step to step.
type stepState struct {
	next        int     // index of the next step
	nextBetween float64 // time of the next grey frame
	last        scene.Gray
	thumb       thumbnail // of the last grey frame, for cuts
	key         thumbnail // of the last key frame
	shot        int
	cut         bool // there was a cut since the last step or half,
	cutBefore   bool // and since the last step
	taken       bool // there was at least one step
	halved      bool // the half after the last step is behind us
}

// Widths in pixels: following heads needs grey frames in which they are accurate to a
// fraction of a pixel; flow and camera motion need less.
const (
	betweenWidth = 960
	flowWidth    = 320
	cameraWidth  = 320
)

// look uses the current frame for what it is needed for: as a step, as a grey frame
// between steps, or as the frame before a step, from which flow is computed.
func (w *worker) look() error {
	early := w.spacing / 2 // the nearest frame to an instant may be before it
	target := float64(w.steps.next) * w.Options.StepSeconds
	isStep := w.Options.Every || w.time+early >= target-1e-9
	isHalf := !isStep && w.Options.Halves && w.steps.taken && !w.steps.halved && w.time+early >= target-w.Options.StepSeconds/2-1e-9
	isBetween := w.Options.BetweenFPS > 0 && w.time+early >= w.steps.nextBetween
	isBefore := !w.Options.NoFlow && w.time+3*early >= target-1e-9
	if !isStep && !isHalf && !isBetween && !isBefore {
		return nil
	}
	if !w.cap.retrieve() {
		return nil // damaged: the next frame takes its place
	}
	w.pictured = true
	gray, err := w.gray()
	if err != nil {
		return err
	}
	if isBetween || isStep || isHalf {
		if w.Options.BetweenFPS > 0 {
			w.between = append(w.between, gray)
			w.steps.nextBetween = w.time + 1/w.Options.BetweenFPS
		}
		if err := w.noticeCut(gray); err != nil {
			return err
		}
	}
	if isStep || isHalf {
		if err := w.step(gray, isHalf); err != nil {
			return err
		}
	}
	w.before = gray
	return nil
}

func (w *worker) gray() (scene.Gray, error) {
	g := scene.Gray{Time: w.time, Width: w.width, Height: w.height}
	if w.width > betweenWidth {
		g.Width, g.Height = betweenWidth, max(1, (w.height*betweenWidth+w.width/2)/w.width)
	}
	var err error
	g.Pix, err = w.cap.gray(g.Width, g.Height)
	return g, err
}

// step sends the current frame as a step, or as the half after the last one.
func (w *worker) step(gray scene.Gray, half bool) error {
	index := max(w.steps.next, int(math.Round(w.time/w.Options.StepSeconds)))
	switch {
	case w.Options.Every:
		index = w.steps.next
	case half:
		index = w.steps.next - 1
	}
	rgb, err := w.cap.rgb(w.width, w.height)
	if err != nil {
		return err
	}
	s := &scene.Step{Index: index, Half: half, Time: w.time, Shot: w.steps.shot, Camera: scene.Still(),
		Frame: scene.Frame{Time: w.time, Width: w.width, Height: w.height, Pix: rgb}}
	if !half && !w.steps.cutBefore {
		if s.Flow, err = w.flow(gray); err != nil {
			return err
		}
	}
	if !w.steps.cut {
		if s.Camera, err = w.camera(gray); err != nil {
			return err
		}
		s.Between = w.between
	} else if n := len(w.between); n > 0 { // nothing can be followed across the cut
		s.Between = w.between[n-1:]
	}
	if thumb := newThumbnail(gray); !half && (!w.steps.taken || w.steps.cutBefore || thumb.change(w.steps.key) >= w.Options.KeyFrameChange) {
		s.KeyFrame, w.steps.key = true, thumb
	}
	w.steps.next, w.steps.taken, w.steps.cut, w.steps.last, w.steps.halved = index+1, true, false, gray, half
	w.steps.cutBefore = w.steps.cutBefore && half
	w.between = nil
	w.steps.nextBetween = w.time + w.betweenSpacing()
	if err := writeStep(w.out, s); err != nil {
		return fmt.Errorf("step at %.2f s: %w", w.time, err)
	}
	return nil
}

func (w *worker) betweenSpacing() float64 {
	if w.Options.BetweenFPS <= 0 {
		return w.Options.StepSeconds
	}
	return 1 / w.Options.BetweenFPS
}

// noticeCut looks for a camera cut since the last grey frame: the picture is different,
// and no motion of the camera explains it.
func (w *worker) noticeCut(gray scene.Gray) error {
	thumb := newThumbnail(gray)
	seen, lastThumb := w.seen, w.steps.thumb
	w.seen, w.steps.thumb = gray, thumb
	if seen.Pix == nil || thumb.likeness(lastThumb) >= cutLikeness {
		return nil
	}
	_, share, err := smallFit(seen, gray)
	if err != nil || share >= cameraShare {
		return err
	}
	w.steps.shot++
	w.steps.cut, w.steps.cutBefore = true, true
	w.between = w.between[max(0, len(w.between)-1):]
	return nil
}

// camera is the camera's motion since the last step, in source pixels.
func (w *worker) camera(gray scene.Gray) (scene.Camera, error) {
	if !w.steps.taken {
		return scene.Still(), nil
	}
	return smallCamera(w.steps.last, gray, float64(w.width))
}

// smallCamera fits camera motion on small copies and gives it in source pixels.
func smallCamera(a, b scene.Gray, sourceWidth float64) (scene.Camera, error) {
	cam, share, err := smallFit(a, b)
	if err != nil || share < cameraShare {
		return scene.Still(), err
	}
	k := sourceWidth / float64(min(a.Width, cameraWidth))
	cam.B[0], cam.B[1] = cam.B[0]*k, cam.B[1]*k
	if moves(cam, sourceWidth, sourceWidth*float64(a.Height)/float64(a.Width)) < stillPixels*k {
		return scene.Still(), nil
	}
	return cam, nil
}

// smallFit fits camera motion on copies at most cameraWidth wide, in their pixels.
func smallFit(a, b scene.Gray) (cam scene.Camera, share float64, err error) {
	if a, err = shrink(a, cameraWidth); err != nil {
		return scene.Still(), 0, err
	}
	if b, err = shrink(b, cameraWidth); err != nil {
		return scene.Still(), 0, err
	}
	return cameraMotion(a, b)
}

// A camera counts as moving if cameraShare of the features agree on a motion (people
// who move do not agree), and if that moves some corner by more than stillPixels of the small
// picture (less is the fit's own noise, and would add up over a lesson).
const (
	cameraShare = 0.4
	stillPixels = 0.35
)

// moves is how far the farthest corner moves, in pixels.
func moves(c scene.Camera, w, h float64) float64 {
	far := 0.0
	for _, p := range [][2]float64{{0, 0}, {w, 0}, {0, h}, {w, h}} {
		x, y := c.Apply(p[0], p[1])
		far = math.Max(far, math.Hypot(x-p[0], y-p[1]))
	}
	return far
}

// flow is dense flow from the frame before to this one, minus the camera's own motion; nil
// if there is no such frame.
func (w *worker) flow(gray scene.Gray) (*scene.Flow, error) {
	if w.Options.NoFlow || w.before.Pix == nil || gray.Time-w.before.Time > 4*w.spacing {
		return nil, nil
	}
	a, err := shrink(w.before, flowWidth)
	if err != nil {
		return nil, err
	}
	b, err := shrink(gray, flowWidth)
	if err != nil {
		return nil, err
	}
	if a.Width < 32 || a.Height < 32 {
		return nil, nil
	}
	cam, err := smallCamera(a, b, float64(a.Width))
	if err != nil {
		return nil, err
	}
	f := &scene.Flow{Width: a.Width, Height: a.Height, Scale: float64(float32(w.width) / float32(a.Width)), Interval: gray.Time - w.before.Time, Pair: &scene.FlowPair{From: a.Pix, To: b.Pix, Camera: cam}}
	if w.Options.FlowPairs {
		return f, nil
	}
	return f, ComputeFlow(f)
}

var oneThread sync.Once

// ComputeFlow fills in a flow from its pair of pictures, by OpenCV's DIS on the CPU.
func ComputeFlow(f *scene.Flow) error {
	oneThread.Do(func() { setThreads(1) }) // as in the child: with more threads DIS gives a different flow, and not always the same one
	size := scene.Gray{Width: f.Width, Height: f.Height}
	a, b := size, size
	a.Pix, b.Pix = f.Pair.From, f.Pair.To
	uv, err := disFlow(a, b)
	if err == nil {
		FinishFlow(f, uv)
	}
	return err
}

// FinishFlow completes a flow from uv, the vectors computed between its pair, in cells: it subtracts the camera's motion and converts to source pixels. It keeps
// uv.
func FinishFlow(f *scene.Flow, uv []float32) {
	cam, scale := f.Pair.Camera, float32(f.Scale)
	still := cam == scene.Still()
	for y := range f.Height {
		for x := range f.Width {
			i := 2 * (y*f.Width + x)
			if !still {
				cx, cy := cam.Apply(float64(x), float64(y))
				uv[i] -= float32(cx - float64(x))
				uv[i+1] -= float32(cy - float64(y))
			}
			uv[i], uv[i+1] = uv[i]*scale, uv[i+1]*scale
		}
	}
	f.UV, f.Pair = uv, nil
}
