package learner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"classlens/internal/learner/features"
	"classlens/internal/learner/models"
)

// TrainOptions say what to train.
type TrainOptions struct {
	Presentations []string
	Model         string // one of models.Kinds
	Seed          uint64
	Quick         bool   // one seed and few rounds, to try things out
	Dir           string // the weights folder: nets that are done are kept in it until Save, and a training that broke off goes on from them; "" keeps none
	Report        func(kind string, seed, epoch int, train, valid float64)

	have *fits // models fitted before in the same way, for stacks
}

// fits keeps fitted models and their twins, which have not seen the held out part.
type fits struct{ first, last map[string]*models.Fitted }

// Train trains a model. The last of several presentations (one student in five of a
// single one) is kept out first, to stop early and to calibrate by; then all are
// trained on for the whole schedule, which was chosen on held-out courses of 2013J:
// the best epoch of a smaller part is no measure for the whole.
func Train(ctx context.Context, d *Data, s Settings, o TrainOptions) (*Weights, error) {
	if err := models.CheckKind(o.Model); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if s.Features.Static {
		if err := d.personal(); err != nil {
			return nil, err
		}
	}
	names := slices.Compact(slices.Sorted(slices.Values(o.Presentations)))
	all, err := d.Assemble(s, nil, names, true)
	if err != nil {
		return nil, err
	}
	if err := enough(all.Set); err != nil {
		return nil, err
	}
	rest, valid, held, err := d.holdOut(s, names, all.Set)
	if err != nil {
		return nil, err
	}
	w := &Weights{Settings: s, Columns: all.Columns, Quick: o.Quick, Data: digest(all.Set), Kind: o.Model, Seed: o.Seed, Presentations: names, Modules: modulesOf(all.Set), Students: studentsOf(all.Set), Held: held}
	return w, w.fit(ctx, d, all.Set, rest, valid, o)
}

func (w *Weights) fit(ctx context.Context, d *Data, all, rest, valid *models.Set, o TrainOptions) error {
	if o.have == nil {
		o.have = &fits{map[string]*models.Fitted{}, map[string]*models.Fitted{}}
	}
	keep, err := checkpointsIn(o.Dir, w)
	if err != nil {
		return err
	}
	mo := models.Options{Seed: o.Seed, Quick: o.Quick, Report: o.Report, Have: o.have.first, Keep: keep, Part: "held-out", Stop: ctx.Err}
	first, err := models.Fit(o.Model, rest, valid, mo)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.Stops = map[string]int{}
	first.Epochs(w.Stops)
	mo.Have, mo.Part = o.have.last, "all"
	if w.Fitted, err = models.Fit(o.Model, all, nil, mo); err != nil {
		return err
	}
	if err := w.Fitted.Calibrate(first, valid); err != nil {
		return err
	}
	o.have.first[o.Model], o.have.last[o.Model] = first, w.Fitted
	if d.Flat == nil {
		w.Tables, w.Levels = d.tables(w.Settings, w.Presentations), levelsOf(all)
	}
	return ctx.Err()
}

// digest is the SHA-256 of a set: its columns, students, values and truths.
func digest(s *models.Set) string {
	h := sha256.New()
	fmt.Fprintln(h, s.Columns)
	var buffer []byte
	for _, r := range s.Rows {
		buffer = fmt.Appendln(buffer[:0], r.Student, r.Module, r.Presentation, r.Present, r.Repeats)
		for t, step := range r.Steps {
			for _, v := range append(slices.Clip(step), r.Truth[t][:]...) {
				buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
			}
		}
		h.Write(buffer) // never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// enough says what there is too little of to learn from.
func enough(s *models.Set) error {
	passed, failed, open := 0, 0, 0
	for _, r := range s.Present().Rows {
		switch y := r.Truth[len(r.Truth)-1][models.Passed]; {
		case y == 1:
			passed++
		case y == 0:
			failed++
		default:
			open++
		}
	}
	const least = 20
	if passed < least || failed < least {
		return fmt.Errorf("%w: of the students there on the day %d passed, %d did not, and of %d no result is known: at least %d who passed and as many who did not are needed to train", ErrRequest, passed, failed, open, least)
	}
	return nil
}

// holdOut splits what is trained on: the last presentation is to validate on.
func (d *Data) holdOut(s Settings, names []string, all *models.Set) (rest, valid *models.Set, held string, err error) {
	if len(names) > 1 {
		held = names[len(names)-1]
		r, err := d.Assemble(s, nil, names[:len(names)-1], true)
		if err != nil {
			return nil, nil, "", err
		}
		v, err := d.Assemble(s, nil, names[len(names)-1:], false)
		if err != nil {
			return nil, nil, "", err
		}
		if enough(r.Set) == nil && enough(v.Set) == nil {
			return r.Set, v.Set, held, nil
		}
	}
	rest, valid = &models.Set{Columns: all.Columns}, &models.Set{Columns: all.Columns}
	for _, r := range all.Rows {
		if deal("held "+r.Student, 5) == 0 {
			valid.Rows = append(valid.Rows, r)
		} else {
			rest.Rows = append(rest.Rows, r)
		}
	}
	return rest, valid.Present(), "one student in five", nil
}

// studentsOf counts the enrolments that are there on the day, each once.
func studentsOf(s *models.Set) int {
	seen := map[int]bool{}
	for _, r := range s.Present().Rows {
		seen[r.Enrolment] = true
	}
	return len(seen)
}

func modulesOf(s *models.Set) []string {
	var names []string
	for _, r := range s.Rows {
		if !slices.Contains(names, r.Module) {
			names = append(names, r.Module)
		}
	}
	slices.Sort(names)
	return names
}

// tables keeps, for each module, the cohorts of its latest course on each step's day.
func (d *Data) tables(s Settings, presentations []string) *features.Tables {
	courses, err := d.Log.In(presentations...)
	if err != nil {
		return nil
	}
	latest := map[string]int{}
	for _, c := range courses { // presentations are in time order
		latest[d.Log.Courses[c].Module] = c
	}
	b, t := d.builder(s, nil), &features.Tables{}
	for _, c := range courses {
		if latest[d.Log.Courses[c].Module] != c {
			continue
		}
		for _, day := range stepsUntil(s.Day.In(d.Log.Courses[c])) {
			t.Cohorts = append(t.Cohorts, b.At(c, day).Cohort.Thin())
		}
	}
	return t
}
