package learner

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"classlens/internal/learner/features"
	"classlens/internal/learner/generic"
	"classlens/internal/learner/indices"
	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
	"classlens/internal/learner/text"
)

// Settings say what a model sees; they are stored with its weights.
type Settings struct {
	Form     Form             `json:"form"`
	Day      Day              `json:"day"`
	Features features.Options `json:"features"`
	Text     bool             `json:"text"`    // figures of what students write
	Lessons  bool             `json:"lessons"` // figures of what analyze saw
	Times    bool             `json:"times"`   // viewing time and repeated views, of records with times and items
	// OneCourse: clicks come from files that leave out whoever has, or will have,
	// several courses. See clickRow.
	OneCourse bool `json:"one_course_clicks"`
}

// SettingsFor takes what the data has. Cumulative click files are used only when
// asked for.
func (d *Data) SettingsFor(day Day, static, cumulative bool) Settings {
	s := Settings{Form: d.Form, Day: day, Features: features.Options{Static: static}}
	if d.Flat != nil {
		return s
	}
	daily := d.Log.Clicks == logs.DailyClicks
	s.OneCourse = cumulative && d.Log.Clicks == logs.CumulativeClicks
	s.Features.Daily, s.Features.Clicks = daily, daily || s.OneCourse
	s.Text = len(d.posts) > 0
	s.Lessons = d.Events != nil && d.Events.Lessons != nil
	s.Times = d.Events != nil
	return s
}

// personal says that there are no personal attributes where there are none.
func (d *Data) personal() error {
	if d.Form == Events {
		return fmt.Errorf("%w: the generic form (events.csv) has no personal attributes: leave out --with-static", ErrRequest)
	}
	return nil
}

// check says what a log lacks for the settings.
func (d *Data) check(s Settings) error {
	lack := ""
	switch {
	case d.Form != s.Form && (d.Flat != nil || s.Form == XAPI || s.Form == UCI):
		return fmt.Errorf("%w: the weights are for data of form %s, this is %s", ErrRequest, s.Form, d.Form)
	case d.Flat != nil:
	case s.Features.Daily && d.Log.Clicks != logs.DailyClicks:
		lack = "a click for each day (studentVle.csv or events.csv)"
	case s.OneCourse && d.Log.Clicks != logs.CumulativeClicks:
		lack = "cumulative click files (clicks_cumulative_week_N.csv)"
	case s.Text && len(d.posts) == 0:
		lack = "posts.csv"
	case s.Lessons && (d.Events == nil || d.Events.Lessons == nil):
		lack = "lessons.csv"
	case s.Times && d.Events == nil:
		lack = "events.csv"
	}
	if lack != "" {
		return fmt.Errorf("%w: the weights are from other features: they want %s, which this data does not have", ErrRequest, lack)
	}
	return nil
}

// builder makes the builder for the settings. Tables may be nil.
func (d *Data) builder(s Settings, tables *features.Tables) *features.Builder {
	b := features.NewBuilder(d.Log, s.Features, tables)
	if s.Text {
		b.Extra = append(b.Extra, features.Extra{Names: text.Columns, Of: func(i, day int) []float32 { return text.Student(d.posts[i], day) }})
	}
	if s.Lessons {
		b.Extra = append(b.Extra, features.Extra{Names: generic.LessonColumns, Of: d.Events.LessonFigures})
	}
	if s.Times {
		b.Extra = append(b.Extra, features.Extra{Names: indices.ViewingColumns, Of: func(i, day int) []float32 { return indices.Viewing(d.Events.Records[i], day) }})
	}
	return b
}

// names gives the columns that this program makes for the settings.
func (s Settings) names() []string {
	names := s.Features.Names()
	if s.Text {
		names = append(names, text.Columns...)
	}
	if s.Lessons {
		names = append(names, generic.LessonColumns...)
	}
	if s.Times {
		names = append(names, indices.ViewingColumns...)
	}
	if s.OneCourse {
		names = append(names, oneCourse)
	}
	return names
}

// foldNames are the folds of a flat table.
var foldNames = []string{"fold1", "fold2", "fold3", "fold4", "fold5"}

// flatSet gives the rows of folds in a period: mid is the middle one, end the last,
// a number counts from 1.
func (d *Data) flatSet(day Day, folds []string) (*models.Set, error) {
	period := 0
	switch day {
	case Mid:
		period = d.Flat.Periods / 2
	case End:
		period = d.Flat.Periods - 1
	default:
		if period = day.number() - 1; period >= d.Flat.Periods {
			return nil, fmt.Errorf("%w: day %s: this table has periods 1 to %d", ErrRequest, day, d.Flat.Periods)
		}
	}
	for _, f := range folds {
		if !slices.Contains(foldNames, f) {
			return nil, fmt.Errorf("%w: %q: this table has no presentations; its students are dealt into %s", ErrRequest, f, strings.Join(foldNames, ", "))
		}
	}
	all, err := d.Flat.At(period)
	if err != nil {
		return nil, err
	}
	out := &models.Set{Columns: all.Columns}
	for _, r := range all.Rows {
		r.Presentation, r.Day = foldNames[deal(r.Student, len(foldNames))], period+1
		if slices.Contains(folds, r.Presentation) {
			out.Rows = append(out.Rows, r)
		}
	}
	return out, nil
}

// deal gives a student a number below n, always the same.
func deal(student string, n int) int {
	h := fnv.New64a()
	h.Write([]byte(student)) // never fails
	v := h.Sum64()
	return int((v ^ v>>29) % uint64(n))
}
