package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"classlens/samples/room"
)

// shard is what one scene leaves behind; a shard under its final name is whole
// and its pictures with it, so a run that was cut short resumes after it.
type shard struct {
	Images      []room.Picture `json:"images"`
	Annotations []room.Label   `json:"annotations"`
}

const (
	views      = 2       // cameras a scene
	maxScenes  = 100_000 // against a plan whose scenes stay empty
	idsAScene  = 10_000  // of images and of labels
	flowScale  = 16      // grey levels a pixel of motion
	flowMiddle = 128
)

func runCrops(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("crops", flag.ExitOnError)
	out := fs.String("out", "", "folder to fill")
	plan := fs.String("plan", "", "YAML file; the default is cmd/synthroom/plan.yaml")
	students := fs.Int("students", 0, "labelled students to draw, over the plan's")
	seed := fs.Int64("seed", 0, "over the plan's")
	steps := fs.Int("steps", 0, "instants a take, over the plan's")
	flow := fs.Bool("flow", false, "write the optical flow, over the plan's")
	jobs := fs.Int("jobs", runtime.NumCPU(), "scenes drawn at once")
	set, err := parse(fs, args)
	if err != nil {
		return err
	}
	if *out == "" {
		return missing("crops", "out")
	}
	p, err := readPlan(*plan, func(p *room.Plan) {
		over(set["students"], &p.Students, *students)
		over(set["seed"], &p.Seed, *seed)
		over(set["steps"], &p.Steps, *steps)
		over(set["flow"], &p.Flow, *flow)
	})
	if err != nil {
		return err
	}
	if p.Students < 1 {
		return usageError{fmt.Errorf("crops: students must be above 0, not %d", p.Students)}
	}
	a, err := open()
	if err != nil {
		return err
	}
	defer a.Close()
	for _, d := range []string{"images", "scenes", "flow"} {
		if err := os.MkdirAll(filepath.Join(*out, d), 0o755); err != nil {
			return err
		}
	}
	if err := keepPlan(*out, &p, 0); err != nil {
		return err
	}
	g := &generator{assets: a, plan: &p, out: *out, progress: newProgress("students", p.Students)}
	if err := g.run(ctx, *jobs); err != nil {
		return err
	}
	g.progress.done()
	return merge(*out, g.scenes)
}

// over sets a plan's value to a flag's that was given.
func over[T any](given bool, value *T, flag T) {
	if given {
		*value = flag
	}
}

// generator draws scenes side by side until the students suffice. Scenes count
// in order, so the same plan gives the same files whatever the jobs.
type generator struct {
	assets   *room.Assets
	plan     *room.Plan
	out      string
	progress *progress

	next   atomic.Int64
	mu     sync.Mutex
	done   map[int]int // labels a scene
	scenes int         // in order, whole, up to the goal
	sum    int
	err    error
}

func (g *generator) run(ctx context.Context, jobs int) error {
	g.done = map[int]int{}
	var wg sync.WaitGroup
	for range max(jobs, 1) {
		wg.Go(func() {
			for ctx.Err() == nil && !g.enough() {
				n := int(g.next.Add(1) - 1)
				k, err := g.scene(ctx, n)
				g.finish(n, k, err)
			}
		})
	}
	wg.Wait()
	if g.err == nil {
		g.err = ctx.Err()
	}
	return g.err
}

func (g *generator) enough() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err != nil || g.sum >= g.plan.Students || g.scenes >= maxScenes
}

// finish counts scenes in order.
func (g *generator) finish(n, labels int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil && g.err == nil {
		g.err = err
	}
	if err != nil {
		return
	}
	g.done[n] = labels
	for g.sum < g.plan.Students {
		k, ok := g.done[g.scenes]
		if !ok {
			return
		}
		g.sum += k
		g.scenes++
		g.progress.add(k)
	}
}

func shardPath(out string, n int) string {
	return filepath.Join(out, "scenes", fmt.Sprintf("%05d.json", n))
}

func readShard(path string) (shard, error) {
	var s shard
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	return s, err
}

// scene draws the n-th scene, or finds it drawn; it gives the labels' number.
func (g *generator) scene(ctx context.Context, n int) (int, error) {
	if s, err := readShard(shardPath(g.out, n)); err == nil {
		return len(s.Annotations), nil
	}
	group, err := room.NewGroup(g.assets, g.plan, n)
	if err != nil {
		return 0, fmt.Errorf("scene %d: %w", n, err)
	}
	var s shard
	for v := range views {
		if len(group.Actors) == 0 {
			break
		}
		group.Turn(v)
		for k := range g.plan.Takes {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			if err := g.take(group, n, v*g.plan.Takes+k, &s); err != nil {
				return 0, err
			}
		}
	}
	return len(s.Annotations), writeFile(shardPath(g.out, n), func(w io.Writer) error { return json.NewEncoder(w).Encode(s) })
}

func (g *generator) take(group *room.Group, n, take int, s *shard) error {
	p := g.plan
	t0 := float64(take) * 60
	group.Take(take, t0, float64(p.Steps-1)*p.Interval)
	r := rand.New(rand.NewSource(group.Seed + int64(take)*7919))
	quality := p.QualityMin + r.Intn(p.QualityMax-p.QualityMin+1)
	for step := range p.Steps {
		t := t0 + float64(step)*p.Interval
		name := fmt.Sprintf("%05d_%02d_%d", n, take, step)
		im := room.Picture{ID: n*idsAScene + len(s.Images) + 1, File: "images/" + name + ".jpg", Width: group.Camera.W, Height: group.Camera.H, Room: n, Layout: group.Layout,
			Camera: group.View, Sequence: n*idsAScene + take, Step: step, Time: float64(step) * p.Interval}
		if p.Flow {
			im.Flow = "flow/" + name + ".png"
			f := group.FlowBetween(t-1.0/25, t)
			if err := writePicture(filepath.Join(g.out, im.Flow), func(w io.Writer) error { return png.Encode(w, flowPicture(&f)) }); err != nil {
				return err
			}
		}
		rgb := group.Frame(t)
		err := writePicture(filepath.Join(g.out, im.File), func(w io.Writer) error {
			return jpeg.Encode(w, picture(rgb, im.Width, im.Height), &jpeg.Options{Quality: quality})
		})
		if err != nil {
			return err
		}
		truth := group.Truth(t)
		for i := range truth {
			l, ok := room.NewLabel(&truth[i])
			if !ok {
				continue
			}
			l.ID, l.ImageID, l.Student = n*idsAScene+len(s.Annotations)+1, im.ID, fmt.Sprintf("%05d-%s", n, l.Student)
			s.Annotations = append(s.Annotations, l)
		}
		s.Images = append(s.Images, im)
	}
	return nil
}

// flowPicture packs a flow into a PNG of half the size: red and green are 128 +
// 16 times u and v in pixels, blue is 255 where something moves.
func flowPicture(f *room.Flow) image.Image {
	im := image.NewRGBA(image.Rect(0, 0, f.W/2, f.H/2))
	level := func(v float32) uint8 { return uint8(min(max(flowMiddle+flowScale*v+.5, 0), 255)) }
	for y := range f.H / 2 {
		for x := range f.W / 2 {
			i, o := 2*y*f.W+2*x, im.PixOffset(x, y)
			im.Pix[o], im.Pix[o+1], im.Pix[o+3] = level(f.UV[2*i]), level(f.UV[2*i+1]), 255
			if f.Moves[i] {
				im.Pix[o+2] = 255
			}
		}
	}
	return im
}
