package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"strconv"
	"time"

	"classlens/vision/people"
	"classlens/vision/track/score"
	"classlens/vision/video"
)

// scored is a row and how sure the net is of it.
type scored struct {
	score.Row
	sure float64
}

// leastSure of what compare looks at; thresholds above it are tried in steps.
const (
	leastSure = 0.05
	sureStep  = 0.05
)

// compare runs each net alone at one input width over single steps, without
// tracking, and prints the processor time of a look and, with truth, recall and
// precision at the threshold that suits net and recording best.
func (b *trackBench) compare(ctx context.Context, paths []string) error {
	fmt.Fprintf(b.out, "%-22s %-18s %6s %8s %8s", "recording", "net", "width", "ms/look", "found")
	if b.truth != nil {
		fmt.Fprintf(b.out, " %6s %6s %9s %6s %5s", "score≥", "recall", "precision", "F1", "area")
	}
	fmt.Fprintln(b.out)
	for i, path := range paths {
		for _, net := range people.Nets() {
			rows, looks, took, err := b.single(ctx, net, path)
			if err != nil {
				return err
			}
			fmt.Fprintf(b.out, "%-22s %-18s %6d %8.1f %8.1f", clipName(path), net, b.detectors, 1000*took.Seconds()/float64(looks), float64(len(above(rows, 0.25)))/float64(looks))
			if b.truth != nil {
				truth, ignore, err := score.ReadTruth(b.truth[i])
				if err != nil {
					return err
				}
				at, s := bestThreshold(truth, ignore, rows)
				fmt.Fprintf(b.out, " %6.2f %6.3f %9.3f %6.3f %5.2f", at, s.Recall, s.Precision, f1(s), s.AreaRatio)
			}
			fmt.Fprintln(b.out)
		}
	}
	return nil
}

// single runs one net over a recording's steps.
func (b *trackBench) single(ctx context.Context, net, path string) (rows []scored, looks int, took time.Duration, err error) {
	d, err := people.NewDetector(people.Options{Net: net, Width: b.detectors, MinScore: leastSure, Threads: b.threads})
	if err != nil {
		return nil, 0, 0, err
	}
	defer d.Close()
	rec, err := video.Open(ctx, path, video.Options{NoFlow: true})
	if err != nil {
		return nil, 0, 0, err
	}
	defer rec.Close()
	for {
		step, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, 0, fmt.Errorf("%s: %w", path, err)
		}
		t0 := processorTime()
		found, err := d.Detect(step.Frame)
		if err != nil {
			return nil, 0, 0, err
		}
		took += processorTime() - t0
		looks++
		for k, p := range found {
			// The number in the step stands for an identity, which single looks do not have.
			rows = append(rows, scored{score.Row{Time: step.Time, ID: strconv.Itoa(k), X: p.Head.X, Y: p.Head.Y, W: p.Head.W, H: p.Head.H}, p.Score})
		}
	}
	if looks == 0 {
		return nil, 0, 0, fmt.Errorf("%s: not one step", path)
	}
	return rows, looks, took, nil
}

func above(rows []scored, bar float64) []score.Row {
	var out []score.Row
	for _, r := range rows {
		if r.sure >= bar {
			out = append(out, r.Row)
		}
	}
	return out
}

func f1(s score.Result) float64 {
	if s.Recall+s.Precision == 0 {
		return 0
	}
	return 2 * s.Recall * s.Precision / (s.Recall + s.Precision)
}

// bestThreshold tries thresholds in steps.
func bestThreshold(truth []score.Head, ignore []score.Rect, rows []scored) (float64, score.Result) {
	at, best := 0.0, score.Result{}
	for k := 1; k < 19; k++ {
		bar := sureStep * float64(k)
		if s := score.Score(truth, ignore, above(rows, bar)); k == 1 || f1(s) > f1(best) {
			at, best = bar, s
		}
	}
	return at, best
}
