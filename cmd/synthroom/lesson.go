package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"classlens/samples/room"
)

const (
	lessonSeed   = 27
	lessonW      = 640
	lessonH      = 360
	lessonOver   = 2
	lessonFPS    = 25
	truthEvery   = 5 // frames
	lessonFrames = room.LessonSeconds * lessonFPS
)

func runLesson(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("lesson", flag.ExitOnError)
	out := fs.String("out", "samples", "folder for lesson.mp4 and lesson/")
	seed := fs.Int64("seed", lessonSeed, "everything follows from it")
	step := fs.Int("step", 1, "draw every n-th frame and repeat it: 2 halves the time")
	jobs := fs.Int("jobs", runtime.NumCPU(), "frames drawn at once")
	crf := fs.Int("crf", 25, "x264 quality")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if *step < 1 || *step > lessonFrames || *crf < 0 || *crf > 51 {
		return usageError{fmt.Errorf("lesson: -step must be 1 to %d and -crf 0 to 51", lessonFrames)}
	}
	a, err := open()
	if err != nil {
		return err
	}
	defer a.Close()
	s, err := room.NewLesson(a, *seed, lessonW, lessonH, lessonOver)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(*out, "lesson"), 0o755); err != nil {
		return err
	}
	tmp := filepath.Join(*out, ".lesson.part.mp4")
	defer os.Remove(tmp)
	in, wait, err := encoder(ctx, tmp, lessonW, lessonH, lessonFPS, *crf)
	if err != nil {
		return err
	}
	var truth []room.FrameTruth
	p := newProgress("frames", lessonFrames)
	err = film(ctx, s, lessonFrames / *step, *jobs, func(n int) float64 { return float64(n**step) / lessonFPS }, func(n int) bool { return true },
		func(n int, f filmed) error {
			for k := range *step {
				if _, err := in.Write(f.rgb); err != nil {
					return err
				}
				if (n**step+k)%truthEvery == 0 && k == 0 {
					truth = append(truth, room.FrameTruth{Frame: n * *step, Time: f.t, People: f.truth})
				}
			}
			p.add(*step)
			return nil
		})
	if err2 := in.Close(); err == nil {
		err = err2
	}
	if err2 := wait(); err == nil {
		err = err2
	}
	p.done()
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(*out, "lesson.mp4")); err != nil {
		return err
	}
	return writeTruth(filepath.Join(*out, "lesson"), truth)
}

// writeTruth leaves the truth's tables in a folder.
func writeTruth(dir string, truth []room.FrameTruth) error {
	for name, write := range map[string]func(io.Writer, []room.FrameTruth) error{
		"truth.csv": room.WriteTruth, "boxes.csv": room.WriteBoxes, "behaviour.csv": room.WriteBehaviour, "ignore.csv": room.WriteIgnore} {
		if err := writeFile(filepath.Join(dir, name), func(w io.Writer) error { return write(w, truth) }); err != nil {
			return err
		}
	}
	return nil
}

// encoder pipes RGB frames to ffmpeg.
func encoder(ctx context.Context, path string, w, h, fps, crf int) (io.WriteCloser, func() error, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", w, h),
		"-r", strconv.Itoa(fps), "-i", "-", "-c:v", "libx264", "-threads", "1", "-preset", "slow", "-crf", strconv.Itoa(crf),
		"-g", strconv.Itoa(fps*5), "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-fflags", "+bitexact", "-flags:v", "+bitexact", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.Stderr = os.Stderr
	return in, cmd.Wait, cmd.Start()
}

// filmed is one drawn frame.
type filmed struct {
	t     float64
	rgb   []uint8
	truth []room.Truth
}

// film draws frames 0..n-1 by several workers and hands them on in order.
func film(ctx context.Context, s *room.Scene, n, jobs int, at func(int) float64, wantTruth func(int) bool, take func(int, filmed) error) error {
	jobs = max(1, min(jobs, n))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lanes := make([]chan filmed, jobs)
	for j := range lanes {
		lanes[j] = make(chan filmed, 2)
		go func() {
			own := s.Clone()
			defer close(lanes[j])
			for k := j; k < n && ctx.Err() == nil; k += jobs {
				f := filmed{t: at(k), rgb: own.Frame(at(k))}
				if wantTruth(k) {
					f.truth = own.Truth(f.t)
				}
				select {
				case lanes[j] <- f:
				case <-ctx.Done():
				}
			}
		}()
	}
	for k := range n {
		f, ok := <-lanes[k%jobs]
		if !ok {
			return context.Cause(ctx)
		}
		if err := take(k, f); err != nil {
			return err
		}
	}
	return nil
}

func runFrame(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("frame", flag.ExitOnError)
	out := fs.String("out", "frame.png", "picture to write")
	seed := fs.Int64("seed", lessonSeed, "")
	at := fs.Float64("t", 10, "seconds")
	w := fs.Int("w", lessonW, "width; the height follows")
	near := fs.String("near", "", "a close camera on this student")
	fov := fs.Float64("fov", 30, "of that camera")
	marks := fs.Bool("truth", false, "draw the truth on it")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if *w < 16 || *w > 7680 || !(*fov > 0 && *fov < 180) {
		return usageError{errors.New("frame: -w must be 16 to 7680 and -fov above 0 and below 180")}
	}
	a, err := open()
	if err != nil {
		return err
	}
	defer a.Close()
	start := time.Now()
	s, err := room.NewLesson(a, *seed, *w, *w*9/16, lessonOver)
	if err != nil {
		return err
	}
	if *near != "" {
		if !s.CloseUp(*near, float32(*fov)) {
			return usageError{fmt.Errorf("frame: -near: nobody is called %q in the lesson (S01 to S17, T01)", *near)}
		}
	}
	ready := time.Now()
	rgb := s.Frame(*at)
	fmt.Fprintf(os.Stderr, "set-up %.2f s, frame %.2f s\n", ready.Sub(start).Seconds(), time.Since(ready).Seconds())
	im := picture(rgb, s.Camera.W, s.Camera.H)
	if *marks {
		room.Overlay(im, s.Truth(*at))
	}
	return writePNG(*out, im)
}

func picture(rgb []uint8, w, h int) *image.RGBA {
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		im.Pix[i*4], im.Pix[i*4+1], im.Pix[i*4+2], im.Pix[i*4+3] = rgb[i*3], rgb[i*3+1], rgb[i*3+2], 255
	}
	return im
}

func writePNG(path string, im image.Image) error {
	return writePicture(path, func(w io.Writer) error { return png.Encode(w, im) })
}
