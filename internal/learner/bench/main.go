//go:build bench

// Command bench chooses between models on presentations that are not the test, and
// holds the project's boosted trees to LightGBM's on the same features:
//
//	go run -tags bench ./internal/learner/bench choice [-days 28,56,mid] [-models lr,lstm] [-cell lstm] [-hidden 48] … OULAD
//	go run -tags bench ./internal/learner/bench trees [-days 28,56,mid] [-keep DIR] OULAD
//
// Both train on 2013B and judge on 2013J. choice prints ROC-AUC, its mean within modules, Brier and ECE
// of each model; its flags replace settings of the sequence nets. trees exports the features to CSV, fits LightGBM
// on them with the same settings, and prints both AUCs with the paired difference. LightGBM comes from the Python
// that CLASSLENS_BENCH_PYTHON names (python3 unless set).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"classlens/internal/learner"
	"classlens/internal/learner/models"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options of both.
type options struct {
	train, test, days, kinds, keep string
	static                         bool
	data                           *learner.Data
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "choice" && args[0] != "trees" {
		return fmt.Errorf("want choice or trees, then a folder in OULAD's layout")
	}
	var o options
	f, q := flag.NewFlagSet(args[0], flag.ContinueOnError), &models.Recurrence
	f.StringVar(&o.train, "train", "2013B", "presentations to learn from")
	f.StringVar(&o.test, "test", "2013J", "presentations to judge on")
	f.StringVar(&o.days, "days", "28,56,mid", "days of prediction")
	f.StringVar(&o.kinds, "models", "lr,gbdt,lstm,stack", "models")
	f.StringVar(&o.keep, "keep", "", "folder that keeps the exported features")
	f.BoolVar(&o.static, "with-static", true, "personal attributes too")
	f.IntVar(&q.Hidden, "hidden", q.Hidden, "sequence nets: hidden units")
	f.Float64Var(&q.Dropout, "dropout", q.Dropout, "sequence nets: dropout")
	f.Float64Var(&q.Decay, "decay", q.Decay, "sequence nets: weight decay")
	f.Float64Var(&q.Rate, "rate", q.Rate, "sequence nets: learning rate")
	f.Float64Var(&q.Memory, "memory", q.Memory, "sequence nets: a step k weeks back weighs exp(-k/memory)")
	f.Float64Var(&q.Hide, "hide", q.Hide, "sequence nets: share of rows without their module")
	f.IntVar(&q.Epochs, "epochs", q.Epochs, "sequence nets: epochs")
	f.IntVar(&q.Seeds, "seeds", q.Seeds, "sequence nets: seeds")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return fmt.Errorf("name a folder in OULAD's layout")
	}
	var err error
	if o.data, err = learner.Open(ctx, f.Arg(0), o.static); err != nil {
		return err
	}
	if args[0] == "trees" {
		return o.trees(ctx)
	}
	return o.choice(ctx)
}

func (o options) dayList() (days []learner.Day) {
	for _, d := range strings.Split(o.days, ",") {
		days = append(days, learner.Day(d))
	}
	return days
}

// choice trains as eval does and prints what there is to choose by.
func (o options) choice(ctx context.Context) error {
	for _, day := range o.dayList() {
		said := learner.NewRun(o.data, o.data.SettingsFor(day, o.static, true), strings.Split(o.train, ","), 1)
		for _, kind := range strings.Split(o.kinds, ",") {
			f, err := said.Judge(ctx, kind, strings.Split(o.test, ","))
			if err != nil {
				return fmt.Errorf("day %s, %s: %w", day, kind, err)
			}
			fmt.Printf("bench: choice day %s %-9s auc %.4f within-modules %.4f brier %.4f ece %.4f\n", day, kind, f.AUC, f.Within, f.Brier, f.ECE)
		}
	}
	return nil
}
