package learner

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"classlens/internal/learner/indices"
	"classlens/internal/learner/models"
	"classlens/internal/learner/suggest"
	"classlens/internal/safefile"
)

// courseOf finds a course by "MODULE/PRESENTATION"; one name stands for both.
func (d *Data) courseOf(name string) (int, error) {
	var have []string
	for i, c := range d.Log.Courses {
		if len(c.Enrolments) == 0 {
			continue
		}
		full := c.Module + "/" + c.Presentation
		if name == full || name == c.String() || name == c.Module && c.Module == c.Presentation {
			return i, nil
		}
		have = append(have, full)
	}
	return 0, fmt.Errorf("%w: course %q is none of %s", ErrRequest, name, strings.Join(have, ", "))
}

// Suggest says whom to reach first in a course on the weights' day, and why.
func (w *Weights) Suggest(d *Data, course string, o suggest.Options) (*suggest.Report, error) {
	set, days, err := w.oneCourse(d, course)
	if err != nil {
		return nil, err
	}
	if err := sameColumns(w.Columns, set.Columns); err != nil {
		return nil, err
	}
	cases, err := suggest.Cases(set.Set, days)
	if err != nil {
		return nil, err
	}
	o.Course, o.Day, o.Columns, o.Seed = course, days[len(days)-1], set.Columns, w.Seed
	said, err := w.Fitted.Predict(set.Set)
	if err != nil {
		return nil, err
	}
	// The course's shift is that of the students as they are, for altered ones too.
	model := leveled{Model: w.Fitted}
	shifts, err := w.shifts(set.Set, said)
	if err != nil {
		return nil, err
	}
	for _, z := range shifts {
		model.shift = z // one course, one shift
	}
	r, err := suggest.Make(cases, suggest.Asking(model, set.Columns), o)
	if err != nil || d.Log == nil {
		return r, err
	}
	i, err := d.courseOf(course)
	if err == nil {
		r.Warnings = d.cautions([]int{i}, w.Settings)
	}
	return r, err
}

// oneCourse gives a course's rows and the days of their steps.
func (w *Weights) oneCourse(d *Data, course string) (*Assembled, []int, error) {
	if err := d.check(w.Settings); err != nil {
		return nil, nil, err
	}
	if d.Flat != nil {
		set, err := d.flatSet(w.Settings.Day, foldNames)
		if err != nil {
			return nil, nil, err
		}
		set.Rows = slices.DeleteFunc(set.Rows, func(r models.Row) bool { return r.Module != course })
		if len(set.Rows) == 0 {
			return nil, nil, fmt.Errorf("%w: no student of course %q", ErrRequest, course)
		}
		var days []int
		for t := range set.Rows[0].Steps {
			days = append(days, t+1)
		}
		return &Assembled{Set: set}, days, nil
	}
	i, err := d.courseOf(course)
	if err != nil {
		return nil, nil, err
	}
	return d.assemble(d.builder(w.Settings, w.Tables), []int{i}, w.Settings, false), stepsUntil(w.Settings.Day.In(d.Log.Courses[i])), nil
}

// WriteIndices writes indices.csv and indices.json of all who are active in a
// course on a day, as docs/indices.md defines them. A flat table has none.
func (d *Data) WriteIndices(course string, day Day, dir string) error {
	if d.Flat != nil {
		return nil
	}
	c, err := d.courseOf(course)
	if err != nil {
		return err
	}
	when := day.In(d.Log.Courses[c])
	var all []indices.Indices
	for _, i := range d.Log.Courses[c].Enrolments {
		if !d.Log.Enrolments[i].ActiveOn(when) {
			continue
		}
		record := indices.FromLog(d.Log, i)
		if d.Events != nil {
			record = d.Events.Records[i] // with times and items
		}
		all = append(all, indices.Of(record, when))
	}
	table, err := indices.CSV(all)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	if err := safefile.WriteFile(filepath.Join(dir, "indices.csv"), table); err != nil {
		return err
	}
	return safefile.WriteFile(filepath.Join(dir, "indices.json"), append(data, '\n'))
}
