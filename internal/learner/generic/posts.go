package generic

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// readPosts takes posts.csv where there is one.
func (r *reader) readPosts() error {
	if !r.has("posts.csv") {
		return nil
	}
	for i := range r.data.Records {
		r.data.Records[i].Posts = []float64{}
	}
	err := r.read("posts.csv", []string{"student", "course", "time", "text"}, func(f row) string {
		i, day, reason := r.member(f)
		if reason != "" {
			return reason
		}
		r.data.Posts = append(r.data.Posts, Post{i, day, strings.Clone(f.get("text"))})
		r.data.Records[i].Posts = append(r.data.Records[i].Posts, day)
		return ""
	})
	slices.SortStableFunc(r.data.Posts, func(a, b Post) int { return cmp.Compare(a.Day, b.Day) })
	return err
}

// member is the enrolment of a row and its day in the course.
func (r *reader) member(f row) (int, float64, string) {
	i, ok := r.who[[2]string{f.get("course"), f.get("student")}]
	if !ok {
		return 0, 0, fmt.Sprintf("student %s of %s is not in outcomes.csv", f.get("student"), f.get("course"))
	}
	at, reason := r.when(f.numeral("time"))
	r.saw(at)
	return i, at - r.origin(r.data.Log.Enrolments[i].Course), reason
}

// origin is a course's start; one without events begins at 0.
func (r *reader) origin(course int) float64 {
	if math.IsNaN(r.start[course]) {
		return 0
	}
	return r.start[course]
}

// Lesson is what analyze saw of a student in one lesson; NaN is not known.
type Lesson struct {
	Day        int
	Seen       float64 // seconds
	OnTask     float64 // 0 to 1
	Engagement float64 // 0 to 3
	Hands      float64 // raised
}

// readLessons takes lessons.csv (course, time, folder: what analyze left, below
// this one) and seats.csv (course, seat, student): who sat where is for the teacher
// to say; it never comes from a face.
func (r *reader) readLessons() error {
	if !r.has("lessons.csv") {
		return nil
	}
	r.data.Lessons = make([][]Lesson, len(r.data.Log.Enrolments))
	seats := map[[2]string]int{}
	err := r.read("seats.csv", []string{"course", "seat", "student"}, func(f row) string {
		i, ok := r.who[[2]string{f.get("course"), f.get("student")}]
		if !ok {
			return fmt.Sprintf("student %s of %s is not in outcomes.csv", f.get("student"), f.get("course"))
		}
		seats[[2]string{strings.Clone(f.get("course")), strings.Clone(f.get("seat"))}] = i
		return ""
	})
	if err != nil {
		return err
	}
	var failed error
	err = r.read("lessons.csv", []string{"course", "time", "folder"}, func(f row) string {
		c, ok := r.courses[f.get("course")]
		if !ok {
			return fmt.Sprintf("course %q is not in outcomes.csv", f.get("course"))
		}
		at, reason := r.when(f.numeral("time"))
		if reason != "" {
			return reason
		}
		r.saw(at)
		folder := f.get("folder")
		if !filepath.IsLocal(folder) {
			return fmt.Sprintf("folder %q is not below this one", folder)
		}
		day := int(math.Floor(at - r.origin(c)))
		if err := r.readLesson(strings.Clone(f.get("course")), filepath.Join(folder, "students.csv"), day, seats); err != nil && failed == nil {
			failed = err
		}
		return ""
	})
	for i := range r.data.Lessons {
		slices.SortStableFunc(r.data.Lessons[i], func(a, b Lesson) int { return a.Day - b.Day })
	}
	return errors.Join(err, failed)
}

// readLesson takes one students.csv; seats that nobody is named for are left out.
func (r *reader) readLesson(course, name string, day int, seats map[[2]string]int) error {
	return r.read(name, []string{"student", "seen_s", "on_task_share", "engagement_mean", "hand_raises"}, func(f row) string {
		i, ok := seats[[2]string{course, f.get("student")}]
		if !ok {
			return ""
		}
		l := Lesson{Day: day}
		for _, c := range []struct {
			to     *float64
			column string
			high   float64
		}{{&l.Seen, "seen_s", 1e6}, {&l.OnTask, "on_task_share", 1}, {&l.Engagement, "engagement_mean", 3}, {&l.Hands, "hand_raises", 1e4}} {
			*c.to = math.NaN()
			if f.get(c.column) == "" {
				continue
			}
			v, reason := f.number(c.column, 0, c.high)
			if reason != "" {
				return reason
			}
			*c.to = v
		}
		r.data.Lessons[i] = append(r.data.Lessons[i], l)
		return ""
	})
}

// LessonColumns name what LessonFigures gives.
var LessonColumns = []string{"lesson_on_task", "lesson_engagement", "lesson_hands", "lesson_on_task_week", "lesson_count"}

// LessonFigures are an enrolment's means over the lessons up to a day, weighted by
// time in view, the on-task share of the last seven days, and how many lessons; NaN
// where there is none.
func (d *Data) LessonFigures(enrolment, day int) []float32 {
	var sum, weight [4]float64
	count := 0.
	if d.Lessons != nil {
		for _, l := range d.Lessons[enrolment] {
			if l.Day > day || !(l.Seen > 0) {
				continue
			}
			count++
			for k, v := range [4]float64{l.OnTask, l.Engagement, l.Hands, l.OnTask} {
				if v == v && (k < 3 || l.Day > day-7) {
					sum[k], weight[k] = sum[k]+l.Seen*v, weight[k]+l.Seen
				}
			}
		}
	}
	out := make([]float32, 0, len(LessonColumns))
	for k := range sum {
		v := math.NaN()
		if weight[k] > 0 {
			v = sum[k] / weight[k]
		}
		out = append(out, float32(v))
	}
	return append(out, float32(count))
}
