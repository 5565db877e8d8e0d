package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"classlens/internal/analysis"

	"github.com/spf13/cobra"
)

// What a fresh process is given means the same as what this one was given.
func TestSameFlags(t *testing.T) {
	given := []string{"--out", "some where", "--set", "run.device=cuda", "--set", "video.step_seconds=2,5", "--force", "--json=false", "a.mp4", "--", "-b.mp4"}
	read := func(args []string) (f analyzeFlags, rest, again []string) {
		cmd := newAnalyzeCommand()
		cmd.RunE = func(cmd *cobra.Command, args []string) error { rest, again = args, sameFlags(cmd); return nil }
		cmd.SetArgs(args)
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		return f, rest, again
	}
	_, rest, again := read(given)
	if again[0] != "analyze" {
		t.Fatalf("began with %q", again[0])
	}
	_, rest2, again2 := read(append(append(again[1:], "--"), rest...))
	if !slices.Equal(rest, rest2) || !slices.Equal(again, again2) || !slices.Contains(again, "--set=video.step_seconds=2,5") {
		t.Errorf("%q with %q became %q with %q", again, rest, again2, rest2)
	}
}

// The exit code counts what a fresh process did, and three lost GPUs.
func TestOutcomeOfTwoProcesses(t *testing.T) {
	for _, c := range []struct {
		name         string
		here         []analysis.State
		others, rest int
		lost         bool
		want         int
		says         string
	}{
		{"all done", []analysis.State{analysis.Done}, 2, exitDone, false, exitDone, ""},
		{"the others partly", []analysis.State{analysis.Done}, 2, exitPartial, false, exitPartial, "1 recordings: 1 done"},
		{"one here partly", []analysis.State{analysis.Partial, analysis.Done}, 2, exitDone, false, exitPartial, "2 recordings: 1 done, 1 partial"},
		{"all failed", []analysis.State{analysis.Failed}, 1, exitFailed, false, exitFailed, "1 failed"},
		{"all failed here", []analysis.State{analysis.Failed}, 1, exitDone, false, exitPartial, "1 failed"},
		{"three GPUs lost", []analysis.State{analysis.Done, analysis.Done}, 0, 0, true, exitPartial, ""},
	} {
		var ta tally
		for _, s := range c.here {
			ta.add(analysis.Result{State: s})
		}
		ta.others, ta.rest, ta.lostGPUs = c.others, c.rest, c.lost
		err := ta.outcome(len(c.here) + c.others)
		if got := exitCode(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: exit code %d, %v; want %d", c.name, got, err, c.want)
		}
	}
	t.Setenv(lossesVariable, "2")
	if gpuLosses() != 2 {
		t.Error("the losses of the processes before are not counted")
	}
	os.Unsetenv(lossesVariable)
	if gpuLosses() != 0 {
		t.Error("losses are counted that were none")
	}
}
