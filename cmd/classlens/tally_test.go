package main

import (
	"errors"
	"fmt"
	"testing"

	"classlens/internal/analysis"
	"classlens/internal/safefile"
	"classlens/vision/probe"
)

// What another process works on is no failure: two that share a batch each end with 11, not as if recordings were bad.
func TestTally(t *testing.T) {
	done := analysis.Result{State: analysis.Done}
	partial := analysis.Result{State: analysis.Partial}
	failed := analysis.Result{State: analysis.Failed, Err: errors.New("no video")}
	locked := analysis.Result{State: analysis.Pending, Err: fmt.Errorf("lesson: %w", safefile.ErrLocked)}
	refused := analysis.Result{State: analysis.Failed, Err: fmt.Errorf("lesson.mp4: %w", probe.ErrFormat)}
	for _, c := range []struct {
		name    string
		results []analysis.Result
		code    int
		says    string
		of      int // shares
	}{
		{"all done", []analysis.Result{done, done}, exitDone, "", 1},
		{"one of two failed", []analysis.Result{done, failed}, exitPartial, "2 recordings: 1 done, 0 partial, 1 failed", 1},
		{"all failed", []analysis.Result{failed, failed}, exitFailed, "2 recordings: 0 done, 0 partial, 2 failed", 1},
		{"alone and partial", []analysis.Result{partial}, exitPartial, "", 1},
		{"alone and failed", []analysis.Result{failed}, exitFailed, "", 1},
		{"alone and locked", []analysis.Result{locked}, exitLocked, "", 1},
		{"all locked", []analysis.Result{locked, locked}, exitLocked, "2 recordings: 0 done, 0 partial, 0 failed, 2 being analyzed by another process", 1},
		{"the rest locked", []analysis.Result{done, locked}, exitLocked, "2 recordings: 1 done, 0 partial, 0 failed, 1 being analyzed by another process", 1},
		{"one locked, one failed", []analysis.Result{locked, failed, done}, exitPartial, "3 recordings: 1 done, 0 partial, 1 failed, 1 being analyzed by another process", 1},
		{"alone and refused", []analysis.Result{refused}, exitFailed, "", 1},
		{"all refused", []analysis.Result{refused, refused}, exitFailed, "2 recordings: 0 done, 0 partial, 2 failed", 1},
		{"a share's only one is refused", []analysis.Result{refused}, exitPartial, "", 16},
		{"all of a share are refused", []analysis.Result{refused, refused}, exitPartial, "2 recordings: 0 done, 0 partial, 2 failed", 16},
		{"all of a share failed, one for the machine's sake", []analysis.Result{refused, failed}, exitFailed, "2 recordings: 0 done, 0 partial, 2 failed", 16},
		{"a share's only one is locked", []analysis.Result{locked}, exitLocked, "", 16},
	} {
		sum := tally{of: c.of}
		for _, r := range c.results {
			sum.add(r)
		}
		code, says := exitDone, ""
		if err := sum.outcome(len(c.results)); err != nil {
			o := outcome{}
			if !errors.As(err, &o) {
				t.Fatal(err)
			}
			code, says = o.code, o.summary
		}
		if code != c.code || says != c.says {
			t.Errorf("%s: exit %d, %q; want %d, %q", c.name, code, says, c.code, c.says)
		}
	}
}
