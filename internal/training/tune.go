package training

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"classlens/internal/safefile"

	"gopkg.in/yaml.v3"
)

// bestConfig is the file of a search's winner: ready for a whole run.
const bestConfig = "best.yaml"

// trial is one combination of settings and what it came to.
type trial struct {
	values []string
	config Config
	Result
}

// Search tries settings as c.Tune says, each in a folder of its own below o.Out, judged
// by the validation part alone, and leaves tune.csv and best.yaml, which has the best
// trial's settings and the run's own epochs. The pictures are cut once.
func Search(ctx context.Context, c Config, o Options) error {
	if c.Tune == nil || len(c.Tune.Values) == 0 {
		return errors.New("the config has no tune section: say under tune.values which settings to try")
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	keys, trials, err := c.trials()
	if err != nil {
		return err
	}
	for i := range trials {
		t := &trials[i]
		o.Say("trial %d of %d: %s", i+1, len(trials), settings(keys, t.values))
		inner := o
		inner.Out, inner.Cache = filepath.Join(o.Out, fmt.Sprintf("trial-%02d", i+1)), o.Out
		if t.Result, err = Run(ctx, t.config, inner); err != nil {
			return err
		}
		if err := writeTrials(filepath.Join(o.Out, "tune.csv"), keys, trials[:i+1]); err != nil {
			return err
		}
	}
	best := slices.MaxFunc(trials, func(a, b trial) int { return cmp.Compare(a.Best, b.Best) })
	best.config.Epochs, best.config.Tune = c.Epochs, nil
	raw, err := yaml.Marshal(best.config)
	if err != nil {
		return err
	}
	file := filepath.Join(o.Out, bestConfig)
	o.Say("best of %d trials: %s, validation %s %.3f; train with %s", len(trials), settings(keys, best.values), best.Metric, best.Best, file)
	return safefile.WriteFile(file, raw)
}

func settings(keys, values []string) string {
	var s []string
	for i, k := range keys {
		s = append(s, k+" "+values[i])
	}
	return strings.Join(s, ", ")
}

// trials are all combinations of the grid, or so many of them drawn by the seed.
func (c Config) trials() (keys []string, all []trial, err error) {
	if c.Tune.Epochs <= 0 || c.Tune.Trials < 0 {
		return nil, nil, fmt.Errorf("tune: epochs is %d, trials %d: want at least 1 and 0", c.Tune.Epochs, c.Tune.Trials)
	}
	total := 1
	for k, v := range c.Tune.Values {
		keys = append(keys, k)
		if len(v) == 0 || total > 1_000_000/len(v) {
			return nil, nil, fmt.Errorf("tune: %s has %d values, or the grid is too large", k, len(v))
		}
		total *= len(v)
	}
	slices.Sort(keys)
	numbers := rand.New(rand.NewPCG(c.Seed, 77)).Perm(total)
	if c.Tune.Trials == 0 || c.Tune.Trials >= total {
		slices.Sort(numbers)
	} else {
		numbers = numbers[:c.Tune.Trials]
	}
	for _, n := range numbers {
		t := trial{}
		values := map[string]any{}
		for _, k := range keys {
			v := c.Tune.Values[k]
			values[k] = v[n%len(v)]
			t.values = append(t.values, fmt.Sprint(values[k]))
			n /= len(v)
		}
		if t.config, err = c.with(values); err != nil {
			return nil, nil, fmt.Errorf("tune: %s: %w", settings(keys, t.values), err)
		}
		all = append(all, t)
	}
	return keys, all, nil
}

// with is the config with other values under dotted keys, and a trial's epochs.
func (c Config) with(values map[string]any) (Config, error) {
	tune := c.Tune
	c.Tune = nil
	raw, err := yaml.Marshal(c)
	if err != nil {
		return c, err
	}
	tree := map[string]any{}
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return c, err
	}
	for key, v := range values {
		at := tree
		parts := strings.Split(key, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := at[p].(map[string]any)
			if !ok {
				return c, fmt.Errorf("no setting %s", key)
			}
			at = next
		}
		at[parts[len(parts)-1]] = v
	}
	tree["epochs"] = tune.Epochs
	if raw, err = yaml.Marshal(tree); err != nil {
		return c, err
	}
	return parseConfig(raw)
}

func writeTrials(file string, keys []string, done []trial) error {
	f, err := safefile.Create(file)
	if err != nil {
		return err
	}
	defer f.Abort()
	rows := [][]string{append(append([]string{"trial"}, keys...), "metric", "best", "epoch")}
	for i, t := range done {
		rows = append(rows, append(append([]string{strconv.Itoa(i + 1)}, t.values...), t.Metric, strconv.FormatFloat(t.Best, 'f', 4, 64), strconv.Itoa(t.Epoch)))
	}
	if err := csv.NewWriter(f).WriteAll(rows); err != nil {
		return err
	}
	return f.Commit()
}
