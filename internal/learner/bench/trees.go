//go:build bench

package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"classlens/internal/learner/judge"
	"classlens/internal/learner/models"
	"classlens/internal/safefile"
)

//go:embed lightgbm.py
var script string

// trees compares FitTrees with LightGBM on the rows of the day of the prediction.
func (o options) trees(ctx context.Context) error {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "trees"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	python := os.Getenv("CLASSLENS_BENCH_PYTHON")
	if python == "" {
		python = "python3"
	}
	for _, day := range o.dayList() {
		s := o.data.SettingsFor(day, o.static, true)
		var names [2]string
		var sets [2]*models.Set
		for k, list := range []string{o.train, o.test} {
			a, err := o.data.Assemble(s, nil, strings.Split(list, ","), false)
			if err != nil {
				return err
			}
			names[k], sets[k] = filepath.Join(dir, fmt.Sprintf("%s-%s.csv", list, day)), a.Set
			if err := export(names[k], a.Set); err != nil {
				return err
			}
		}
		cmd := exec.CommandContext(ctx, python, "-c", script, names[0], names[1])
		cmd.Stderr, cmd.Env = os.Stderr, append(os.Environ(), "OMP_NUM_THREADS=1")
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("LightGBM by %s: %w", python, err)
		}
		var theirs []float64
		for _, line := range strings.Fields(string(out)) {
			v, err := strconv.ParseFloat(line, 64)
			if err != nil {
				return err
			}
			theirs = append(theirs, v)
		}
		if err := o.beside(string(day), sets, theirs); err != nil {
			return err
		}
	}
	return nil
}

// seeds that both are averaged over: one tells little, so much is drawn.
const seeds = 3

func (o options) beside(day string, sets [2]*models.Set, theirs []float64) error {
	if len(theirs) != len(sets[1].Rows) {
		return fmt.Errorf("LightGBM gives %d predictions of %d", len(theirs), len(sets[1].Rows))
	}
	var all [][]models.Prediction
	for seed := range seeds {
		p, err := models.FitPlainTrees(sets[0], models.Boosting, uint64(seed+1)).Predict(sets[1])
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	var cases []judge.Case
	ours := judge.Said{Model: "ours"}
	for i, p := range models.Blend(all) {
		r := sets[1].Rows[i]
		c := judge.Case{Student: r.Student, Module: r.Module}
		if r.Truth[len(r.Truth)-1][models.Passed] == 1 {
			c.Result = 2
		}
		cases, ours.P = append(cases, c), append(ours.P, p[models.Passed])
	}
	f := judge.Population(cases, []judge.Said{ours, {Model: "lightgbm", P: theirs}}, []string{"lightgbm"}, 1)
	d := f[0].Against["lightgbm"]
	fmt.Printf("bench: trees day %s ours %.4f lightgbm %.4f difference %+.4f (%+.4f to %+.4f) n %d\n", day, f[0].AUC.Value, f[1].AUC.Value, d.Value, d.Low, d.High, f[0].N)
	return nil
}

// export writes the columns of the day of the prediction, the module, and whether passed.
func export(name string, s *models.Set) error {
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := csv.NewWriter(f)
	if err := w.Write(append([]string{"passed", "module"}, s.Columns...)); err != nil {
		return err
	}
	for _, r := range s.Rows {
		line := []string{strconv.FormatFloat(float64(r.Truth[len(r.Truth)-1][models.Passed]), 'g', -1, 32), r.Module}
		for _, v := range r.Last() {
			text := ""
			if v == v {
				text = strconv.FormatFloat(float64(v), 'g', -1, 32)
			}
			line = append(line, text)
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	if w.Flush(); w.Error() != nil {
		return w.Error()
	}
	return f.Commit()
}
