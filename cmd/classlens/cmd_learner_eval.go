package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"classlens/internal/learner"
	"classlens/internal/learner/models"

	"github.com/spf13/cobra"
)

// learnerEvalFlags are the command line of learner eval.
type learnerEvalFlags struct {
	trainFlags
	train, test, days, models, fair, staticModels, out string
}

func newLearnerEval() *cobra.Command {
	var f learnerEvalFlags
	cmd := &cobra.Command{
		Use:         "eval DATA --train P,P --test P --out DIR",
		Annotations: goesOn,
		Short:       "Compare models on presentations that they were not trained on",
		Long: `Trains each model for each day on --train, judges it on --test, and writes eval.txt, eval.json, eval.html (curves, calibration, modules, fairness) and auc.png (ROC-AUC by day). Figures:
ROC-AUC, PR-AUC, accuracy, F1 of at-risk, Brier score, calibration error and the four-way result, with 95 % bootstrap intervals over students and paired differences. Populations:
all students registered by the day, and of these the active ones, who had not left. --with-static adds one model with personal attributes, and what they cost and gain.

The weights for each day and model are saved in DIR/weights: if the run is stopped, the same command continues from there.`,
		Example: "  classlens learner eval oulad --train 2013B,2013J --test 2014B --models all --out eval",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return runLearnerEval(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.train, "train", "", "`PRESENTATIONS` to learn from, such as 2013B,2013J")
	flags.StringVar(&f.test, "test", "", "`PRESENTATIONS` to judge on, such as 2014B")
	flags.StringVar(&f.days, "days", "14,28,42,56,mid,end", "`DAYS` of prediction")
	flags.StringVar(&f.models, "models", "all", "`MODELS`: all, or some of "+modelNames)
	flags.StringVar(&f.fair, "fair", "", "`MODEL` whose fairness is judged (default: "+models.DefaultKind+" if it is among --models, else the last of them)")
	flags.StringVar(&f.staticModels, "static-models", "", "with --with-static: more `MODELS` to try with personal attributes, all or some; the one of --fair is always tried")
	flags.StringVar(&f.out, "out", "", "`FOLDER` for results and weights")
	f.add(cmd)
	return cmd
}

func runLearnerEval(cmd *cobra.Command, data string, f learnerEvalFlags) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	log := cmd.ErrOrStderr()
	d, err := openLearner(cmd.Context(), log, data, f.static)
	if err != nil {
		return err
	}
	o.Report = tellEpochs(log)
	o.Tell = func(day learner.Day, model string, again bool) {
		verb := "train"
		if again {
			verb = "have"
		}
		fmt.Fprintf(log, "learner: day %s: %s %s\n", day, verb, model)
	}
	e, err := learner.Evaluate(cmd.Context(), d, o)
	if err != nil {
		return learnerError(err)
	}
	if err := e.WriteFiles(f.out); err != nil {
		return err
	}
	fmt.Fprint(cmd.OutOrStdout(), plainLines(e.Text()))
	fmt.Fprintln(cmd.OutOrStdout(), "page:", filepath.Join(f.out, "eval.html"))
	return nil
}

// options checks the flags.
func (f learnerEvalFlags) options() (o learner.EvalOptions, err error) {
	o = learner.EvalOptions{Clicks: f.clicks, Static: f.static, Fair: f.fair, Seed: f.seed, Quick: f.quick, Dir: f.out}
	if o.Train, err = listFlag("train", f.train, wantPresentations); err != nil {
		return o, err
	}
	if o.Test, err = listFlag("test", f.test, wantPresentations); err != nil {
		return o, err
	}
	if f.out == "" {
		return o, usageError{errors.New("--out is missing: name a folder for the results")}
	}
	if o.Days, err = daysFlag(f.days); err != nil {
		return o, err
	}
	if o.Models, err = modelsFlag("models", f.models); err != nil {
		return o, err
	}
	if f.staticModels == "" {
		return o, nil
	}
	if !f.static {
		return o, usageError{errors.New("--static-models goes with --with-static")}
	}
	o.Statics, err = modelsFlag("static-models", f.staticModels)
	return o, err
}

func daysFlag(list string) ([]learner.Day, error) {
	names, err := listFlag("days", list, "days, such as 14,28,mid")
	if err != nil {
		return nil, err
	}
	var days []learner.Day
	for _, name := range names {
		d, err := learner.ParseDay(name)
		if err != nil {
			return nil, usageError{fmt.Errorf("--days: %w", err)}
		}
		days = append(days, d)
	}
	return days, nil
}

func modelsFlag(flag, list string) ([]string, error) {
	if strings.TrimSpace(list) == "all" {
		return models.Kinds, nil
	}
	kinds, err := listFlag(flag, list, "models: all, or some of "+modelNames)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if err := models.CheckKind(k); err != nil {
			return nil, usageError{fmt.Errorf("--%s: %w", flag, err)}
		}
	}
	return kinds, nil
}
