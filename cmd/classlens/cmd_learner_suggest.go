package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"classlens/internal/learner"
	"classlens/internal/learner/suggest"

	"github.com/spf13/cobra"
)

// suggestFlags are the command line of suggest.
type suggestFlags struct {
	weights, course, order, out string
	most                        int
	below                       float64
	lessons                     []string
}

func newLearnerSuggest() *cobra.Command {
	var f suggestFlags
	cmd := &cobra.Command{
		Use:   "suggest [DATA --weights DIR --course MODULE/PRESENTATION] [--lesson FOLDER]... --out DIR",
		Short: "Suggest whom to reach first, why, and what has helped in such cases",
		Long: `Lists the students of a course whose chance of passing is smallest on the day the model was trained for, the weeks and kinds of activity that lowered it, and what has helped
in such cases, with the study that found it (docs/suggestions.md). --lesson takes the results of analyze for a recording (OUT/NAME) and adds the stretches in which many were off
task; it works without DATA too. Writes suggest.json, suggest.csv, suggest.html, and indices.csv and indices.json with the indices of docs/indices.md.

Not for grading; nothing is decided automatically.`,
		Example: "  classlens learner suggest oulad --weights weights --course BBB/2014B --out suggestions\n  classlens learner suggest --lesson out/lesson --out suggestions",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return runSuggest(cmd, args, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.weights, "weights", "", "`FOLDER` that train wrote")
	flags.StringVar(&f.course, "course", "", "`COURSE`, such as BBB/2014B; for a flat table its Topic or file name")
	flags.StringVar(&f.order, "order", suggest.ByRisk, "`ORDER`: risk, smallest chance first; fall, largest loss in the last two weeks first")
	flags.IntVar(&f.most, "most", 20, "list at most this many students")
	flags.Float64Var(&f.below, "below", .5, "list only students with a chance below this")
	flags.StringArrayVar(&f.lessons, "lesson", nil, "`FOLDER` with the results of analyze for a recording; may be repeated")
	flags.StringVar(&f.out, "out", "", "`FOLDER` for the table, JSON and page")
	completeValues(cmd, "order", "risk", "fall")
	return cmd
}

func runSuggest(cmd *cobra.Command, args []string, f suggestFlags) error {
	if f.out == "" {
		return usageError{errors.New("--out is missing: name a folder for the suggestions")}
	}
	if len(args) == 0 && len(f.lessons) == 0 {
		return usageError{errors.New("name a learning log with --weights and --course, or a recording's folder with --lesson")}
	}
	for _, name := range []string{"weights", "course", "below", "most", "order"} {
		if len(args) == 0 && cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s is about a learning log: name its folder", name)}
		}
	}
	switch {
	case f.order != suggest.ByRisk && f.order != suggest.ByFall:
		return usageError{fmt.Errorf("--order %s: want %s or %s", f.order, suggest.ByRisk, suggest.ByFall)}
	case f.most < 1:
		return usageError{fmt.Errorf("--most %d: want a number from 1", f.most)}
	case !(f.below > 0 && f.below <= 1):
		return usageError{fmt.Errorf("--below %g: want a chance above 0 and at most 1", f.below)}
	}
	report := &suggest.Report{Note: suggest.NotForGrading}
	var d *learner.Data
	var day learner.Day
	if len(args) == 1 {
		if f.weights == "" || f.course == "" {
			return usageError{errors.New("--weights DIR and --course MODULE/PRESENTATION are needed")}
		}
		w, err := learner.LoadWeights(f.weights)
		if err != nil {
			return err
		}
		if d, err = openLearner(cmd.Context(), cmd.ErrOrStderr(), args[0], w.Settings.Features.Static); err != nil {
			return err
		}
		day = w.Settings.Day
		if report, err = w.Suggest(d, f.course, suggest.Options{Most: f.most, Below: f.below, Order: f.order}); errors.Is(err, suggest.ErrInput) {
			return usageError{err}
		} else if err != nil {
			return learnerError(err)
		}
	}
	for _, folder := range f.lessons {
		if err := report.AddLesson(folder); err != nil {
			return err
		}
	}
	names, err := report.WriteFiles(f.out)
	if err != nil {
		return err
	}
	if d != nil {
		if err := d.WriteIndices(f.course, day, f.out); err != nil {
			return learnerError(err)
		}
	}
	fmt.Fprint(cmd.OutOrStdout(), plainLines(report.Table()))
	fmt.Fprintln(cmd.OutOrStdout(), "page:", filepath.Join(f.out, names[len(names)-1]))
	return nil
}
