package main

import (
	"errors"
	"fmt"
	"testing"

	"classlens/internal/analysis"
	"classlens/internal/safefile"
)

// What another process works on is no failure: two that share a batch each end with 11, not as if recordings were bad.
func TestTally(t *testing.T) {
	done := analysis.Result{State: analysis.Done}
	partial := analysis.Result{State: analysis.Partial}
	failed := analysis.Result{State: analysis.Failed, Err: errors.New("no video")}
	locked := analysis.Result{State: analysis.Failed, Err: fmt.Errorf("lesson: %w", safefile.ErrLocked)}
	for _, c := range []struct {
		name    string
		results []analysis.Result
		code    int
		says    string
	}{
		{"all done", []analysis.Result{done, done}, exitDone, ""},
		{"one of two failed", []analysis.Result{done, failed}, exitPartial, "2 recordings: 1 done, 0 partial, 1 failed"},
		{"all failed", []analysis.Result{failed, failed}, exitFailed, "2 recordings: 0 done, 0 partial, 2 failed"},
		{"alone and partial", []analysis.Result{partial}, exitPartial, ""},
		{"alone and failed", []analysis.Result{failed}, exitFailed, ""},
		{"alone and locked", []analysis.Result{locked}, exitLocked, ""},
		{"all locked", []analysis.Result{locked, locked}, exitLocked, "2 recordings: 0 done, 0 partial, 0 failed, 2 being analyzed by another process"},
		{"the rest locked", []analysis.Result{done, locked}, exitLocked, "2 recordings: 1 done, 0 partial, 0 failed, 1 being analyzed by another process"},
		{"one locked, one failed", []analysis.Result{locked, failed, done}, exitPartial, "3 recordings: 1 done, 0 partial, 1 failed, 1 being analyzed by another process"},
	} {
		var sum tally
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
