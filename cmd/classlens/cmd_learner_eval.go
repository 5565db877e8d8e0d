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

func newLearnerEval() *cobra.Command {
	var f trainFlags
	var train, test, days, kinds, fair, statics, out string
	cmd := &cobra.Command{
		Use:   "eval DATA --train P,P --test P --out DIR",
		Short: "Compare models on presentations that they were not trained on",
		Long: `Trains each model for each day on --train, judges it on --test, and writes eval.txt, eval.json, eval.html (curves, calibration, modules, fairness) and auc.png (ROC-AUC by day): ROC-AUC,
PR-AUC, accuracy, F1 of at-risk, Brier score, calibration error, the four-way result, with 95 % bootstrap intervals over students and paired differences. Populations:
all who had registered by the day, and the active of them, who had not left. --with-static adds one model with personal attributes and what they cost and gain.

The weights of each day and model stay in DIR/weights; the same command again goes on from there.`,
		Example: "  classlens learner eval oulad --train 2013B,2013J --test 2014B --models all --out eval",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := learner.EvalOptions{Clicks: f.clicks, Static: f.static, Fair: fair, Seed: f.seed, Quick: f.quick, Dir: out}
			var err error
			if o.Train, err = parts("train", train); err != nil {
				return err
			}
			if o.Test, err = parts("test", test); err != nil {
				return err
			}
			if out == "" {
				return usageError{errors.New("--out is missing: name a folder for the results")}
			}
			if o.Days, o.Models, err = daysAndModels(days, kinds); err != nil {
				return err
			}
			if statics != "" {
				if _, o.Statics, err = daysAndModels(days, statics); err != nil {
					return err
				}
				if !f.static {
					return usageError{errors.New("--static-models goes with --with-static")}
				}
			}
			log := cmd.ErrOrStderr()
			d, err := openLearner(cmd.Context(), log, args[0], f.static)
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
			if err := e.WriteFiles(out); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), e.Text())
			fmt.Fprintln(cmd.OutOrStdout(), "page:", filepath.Join(out, "eval.html"))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&train, "train", "", "`PRESENTATIONS` to learn from, such as 2013B,2013J")
	flags.StringVar(&test, "test", "", "`PRESENTATIONS` to judge on, such as 2014B")
	flags.StringVar(&days, "days", "14,28,42,56,mid,end", "`DAYS` of prediction")
	flags.StringVar(&kinds, "models", "all", "`MODELS`: all, or some of "+modelNames)
	flags.StringVar(&fair, "fair", "", "`MODEL` whose fairness is judged; unless said the "+models.DefaultKind+" where it is among --models, otherwise the last of them")
	flags.StringVar(&statics, "static-models", "", "with --with-static: more `MODELS` to try with personal attributes, all or some; the one of --fair is always tried")
	flags.StringVar(&out, "out", "", "`FOLDER` for results and weights")
	f.add(cmd)
	return cmd
}

func daysAndModels(days, kinds string) ([]learner.Day, []string, error) {
	var out []learner.Day
	names, err := parts("days", days)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		d, err := learner.ParseDay(name)
		if err != nil {
			return nil, nil, usageError{fmt.Errorf("--days: %w", err)}
		}
		out = append(out, d)
	}
	if strings.TrimSpace(kinds) == "all" {
		return out, models.Kinds, nil
	}
	list, err := parts("models", kinds)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range list {
		if err := models.CheckKind(k); err != nil {
			return nil, nil, usageError{fmt.Errorf("--models: %w", err)}
		}
	}
	return out, list, nil
}
