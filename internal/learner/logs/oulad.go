package logs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// reader fills a Log table by table.
type reader struct {
	ctx         context.Context
	dir         string
	log         *Log
	courses     map[string]int // "AAA 2013J"
	assessments map[string]int
	students    []map[string]int // of each course: student to enrolment
}

// ReadOULAD reads a folder in the layout of the Open University Learning Analytics
// Dataset, plain or gzipped: courses, assessments, studentInfo,
// studentRegistration, studentAssessment, and for clicks either vle and studentVle
// (a row a student, site and day; read in one pass) or
// clicks_cumulative_week_N (a row a student with one course). Bad rows are in the
// log; a table or column that is missing is an error.
func ReadOULAD(ctx context.Context, dir string) (*Log, error) {
	r := &reader{ctx: ctx, dir: dir, log: &Log{Clicks: NoClicks, Rows: map[string]int{}}, courses: map[string]int{}, assessments: map[string]int{}}
	for _, read := range []func() error{r.readCourses, r.readAssessments, r.readInfo, r.readRegistration, r.readScores, r.readClicks} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	for i := range r.log.Enrolments {
		e := &r.log.Enrolments[i]
		slices.SortStableFunc(e.Submissions, func(a, b Submission) int { return a.Day - b.Day })
	}
	return r.log, nil
}

// each calls do for every row; what do returns that is not empty makes the row bad.
func (r *reader) each(name string, columns []string, do func(f [][]byte) string) error {
	t, err := openTable(r.dir, name, columns...)
	if err != nil {
		return err
	}
	defer t.Close()
	for n := 0; ; n++ {
		if n%65536 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		ok, err := t.next(r.log)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if reason := do(t.fields); reason != "" {
			r.log.bad(t.name, t.line, "%s", reason)
		} else {
			r.log.Rows[t.name]++
		}
	}
}

func (r *reader) readCourses() error {
	return r.some("courses.csv", "course", r.each("courses.csv", []string{"code_module", "code_presentation", "module_presentation_length"}, func(f [][]byte) string {
		length, ok := day(f[2])
		key := string(f[0]) + " " + string(f[1])
		if !ok || length <= 0 {
			return fmt.Sprintf("module_presentation_length %q is no number of days", f[2])
		}
		if _, twice := r.courses[key]; twice {
			return "course " + key + " a second time"
		}
		r.courses[key] = len(r.log.Courses)
		r.log.Courses = append(r.log.Courses, Course{Module: string(f[0]), Presentation: string(f[1]), Length: length})
		r.students = append(r.students, map[string]int{})
		return ""
	}), func() bool { return len(r.log.Courses) > 0 })
}

// some makes an error of a table without which there is nothing to work on: what is what it should have, there tells
// whether it has any. A bad row says why.
func (r *reader) some(table, what string, err error, there func() bool) error {
	if err != nil || there() {
		return err
	}
	for _, b := range r.log.Bad {
		if strings.TrimSuffix(b.File, ".gz") == table {
			return fmt.Errorf("no %s can be used: %s", what, b)
		}
	}
	return fmt.Errorf("%s: no %s in it", table, what)
}

func (r *reader) course(module, presentation []byte) (int, string) {
	var buffer [64]byte
	key := append(append(append(buffer[:0], module...), ' '), presentation...)
	i, ok := r.courses[string(key)]
	if !ok {
		return 0, fmt.Sprintf("course %s is not in courses.csv", key)
	}
	return i, ""
}

func (r *reader) readAssessments() error {
	return r.each("assessments.csv", []string{"code_module", "code_presentation", "id_assessment", "assessment_type", "date", "weight"}, func(f [][]byte) string {
		c, reason := r.course(f[0], f[1])
		if reason != "" {
			return reason
		}
		due, ok := dayOrNone(f[4])
		if !ok {
			return fmt.Sprintf("date %q is no day", f[4])
		}
		weight, err := decimal(f[5])
		if err != nil || !(weight >= 0 && weight <= 100) {
			return fmt.Sprintf("weight %q is not within 0 to 100", f[5])
		}
		a := Assessment{ID: string(f[2]), Course: c, Kind: string(f[3]), Due: due, Weight: weight}
		if _, twice := r.assessments[a.ID]; twice {
			return "assessment " + a.ID + " a second time"
		}
		if due == NoDay && !a.Exam() {
			a.Due = r.log.Courses[c].Length
		}
		i := len(r.log.Assessments)
		r.assessments[a.ID] = i
		r.log.Assessments = append(r.log.Assessments, a)
		r.log.Courses[c].Assessments = append(r.log.Courses[c].Assessments, i)
		return ""
	})
}

func (r *reader) readInfo() error {
	columns := []string{"code_module", "code_presentation", "id_student", "gender", "region", "highest_education", "imd_band", "age_band", "num_of_prev_attempts", "studied_credits", "disability", "final_result?"}
	names := interned{}
	return r.some("studentInfo.csv", "student", r.each("studentInfo.csv", columns, func(f [][]byte) string {
		c, reason := r.course(f[0], f[1])
		if reason != "" {
			return reason
		}
		if missing(f[2]) {
			return "id_student is empty"
		}
		if _, twice := r.students[c][string(f[2])]; twice {
			return fmt.Sprintf("student %s a second time in %s", f[2], r.log.Courses[c])
		}
		attempts, ok1 := day(f[8])
		credits, ok2 := day(f[9])
		if !ok1 || !ok2 || attempts < 0 || credits < 0 {
			return fmt.Sprintf("num_of_prev_attempts %q, studied_credits %q: both must be whole numbers", f[8], f[9])
		}
		result, ok := resultOf(f[11])
		if !ok {
			return fmt.Sprintf("final_result %q is none of %s", f[11], strings.Join(resultNames, ", "))
		}
		e := Enrolment{Course: c, Student: string(f[2]), Gender: names.of(f[3]), Region: names.of(f[4]), Education: names.of(f[5]), Deprivation: names.of(f[6]), Age: names.of(f[7]),
			Disability: string(f[10]) == "Y" || string(f[10]) == "1", Attempts: attempts, Credits: credits, Registered: NoDay, Unregistered: NoDay, Result: result}
		i := len(r.log.Enrolments)
		r.students[c][e.Student] = i
		r.log.Enrolments = append(r.log.Enrolments, e)
		r.log.Courses[c].Enrolments = append(r.log.Courses[c].Enrolments, i)
		return ""
	}), func() bool { return len(r.log.Enrolments) > 0 })
}

// interned keeps one copy of each short text.
type interned map[string]string

func (n interned) of(f []byte) string {
	if missing(f) {
		return ""
	}
	if s, ok := n[string(f)]; ok {
		return s
	}
	s := string(f)
	n[s] = s
	return s
}

func resultOf(f []byte) (Result, bool) {
	if missing(f) {
		return NoResult, true
	}
	i := slices.Index(resultNames, string(f))
	return Result(i), i >= 0
}

func (r *reader) readRegistration() error {
	return r.some("studentRegistration.csv", "day of registration", r.each("studentRegistration.csv", []string{"code_module", "code_presentation", "id_student", "date_registration", "date_unregistration"}, func(f [][]byte) string {
		e, reason := r.enrolment(f[0], f[1], f[2])
		if reason != "" {
			return reason
		}
		registered, ok1 := dayOrNone(f[3])
		unregistered, ok2 := dayOrNone(f[4])
		if !ok1 || !ok2 {
			return fmt.Sprintf("date_registration %q, date_unregistration %q: no days", f[3], f[4])
		}
		e.Registered, e.Unregistered = registered, unregistered
		return ""
	}), func() bool {
		return slices.ContainsFunc(r.log.Enrolments, func(e Enrolment) bool { return e.Registered != NoDay })
	})
}

func (r *reader) enrolment(module, presentation, student []byte) (*Enrolment, string) {
	c, reason := r.course(module, presentation)
	if reason != "" {
		return nil, reason
	}
	i, ok := r.students[c][string(student)]
	if !ok {
		return nil, fmt.Sprintf("student %s of %s is not in studentInfo.csv", student, r.log.Courses[c])
	}
	return &r.log.Enrolments[i], ""
}

func (r *reader) readScores() error {
	seen := map[[2]int]bool{}
	return r.each("studentAssessment.csv", []string{"id_assessment", "id_student", "date_submitted", "is_banked", "score"}, func(f [][]byte) string {
		a, ok := r.assessments[string(f[0])]
		if !ok {
			return fmt.Sprintf("assessment %s is not in assessments.csv", f[0])
		}
		c := r.log.Assessments[a].Course
		i, ok := r.students[c][string(f[1])]
		if !ok {
			return fmt.Sprintf("student %s of %s is not in studentInfo.csv", f[1], r.log.Courses[c])
		}
		when, ok := day(f[2])
		if !ok {
			return fmt.Sprintf("date_submitted %q is no day", f[2])
		}
		score := math.NaN()
		if !missing(f[4]) {
			v, err := decimal(f[4])
			if err != nil || !(v >= 0 && v <= 100) {
				return fmt.Sprintf("score %q is not within 0 to 100", f[4])
			}
			score = v
		}
		if seen[[2]int{a, i}] {
			return fmt.Sprintf("student %s hands in assessment %s a second time", f[1], f[0])
		}
		seen[[2]int{a, i}] = true
		e := &r.log.Enrolments[i]
		e.Submissions = append(e.Submissions, Submission{Assessment: a, Day: when, Banked: string(f[3]) == "1", Score: score})
		return ""
	})
}
