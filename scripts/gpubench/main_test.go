package main

import (
	"slices"
	"strings"
	"testing"
)

// A row's share is the limit over the time; a dry run's says that its time is made up.
func TestLines(t *testing.T) {
	b := &bench{ours: map[string]float64{}}
	if got := b.line("infer-32", 1.6, 32, "clips", .4, ""); got != "gpubench: infer-32 ours_ms 1.6000 clips_s 20000 limit_ms 0.4000 share 0.250" {
		t.Error(got)
	}
	if got := b.line("train-32", 10, 32, "samples", 5, "adam:0.50"); got != "gpubench: train-32 ours_ms 10.0000 samples_s 3200 limit_ms 5.0000 share 0.500 most_of_it adam:0.50" {
		t.Error(got)
	}
	got := b.beside(strings.NewReader("difference 1e-6\ntheirs infer-32 eager 4.0\ntheirs infer-32 compiled 2.4\ntheirs train-32 eager 5\ntheirs train-32 odd x\ntheirs train-64 eager 7\n"))
	if !slices.Equal(got, []string{"gpubench: infer-32 ratio_to_best 1.50", "gpubench: train-32 ratio_to_best 0.50"}) {
		t.Error(got)
	}
	b.small = true
	if got := b.beside(strings.NewReader("theirs infer-32 eager 4.0\n")); got != nil {
		t.Error("a ratio to a made-up time:", got)
	}
	if got := b.line("infer-1", 0, 1, "clips", .5, ""); got != "gpubench: dry run, times made up: infer-1 ours_ms 2.0000 clips_s 500 limit_ms 0.5000 share 0.250" || b.ours["infer-1"] != 2 {
		t.Error(got)
	}
}
