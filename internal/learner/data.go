package learner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"classlens/internal/learner/generic"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/text"
)

// Form is a form of input.
type Form string

// Forms of input; those but OULAD are generic's.
const (
	OULAD  Form = "oulad"
	Events Form = Form(generic.Events)
	XAPI   Form = Form(generic.XAPI)
	UCI    Form = Form(generic.UCI)
)

// ErrRequest says that what was asked for does not fit the data or the weights.
var ErrRequest = errors.New("learner")

// Data is what was read of a learning log.
type Data struct {
	Form   Form
	Log    *logs.Log     // nil for flat tables
	Events *generic.Data // with its Log; nil unless Form is Events
	Flat   *generic.Flat // XAPI and UCI
	posts  map[int][]text.Post
}

// Open reads a log: a folder in OULAD's layout or the generic one, a flat table, or
// a compact copy. static also reads personal columns of flat tables.
func Open(ctx context.Context, path string, static bool) (*Data, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file or folder", path)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() && filepath.Ext(path) == compactSuffix {
		return readCompact(path)
	}
	if info.IsDir() {
		if exists(path, CompactName) {
			return readCompact(filepath.Join(path, CompactName))
		}
		if !exists(path, "events.csv") && !exists(path, "outcomes.csv") {
			if !exists(path, "courses.csv") && !exists(path, "courses.csv.gz") {
				return nil, fmt.Errorf("%s: no form that is known: neither courses.csv nor courses.csv.gz (OULAD's layout), nor events.csv (docs/learner-inputs.md)", path)
			}
			l, err := logs.ReadOULAD(ctx, path)
			if err != nil {
				return nil, err
			}
			return &Data{Form: OULAD, Log: l}, nil
		}
	}
	return openGeneric(path, static)
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func openGeneric(path string, static bool) (*Data, error) {
	kind, err := generic.Detect(path)
	if err != nil {
		return nil, err
	}
	d := &Data{Form: Form(kind)}
	switch kind {
	case generic.Events:
		d.Events, err = generic.ReadEvents(path)
		if err != nil {
			return nil, err
		}
		d.Log = d.Events.Log
		err = d.readTexts()
	case generic.XAPI:
		d.Flat, err = generic.ReadXAPI(path, static)
	case generic.UCI:
		d.Flat, err = generic.ReadUCI(path, static)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// readTexts turns posts into figures, once each.
func (d *Data) readTexts() error {
	if d.Events == nil || len(d.Events.Posts) == 0 {
		return nil
	}
	d.posts = map[int][]text.Post{}
	for _, p := range d.Events.Posts {
		read, err := text.Read(p.Day, p.Text)
		if err != nil {
			return fmt.Errorf("posts.csv: %w", err)
		}
		d.posts[p.Enrolment] = append(d.posts[p.Enrolment], read)
	}
	return nil
}

// Bad gives the rows that were kept out (the first logs.MaxBad) and how many they are.
func (d *Data) Bad() ([]logs.BadRow, int) {
	if d.Flat != nil {
		return d.Flat.Bad.Rows, d.Flat.Bad.Count
	}
	return d.Log.Bad, d.Log.BadCount
}

// Presentations names what can be trained on and predicted, in time order. A flat
// table has no time: its students are dealt into five folds.
func (d *Data) Presentations() []string {
	if d.Flat != nil {
		return slices.Clone(foldNames)
	}
	return d.Log.Presentations()
}

// Cautions says what is to be known of the predictions for presentations, a line each.
func (d *Data) Cautions(presentations []string, s Settings) []string {
	if d.Log == nil {
		return nil
	}
	courses, err := d.Log.In(presentations...)
	if err != nil {
		return nil
	}
	return d.cautions(courses, s)
}

// cautions are about courses on whose day of prediction nothing tells their students apart yet, and, where the generic form has
// dates, about those whose day had not come when the log ended: what is missing looks like students who do nothing.
func (d *Data) cautions(courses []int, s Settings) (lines []string) {
	dated := d.Events != nil && d.Events.Starts != nil
	for _, c := range courses {
		course := d.Log.Courses[c]
		name, when := course.Module+"/"+course.Presentation, s.Day.In(course)
		if dated && d.Events.Starts[c]+float64(when) >= math.Floor(d.Events.Last)+1 {
			lines = append(lines, fmt.Sprintf("%s is on day %d on %s, and the log ends on %s: what is missing looks like students who do nothing; take weights for day %d or before",
				name, when, date(d.Events.Starts[c]+float64(when)), date(d.Events.Last), int(math.Floor(d.Events.Last)-d.Events.Starts[c])))
		}
		due := slices.ContainsFunc(course.Assessments, func(i int) bool { return !d.Log.Assessments[i].Exam() && d.Log.Assessments[i].Due <= when })
		if !due && !s.Features.Clicks && !s.Text && !s.Lessons {
			lines = append(lines, fmt.Sprintf("nothing is due in %s by day %d, and the weights know no clicks: the chances rest on what is known of a student at the start and on work handed in early", name, when))
		}
	}
	return lines
}

// date of days since 1970.
func date(days float64) string {
	return time.Unix(int64(math.Floor(days))*86400, 0).UTC().Format(time.DateOnly)
}
