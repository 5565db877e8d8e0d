package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"classlens/internal/learner"
	"classlens/internal/safefile"

	"github.com/spf13/cobra"
)

func newLearnerPredict() *cobra.Command {
	var presentations, weights, out string
	var targets bool
	cmd := &cobra.Command{
		Use:   "predict DATA --presentations P,P --weights DIR --out FILE.csv",
		Short: "Predict who will pass, from what is known by the day the model was trained for",
		Long: `Writes one row for each student who had registered by that day:
code_module,code_presentation,id_student,day,p_pass,result. Students who had left by then have p_pass 0. --all-targets adds the probabilities of the four results, the final
score (0 to 1) and the chance that the next score is no worse than those so far. In a course with fewer than 20 students, ranks are taken among the students of the training data.`,
		Example: "  classlens learner predict oulad --presentations 2014B --weights weights --out pred.csv",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := listFlag("presentations", presentations, wantPresentations)
			if err != nil {
				return err
			}
			if weights == "" || out == "" {
				return usageError{errors.New("--weights DIR and --out FILE.csv are needed")}
			}
			w, err := learner.LoadWeights(weights)
			if err != nil {
				return err
			}
			d, err := openLearner(cmd.Context(), cmd.ErrOrStderr(), args[0], w.Settings.Features.Static)
			if err != nil {
				return err
			}
			for _, line := range d.Cautions(names, w.Settings) {
				fmt.Fprintln(cmd.ErrOrStderr(), "learner:", line)
			}
			all, err := w.Predict(d, names)
			if err != nil {
				return learnerError(err)
			}
			if err := writePredictions(out, all, targets); err != nil {
				return err
			}
			if n := d.Absent(names, w.Settings.Day); n > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "learner: no prediction for %d enrolled students: they registered later, or have no day of registration\n", n)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d predictions of %s on day %s: %s\n", len(all), w.Kind, w.Settings.Day, out)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&presentations, "presentations", "", "`PRESENTATIONS` to predict, such as 2014B")
	flags.StringVar(&weights, "weights", "", "`FOLDER` that train wrote")
	flags.StringVar(&out, "out", "", "`FILE` for the predictions")
	flags.BoolVar(&targets, "all-targets", false, "also the four results, final score and trend")
	return cmd
}

func writePredictions(name string, all []learner.Predicted, targets bool) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := learner.WritePredictions(f, all, targets); err != nil {
		return err
	}
	return f.Commit()
}
