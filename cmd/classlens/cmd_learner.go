package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"classlens/internal/learner"
	"classlens/internal/learner/models"

	"github.com/spf13/cobra"
)

func newLearnerCommand() *cobra.Command {
	cmd := &cobra.Command{
		RunE:  group,
		Use:   "learner",
		Short: "Predict from learning logs who is likely to struggle, and suggest what would help",
		Long: `Reads learning logs (OULAD's layout, xAPI-Edu-Data, UCI student performance, or plain tables of events; docs/learner-inputs.md) and predicts who will pass, from
what was known by a given day of the course. No video is needed. Predictions are for offering help, not for grading.

A presentation is one run of a course, such as 2013J. Days count from the first day of the course; mid is halfway through it, end its last day.`,
	}
	cmd.AddCommand(newLearnerImport(), newLearnerTrain(), newLearnerPredict(), newLearnerEval(), newLearnerSuggest())
	return cmd
}

// learnerError turns a request that does not fit the data into wrong usage.
func learnerError(err error) error {
	if errors.Is(err, learner.ErrRequest) {
		return usageError{err}
	}
	return err
}

// shownBad is how many bad rows are printed one by one.
const shownBad = 10

// openLearner reads a learning log and reports the rows that were skipped; static includes students' personal attributes.
func openLearner(ctx context.Context, log io.Writer, path string, static bool) (*learner.Data, error) {
	d, err := learner.Open(ctx, path, static)
	if err != nil {
		return nil, err
	}
	rows, n := d.Bad()
	for i, b := range rows {
		if i == shownBad {
			break
		}
		fmt.Fprintf(log, "learner: kept out: %s\n", oneLine(b.String()))
	}
	if n > 0 {
		fmt.Fprintf(log, "learner: %d bad rows kept out\n", n)
	}
	return d, nil
}

// listFlag splits a comma-separated value, such as "2013B,2013J", without repetitions. Where it is empty, the error asks for want.
func listFlag(flag, list, want string) ([]string, error) {
	var out []string
	for _, p := range strings.Split(list, ",") {
		if p = strings.TrimSpace(p); p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, usageError{fmt.Errorf("--%s is missing: name %s", flag, want)}
	}
	return out, nil
}

// wantPresentations is what listFlag asks for where presentations are missing.
const wantPresentations = "presentations, such as 2013B,2013J"

// tellEpochs prints how far training is, at most once a second; valid is NaN where nothing is held out.
func tellEpochs(log io.Writer) func(kind string, seed, epoch int, train, valid float64) {
	last := time.Time{}
	return func(kind string, seed, epoch int, train, valid float64) {
		if time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		held := ""
		if !math.IsNaN(valid) {
			held = fmt.Sprintf(", held out %.4f", valid)
		}
		fmt.Fprintf(log, "learner: %s seed %d epoch %d: loss %.4f%s\n", kind, seed+1, epoch, train, held)
	}
}

// trainFlags are shared by train and eval.
type trainFlags struct {
	static, clicks, quick bool
	seed                  uint64
}

func (f *trainFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.static, "with-static", false, "also use gender, age, deprivation, disability, region, education: helps little after the first weeks, and risks unfair predictions")
	flags.BoolVar(&f.clicks, "clicks", false, "use cumulative click files (clicks_cumulative_week_N); daily click logs are always used")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the initial weights")
	flags.BoolVar(&f.quick, "quick", false, "one small net and few epochs, to try things out")
}

var modelNames = strings.Join(models.Kinds, ", ")
