package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"classlens/samples/room"
)

func runRooms(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("rooms", flag.ExitOnError)
	out := fs.String("out", "", "folder to fill: a folder a clip with video.mp4 and its truth")
	plan := fs.String("plan", "", "YAML file; the default is cmd/synthroom/plan.yaml")
	clips := fs.Int("clips", 0, "videos to draw, over the plan's")
	seed := fs.Int64("seed", 0, "over the plan's")
	jobs := fs.Int("jobs", runtime.NumCPU(), "frames drawn at once")
	crf := fs.Int("crf", 25, "x264 quality")
	set, err := parse(fs, args)
	if err != nil {
		return err
	}
	if *out == "" {
		return missing("rooms", "out")
	}
	p, err := readPlan(*plan, func(p *room.Plan) {
		over(set["clips"], &p.Clips, *clips)
		over(set["seed"], &p.Seed, *seed)
	})
	if err != nil {
		return err
	}
	if p.Clips < 1 {
		return usageError{fmt.Errorf("rooms: clips must be above 0, not %d", p.Clips)}
	}
	for _, w := range p.Widths {
		if h := w * 9 / 16; w%2 != 0 || h%2 != 0 { // H.264 with colours at half resolution
			return usageError{fmt.Errorf("rooms: a video cannot be %d x %d: width and height (9/16) must be even", w, h)}
		}
	}
	if *crf < 0 || *crf > 51 {
		return usageError{fmt.Errorf("rooms: -crf must be 0 to 51, not %d", *crf)}
	}
	if p.Seconds*float64(p.FPS) < 1 {
		return usageError{fmt.Errorf("rooms: %g s at %d frames a second are no frame", p.Seconds, p.FPS)}
	}
	a, err := open()
	if err != nil {
		return err
	}
	defer a.Close()
	if err := keepPlan(*out, &p, *crf); err != nil {
		return err
	}
	bar := newProgress("frames", p.Clips*int(p.Seconds*float64(p.FPS)))
	for n := range p.Clips {
		dir := filepath.Join(*out, fmt.Sprintf("%03d", n))
		if _, err := os.Stat(filepath.Join(dir, "behaviour.csv")); err == nil {
			bar.add(int(p.Seconds * float64(p.FPS)))
			continue
		}
		if err := drawClip(ctx, a, &p, n, dir, *jobs, *crf, bar); err != nil {
			return fmt.Errorf("clip %d: %w", n, err)
		}
	}
	bar.done()
	return nil
}

func drawClip(ctx context.Context, a *room.Assets, p *room.Plan, n int, dir string, jobs, crf int, bar *progress) error {
	s, kind, err := room.NewClip(a, p, n)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp := filepath.Join(dir, ".part.mp4")
	defer os.Remove(tmp)
	in, wait, err := encoder(ctx, tmp, s.Camera.W, s.Camera.H, p.FPS, crf)
	if err != nil {
		return err
	}
	var truth []room.FrameTruth
	every := max(p.FPS/4, 1)
	want := func(k int) bool { return k%every == 0 || k%p.FPS == 0 }
	err = film(ctx, s, int(p.Seconds*float64(p.FPS)), jobs, func(k int) float64 { return float64(k) / float64(p.FPS) }, want, func(k int, f filmed) error {
		if want(k) {
			truth = append(truth, room.FrameTruth{Frame: k, Time: f.t, People: f.truth})
		}
		bar.add(1)
		_, err := in.Write(f.rgb)
		return err
	})
	err = errors.Join(err, in.Close(), wait())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, "video.mp4")); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\n%s: %s, %d people\n", dir, kind, len(s.Actors))
	return writeTruth(dir, truth)
}
