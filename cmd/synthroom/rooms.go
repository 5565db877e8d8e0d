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
	_ = fs.Parse(args)
	if *out == "" {
		return errors.New("rooms: -out is missing")
	}
	p, err := readPlan(*plan)
	if err != nil {
		return err
	}
	p.Clips, p.Seed = or(*clips, p.Clips), or(*seed, p.Seed)
	a, err := open()
	if err != nil {
		return err
	}
	defer a.Close()
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
