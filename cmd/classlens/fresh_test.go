package main

import (
	"context"
	"errors"
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

// What is told after a signal is true of the command: some go on, some begin again, and what was done before it came is done.
func TestWhatAnInterruptionMeans(t *testing.T) {
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for _, c := range []struct {
		command string
		ctx     context.Context
		err     error
		says    string
	}{
		{"analyze", stopped, context.Canceled, "interrupted; the same command again continues"},
		{"learner eval", stopped, context.Canceled, "interrupted; the same command again continues"},
		{"train", stopped, context.Canceled, "interrupted; with --resume it continues"},
		{"eval", stopped, context.Canceled, "interrupted"},
		{"eval", stopped, nil, ""},
		{"label", stopped, untilCtrlC{}, ""},
		{"analyze", context.Background(), errors.New("no space"), ""},
	} {
		cmd, _, err := newRoot().Find(strings.Fields(c.command))
		if err != nil {
			t.Fatal(err)
		}
		if text, yes := cutShort(c.ctx, cmd, c.err); text != c.says || yes != (c.says != "") {
			t.Errorf("%s, %v: %q, %v; want %q", c.command, c.err, text, yes, c.says)
		}
	}
}
