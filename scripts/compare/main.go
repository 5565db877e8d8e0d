// Command compare trains and judges several methods on the same honest splits and
// prints the table of docs/measured.md:
//
//	go run ./scripts/compare --clabehavior DIR --cctv DIR --rendered DIR --out DIR
//
// Methods: the commonest class; HOG with logistic regression; body points of MoveNet
// Thunder with logistic regression; a small CNN of model/train with each temporal part,
// without flow, and with squeeze-and-excitation. Splits: ClaBehavior with a room left
// out, the CCTV set with a time block left out, rendered takes with rooms left out. Where
// boxes hold head and upper body, the head is taken at its usual place, for all methods. A
// part of what is trained on validates; nothing is chosen by what is tested on. What is
// done already in OUT is not done again.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/internal/safefile"
)

func main() {
	var c compare
	flag.StringVar(&c.clabehavior, "clabehavior", "", "folder of ClaBehavior")
	flag.StringVar(&c.cctv, "cctv", "", "folder of the CCTV set")
	flag.StringVar(&c.rendered, "rendered", "", "folder of `synthroom crops -steps 5 -flow`")
	flag.StringVar(&c.out, "out", "out/compare", "folder for runs, tables and predictions")
	flag.IntVar(&c.scale, "passes", 6000, "samples that each net sees while training, whatever the set's size")
	flag.StringVar(&c.only, "only", "", "methods to run, by the names of their folders, such as hog,cnn; all without")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

type compare struct {
	clabehavior, cctv, rendered, out, only string
	scale                                  int
	labels                                 config.Labels
}

// task is one set with one split.
type task struct {
	name  string // of its folder and column
	set   *dataset.Set
	split string // file
	part  []string
	video bool // has steps and flow
	upper bool // the set boxes head and upper body: heads are at their usual place
}

func (c *compare) run(ctx context.Context) (err error) {
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	if c.labels, err = config.LoadLabels(""); err != nil {
		return err
	}
	tasks, err := c.tasks()
	if err != nil {
		return err
	}
	var rows []row
	for _, m := range methods { // the dear ones come last
		for _, t := range tasks {
			if m.video && !t.video || m.still && t.video || (c.only != "" && !slices.Contains(strings.Split(c.only, ","), m.file)) {
				continue
			}
			r, err := c.one(ctx, t, m)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", t.name, m.name, err)
			}
			rows = append(rows, r)
			fmt.Fprintln(os.Stderr, "compare:", r.text())
		}
	}
	text := table(tasks, rows)
	fmt.Print(text)
	return safefile.WriteFile(filepath.Join(c.out, "table.md"), []byte(text))
}

// one runs one method on one split, or reads what it came to before.
func (c *compare) one(ctx context.Context, t task, m method) (row, error) {
	dir := filepath.Join(c.out, t.name, m.file)
	if r, ok := readRow(filepath.Join(dir, "row.json")); ok {
		return r, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return row{}, err
	}
	predictions, err := m.predict(ctx, c, t, dir)
	if err != nil {
		return row{}, err
	}
	if err := evaluate.WritePredictions(filepath.Join(dir, "predictions.csv"), t.set, predictions); err != nil {
		return row{}, err
	}
	r, err := judge(t, m, predictions)
	if err != nil {
		return row{}, err
	}
	return r, r.write(filepath.Join(dir, "row.json"))
}

func table(tasks []task, rows []row) string {
	var b strings.Builder
	for _, t := range tasks {
		fmt.Fprintf(&b, "\n%s (%s):\n\n| method | accuracy | balanced | macro-F1 | F5 | ECE |\n|---|---|---|---|---|---|\n", t.name, t.counts())
		for _, r := range rows {
			if r.Task == t.name {
				b.WriteString(r.markdown())
			}
		}
	}
	return b.String()
}

func (t task) counts() string {
	n := map[string]int{}
	for _, p := range t.part {
		n[p]++
	}
	return fmt.Sprintf("%d to train, %d to validate, %d to test", n["train"], n["val"], n["test"])
}
