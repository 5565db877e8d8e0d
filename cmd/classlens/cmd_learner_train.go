package main

import (
	"fmt"
	"slices"

	"classlens/internal/learner"
	"classlens/internal/learner/models"

	"github.com/spf13/cobra"
)

func newLearnerTrain() *cobra.Command {
	var f trainFlags
	var presentations, day, model, out string
	cmd := &cobra.Command{
		Use:         "train DATA --presentations P,P --day D --out DIR",
		Annotations: goesOn,
		Short:       "Train a model on past presentations",
		Long: `Trains on presentations whose results are known, for predictions on one day of a course. The last presentation is first held out, for early stopping and calibration; then
the model is trained on all of them. Without --with-static no personal attribute is used.

Models: ` + modelNames + `. DIR receives model.json, weights.json.gz, ranks.json.gz (so that a single student can be scored) and manifest.json with their SHA-256. Every epoch is
saved in DIR/checkpoint: if the run is stopped, the same command continues from there and ends with the same weights.`,
		Example: "  classlens learner train oulad --presentations 2013B,2013J --day 56 --out weights",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := listFlag("presentations", presentations, wantPresentations)
			if err != nil {
				return err
			}
			when, err := learner.ParseDay(day)
			if err != nil {
				return usageError{fmt.Errorf("--day: %w", err)}
			}
			if err := models.CheckKind(model); err != nil {
				return usageError{fmt.Errorf("--model: %w", err)}
			}
			if out == "" {
				return usageError{fmt.Errorf("--out is missing: name a folder for the weights")}
			}
			log := cmd.ErrOrStderr()
			d, err := openLearner(cmd.Context(), log, args[0], f.static)
			if err != nil {
				return err
			}
			settings := d.SettingsFor(when, f.static, f.clicks)
			if old, err := learner.LoadWeights(out); err == nil && (old.Kind != model || old.Settings != settings || !slices.Equal(slices.Sorted(slices.Values(old.Presentations)), slices.Sorted(slices.Values(names)))) {
				fmt.Fprintf(log, "learner: the weights in %s (%s for day %s from %v) are replaced\n", out, old.Kind, old.Settings.Day, old.Presentations)
			}
			w, err := learner.Train(cmd.Context(), d, settings, learner.TrainOptions{Presentations: names, Model: model, Seed: f.seed, Quick: f.quick, Dir: out, Report: tellEpochs(log)})
			if err != nil {
				return learnerError(err)
			}
			if err := w.Save(out); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s for day %s from %d students of %v, %d columns: %s\n", model, when, w.Students, names, len(w.Columns), out)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&presentations, "presentations", "", "`PRESENTATIONS` to learn from, such as 2013B,2013J")
	flags.StringVar(&day, "day", "mid", "`DAY` of the prediction: a number, mid or end")
	flags.StringVar(&model, "model", models.DefaultKind, "`MODEL`: one of "+modelNames)
	flags.StringVar(&out, "out", "", "`FOLDER` for the weights")
	f.add(cmd)
	completeValues(cmd, "model", models.Kinds...)
	return cmd
}
