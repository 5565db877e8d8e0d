package generic

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"classlens/internal/learner/logs"
	"classlens/internal/learner/models"
)

// Flat is a table of students without dates: one row each, with periods instead of
// days. Columns that begin with static_ are personal; they are there only when
// asked for.
type Flat struct {
	models.Set
	Periods int // steps of a row
	Good    int // rows
	Bad     Bad
}

// numeric is a column with a number, and its name here.
type numeric struct {
	column, name string
	high         float64
	from         int // the first period that knows it
}

var xapiNumbers = []numeric{{"raisedhands", "raised_hands", 1000, 0}, {"VisITedResources", "visited_resources", 1000, 0},
	{"AnnouncementsView", "announcements_view", 1000, 0}, {"Discussion", "discussion", 1000, 0}}

// xapiColumns are those that a table must have.
func xapiColumns() []string {
	return append(columnsOf(xapiNumbers), "Topic", "Semester", "ParentAnsweringSurvey", "ParentschoolSatisfaction", "StudentAbsenceDays", "Class")
}

func columnsOf(all []numeric) (columns []string) {
	for _, n := range all {
		columns = append(columns, n.column)
	}
	return columns
}

var xapiStatic = []string{"gender", "NationalITy", "PlaceofBirth", "StageID", "GradeID", "Relation"}

// ReadXAPI reads xAPI-Edu-Data (Amrieh, Hamtini, Aljarah 2016): 480 students, three
// classes. L counts as Fail, M as Pass, H as Distinction; one period.
func ReadXAPI(path string, static bool) (*Flat, error) {
	f := &Flat{Periods: 1}
	f.Columns = []string{"raised_hands", "visited_resources", "announcements_view", "discussion", "absent_often", "second_term", "parent_answered", "parent_content"}
	columns := xapiColumns()
	if static {
		columns = append(columns, xapiStatic...)
	}
	var personal []map[string]string
	var err error
	f.Good, err = read(path, base(path), ',', columns, &f.Bad, func(r row) string {
		var v []float32
		for _, n := range xapiNumbers {
			x, reason := r.number(n.column, 0, n.high)
			if reason != "" {
				return reason
			}
			v = append(v, float32(x))
		}
		for _, c := range []struct {
			column  string
			answers []string
		}{{"StudentAbsenceDays", []string{"Under-7", "Above-7"}}, {"Semester", []string{"F", "S"}}, {"ParentAnsweringSurvey", []string{"No", "Yes"}}, {"ParentschoolSatisfaction", []string{"Bad", "Good"}}} {
			i, reason := oneOf(c.column, r.get(c.column), c.answers)
			if reason != "" {
				return reason
			}
			v = append(v, float32(i))
		}
		class, reason := oneOf("Class", r.get("Class"), []string{"L", "M", "H"})
		if reason != "" {
			return reason
		}
		truth := models.TruthOf([]logs.Result{logs.Fail, logs.Pass, logs.Distinction}[class], nan32, nan32)
		f.add(fmt.Sprint(r.line-1), r.get("Topic"), [][]float32{v}, truth)
		if static {
			personal = append(personal, values(r, xapiStatic))
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	f.addPersonal(xapiStatic, personal)
	return f, nil
}

var nan32 = float32(math.NaN())

func values(r row, columns []string) map[string]string {
	m := map[string]string{}
	for _, c := range columns {
		m[c] = strings.Clone(r.get(c))
	}
	return m
}

func (f *Flat) add(student, module string, steps [][]float32, truth [models.Targets]float32) {
	r := models.Row{Enrolment: len(f.Rows), Student: student, Module: strings.Clone(module), Steps: steps, Present: true}
	for range steps {
		r.Truth = append(r.Truth, truth)
	}
	f.Rows = append(f.Rows, r)
}

// addPersonal appends a column for each value that a personal attribute has.
func (f *Flat) addPersonal(columns []string, personal []map[string]string) {
	if len(personal) == 0 {
		return
	}
	for _, c := range columns {
		var seen []string
		for _, p := range personal {
			if !slices.Contains(seen, p[c]) {
				seen = append(seen, p[c])
			}
		}
		slices.Sort(seen)
		for _, value := range seen {
			f.Columns = append(f.Columns, "static_"+strings.ToLower(c+"_"+value))
			for i := range f.Rows {
				for t := range f.Rows[i].Steps {
					x := float32(0)
					if personal[i][c] == value {
						x = 1
					}
					f.Rows[i].Steps[t] = append(f.Rows[i].Steps[t], x)
				}
			}
		}
	}
}

var uciNumbers = []numeric{{"studytime", "study_time", 4, 0}, {"failures", "earlier_failures", 4, 0}, {"traveltime", "travel_time", 4, 0},
	{"absences", "absences", 365, 0}, {"G1", "grade_1", 20, 1}, {"G2", "grade_2", 20, 2}}

var uciFlags = []struct{ column, name string }{{"schoolsup", "school_support"}, {"paid", "paid_classes"}, {"activities", "activities"}}

var uciStatic = []string{"school", "sex", "age", "address", "famsize", "Pstatus", "Medu", "Fedu", "Mjob", "Fjob", "reason", "guardian", "famsup", "nursery",
	"higher", "internet", "romantic", "famrel", "freetime", "goout", "Dalc", "Walc", "health"}

// uciColumns are those that a table must have.
func uciColumns() []string {
	columns := append(columnsOf(uciNumbers), "G3")
	for _, c := range uciFlags {
		columns = append(columns, c.column)
	}
	return columns
}

// ReadUCI reads UCI student performance (Cortez and Silva 2008), semicolons between
// fields: student-mat.csv or student-por.csv. Three periods: before any grade, with
// G1, with G1 and G2. G3 below 10 of 20 counts as Fail, from 16 as Distinction.
// Absences are those of the whole year: the table does not say of when.
func ReadUCI(path string, static bool) (*Flat, error) {
	f := &Flat{Periods: 3}
	columns := uciColumns()
	for _, n := range uciNumbers {
		f.Columns = append(f.Columns, n.name)
	}
	for _, c := range uciFlags {
		f.Columns = append(f.Columns, c.name)
	}
	if static {
		columns = append(columns, uciStatic...)
	}
	var personal []map[string]string
	var err error
	f.Good, err = read(path, base(path), ';', columns, &f.Bad, func(r row) string {
		steps := make([][]float32, 3)
		for _, n := range uciNumbers {
			x, reason := r.number(n.column, 0, n.high)
			if reason != "" {
				return reason
			}
			for t := range steps {
				v := nan32
				if t >= n.from {
					v = float32(x)
				}
				steps[t] = append(steps[t], v)
			}
		}
		for _, c := range uciFlags {
			i, reason := oneOf(c.column, r.get(c.column), []string{"no", "yes"})
			if reason != "" {
				return reason
			}
			for t := range steps {
				steps[t] = append(steps[t], float32(i))
			}
		}
		g3, reason := r.number("G3", 0, 20)
		if reason != "" {
			return reason
		}
		f.add(fmt.Sprint(r.line-1), strings.TrimSuffix(base(path), ".csv"), steps, models.TruthOf(uciResult(g3), float32(g3/20), nan32))
		if static {
			personal = append(personal, values(r, uciStatic))
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	f.addPersonal(uciStatic, personal)
	return f, nil
}

func uciResult(g3 float64) logs.Result {
	switch {
	case g3 < 10:
		return logs.Fail
	case g3 < 16:
		return logs.Pass
	}
	return logs.Distinction
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// At is the set as it is known in a period, 0 to Periods-1.
func (f *Flat) At(period int) (*models.Set, error) {
	if period < 0 || period >= f.Periods {
		return nil, fmt.Errorf("period %d: there are 0 to %d", period, f.Periods-1)
	}
	out := &models.Set{Columns: f.Columns}
	for _, r := range f.Rows {
		r.Steps, r.Truth = r.Steps[:period+1], r.Truth[:period+1]
		out.Rows = append(out.Rows, r)
	}
	return out, nil
}
