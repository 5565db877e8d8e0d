package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
		Long: `Reads learning logs (OULAD's layout, xAPI-Edu-Data, UCI student performance, or plain tables of events; docs/learner-inputs.md) and predicts on a day of a
course, from what was known by that day, who will pass. No video is needed. Predictions are for offering help, not for grading.

A *presentation* is a run of a course, such as 2013J. Days count from the course's first; mid is half its length, end its last day.`,
	}
	cmd.AddCommand(newLearnerImport(), newLearnerTrain(), newLearnerPredict(), newLearnerEval(), newLearnerSuggest())
	return cmd
}

// learnerError makes a request that does not fit the data wrong usage.
func learnerError(err error) error {
	if errors.Is(err, learner.ErrRequest) {
		return usageError{err}
	}
	return err
}

// shownBad is how many bad rows are told one by one.
const shownBad = 10

// openLearner reads a log and tells the rows that were kept out.
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
		fmt.Fprintf(log, "learner: kept out: %s\n", b)
	}
	if n > 0 {
		fmt.Fprintf(log, "learner: %d bad rows kept out\n", n)
	}
	return d, nil
}

// parts splits "2013B,2013J".
func parts(flag, list string) ([]string, error) {
	var out []string
	for _, p := range strings.Split(list, ",") {
		if p = strings.TrimSpace(p); p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, usageError{fmt.Errorf("--%s is missing: name presentations, such as 2013B,2013J", flag)}
	}
	return out, nil
}

// tellEpochs says now and then how far training is.
func tellEpochs(log io.Writer) func(kind string, seed, epoch int, train, valid float64) {
	last := time.Time{}
	return func(kind string, seed, epoch int, train, valid float64) {
		if time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		if valid == valid {
			fmt.Fprintf(log, "learner: %s seed %d epoch %d: loss %.4f, held out %.4f\n", kind, seed+1, epoch, train, valid)
		} else {
			fmt.Fprintf(log, "learner: %s seed %d epoch %d: loss %.4f\n", kind, seed+1, epoch, train)
		}
	}
}

// trainFlags are shared by train and eval.
type trainFlags struct {
	static, clicks, quick bool
	seed                  uint64
}

func (f *trainFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.static, "with-static", false, "also use gender, age, deprivation, disability, region, education: helps little after the first weeks, and carries the danger")
	flags.BoolVar(&f.clicks, "clicks", false, "use cumulative click files (clicks_cumulative_week_N); daily click logs are always used")
	flags.Uint64Var(&f.seed, "seed", 1, "another seed gives other weights")
	flags.BoolVar(&f.quick, "quick", false, "one small net and few rounds, to try things out")
}

var modelNames = strings.Join(models.Kinds, ", ")
