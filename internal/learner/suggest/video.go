package suggest

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Stretch is a span of a recording in which many were off task.
type Stretch struct {
	Lesson  string    `json:"lesson"`
	Start   float64   `json:"start_s"`
	End     float64   `json:"end_s"`
	OffTask float64   `json:"off_task_share"` // among the students whose attention is known
	Usual   float64   `json:"usual_share"`    // of the whole lesson
	Known   float64   `json:"known"`          // students a step, mean
	Did     []ShareOf `json:"students_did"`   // the commonest behaviours, largest first
	Teacher string    `json:"teacher_did"`    // the teacher's commonest, "" when not seen
	Seats   []string  `json:"seats"`          // off task for at least half of it
}

// ShareOf is a behaviour's share of student time.
type ShareOf struct {
	Behaviour string  `json:"behaviour"`
	Share     float64 `json:"share"`
}

// Bounds of a stretch: it is at least leastSeconds long, at least a third (and
// half as much again as usual) are off task, and known students are at least 3.
// One look away is no stretch: shares are means over smoothSeconds.
const (
	leastSeconds  = 20
	smoothSeconds = 15
	leastShare    = 1. / 3
	leastKnown    = 3
)

// moment is one step of a timeline.
type moment struct {
	time       float64
	off, known int
	rows       []seat
}

type seat struct {
	student, behaviour, attention string
	visible                       bool
}

// Lesson finds the stretches of one folder that analyze left (timeline.csv; see
// docs/formats.md), in time order. Seats whose name begins with T are the teacher's.
func Lesson(folder string) ([]Stretch, error) {
	moments, err := readTimeline(filepath.Join(folder, "timeline.csv"))
	if err != nil || len(moments) == 0 {
		return nil, err
	}
	off, known := 0, 0
	for _, m := range moments {
		off, known = off+m.off, known+m.known
	}
	usual := float64(off) / float64(max(known, 1))
	limit := max(leastShare, 1.5*usual)
	step := 1.
	if len(moments) > 1 {
		step = (moments[len(moments)-1].time - moments[0].time) / float64(len(moments)-1)
	}
	var all []Stretch
	for i := 0; i < len(moments); i++ {
		from := i
		for i < len(moments) && crowded(moments, i, limit) {
			i++
		}
		if i > from && moments[i-1].time+step-moments[from].time >= leastSeconds {
			s := describe(moments[from:i], step)
			s.Lesson, s.Usual = filepath.Base(folder), round(usual)
			all = append(all, s)
		}
	}
	return all, nil
}

// crowded tells whether around moment i many are off task.
func crowded(m []moment, i int, limit float64) bool {
	off, known, steps := 0, 0, 0
	for j := i; j >= 0 && m[i].time-m[j].time <= smoothSeconds/2; j-- {
		off, known, steps = off+m[j].off, known+m[j].known, steps+1
	}
	for j := i + 1; j < len(m) && m[j].time-m[i].time <= smoothSeconds/2; j++ {
		off, known, steps = off+m[j].off, known+m[j].known, steps+1
	}
	return known >= leastKnown*steps && float64(off) >= limit*float64(known)
}

func describe(m []moment, step float64) Stretch {
	s := Stretch{Start: round(m[0].time), End: round(m[len(m)-1].time + step)}
	did, teacher, offs, seen := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	off, known, total := 0, 0, 0
	for _, x := range m {
		off, known = off+x.off, known+x.known
		for _, r := range x.rows {
			switch {
			case !r.visible:
			case strings.HasPrefix(r.student, "T"):
				teacher[r.behaviour]++
			default:
				did[r.behaviour]++
				total++
				if r.attention != "unknown" {
					seen[r.student]++
				}
				if r.attention == "off_task" {
					offs[r.student]++
				}
			}
		}
	}
	s.OffTask, s.Known = round(float64(off)/float64(max(known, 1))), round(float64(known)/float64(len(m)))
	for _, b := range byCount(did)[:min(3, len(did))] {
		s.Did = append(s.Did, ShareOf{b, round(float64(did[b]) / float64(max(total, 1)))})
	}
	if t := byCount(teacher); len(t) > 0 {
		s.Teacher = t[0]
	}
	for student, n := range offs {
		if 2*n >= seen[student] && 4*seen[student] >= len(m) {
			s.Seats = append(s.Seats, student)
		}
	}
	slices.Sort(s.Seats)
	return s
}

func byCount(n map[string]int) []string {
	var names []string
	for k := range n {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	return names
}

// readTimeline gives the steps in time order.
func readTimeline(name string) ([]moment, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no timeline.csv: no folder that classlens analyze left (OUT/NAME)", filepath.Dir(name))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	at := map[string]int{}
	for i, c := range header {
		at[c] = i
	}
	for _, c := range []string{"time_s", "student", "visible", "behaviour", "attention"} {
		if _, ok := at[c]; !ok {
			return nil, fmt.Errorf("%s: column %q is missing; the header has %s", name, c, strings.Join(header, ","))
		}
	}
	var all []moment
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		time, err := strconv.ParseFloat(row[at["time_s"]], 64)
		if err != nil || time != time {
			return nil, fmt.Errorf("%s:%d: time_s %q is no number", name, line, row[at["time_s"]])
		}
		if len(all) == 0 || all[len(all)-1].time != time {
			if len(all) > 0 && time < all[len(all)-1].time {
				return nil, fmt.Errorf("%s:%d: time goes back from %g to %g", name, line, all[len(all)-1].time, time)
			}
			all = append(all, moment{time: time})
		}
		m := &all[len(all)-1]
		s := seat{strings.Clone(row[at["student"]]), strings.Clone(row[at["behaviour"]]), strings.Clone(row[at["attention"]]), row[at["visible"]] == "1"}
		m.rows = append(m.rows, s)
		if s.visible && !strings.HasPrefix(s.student, "T") && s.attention != "unknown" && s.attention != "" {
			m.known++
			if s.attention == "off_task" {
				m.off++
			}
		}
	}
	return all, nil
}

// AddLesson adds a folder's stretches, and what has helped in such moments.
func (r *Report) AddLesson(folder string) error {
	all, err := Lesson(folder)
	if err != nil {
		return err
	}
	if r.Video = append(r.Video, all...); len(all) == 0 {
		r.Quiet = append(r.Quiet, filepath.Base(folder))
	}
	if r.Note == "" {
		r.Note = NotForGrading
	}
	r.Lesson = lessonAdvice(r.Video)
	return nil
}

func lessonAdvice(all []Stretch) []Advice {
	if len(all) == 0 {
		return nil
	}
	worst := slices.MaxFunc(all, func(a, b Stretch) int { return cmp.Compare(a.OffTask*(a.End-a.Start), b.OffTask*(b.End-b.Start)) })
	because := fmt.Sprintf("%s, %s to %s: %.0f %% off task, usually %.0f %%", worst.Lesson, clock(worst.Start), clock(worst.End), 100*worst.OffTask, 100*worst.Usual)
	out := []Advice{{"lessons", "Look at what was asked of the class in these spans. Where it was listening for long, break it with a short question that everyone answers.", because,
		[]string{"Szpunar et al. 2013", "Bunce et al. 2010"}, "docs/suggestions.md#lessons"}}
	for _, d := range worst.Did {
		if d.Behaviour == "discuss" && d.Share >= .25 {
			out = append(out, Advice{"discussion", "Many talked with others: give that talk a task and a product, and it may be work.",
				fmt.Sprintf("discuss %.0f %% of student time", 100*d.Share), []string{"Chi & Wylie 2014", "Freeman et al. 2014"}, "docs/suggestions.md#discussion"})
		}
	}
	return out
}

// clock writes seconds as minutes:seconds.
func clock(s float64) string { return fmt.Sprintf("%d:%02d", int(s)/60, int(s)%60) }
