package synthlog

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"classlens/internal/safefile"
)

// kinds of activity; each course has sites of every kind.
var kinds = []string{"oucontent", "resource", "forumng", "quiz", "homepage", "subpage", "url"}

const sitesOfKind = 12

// Write makes up a log in folder dir, which must exist: OULAD's seven tables and
// truth.csv (id_student, cause, from_week, final_result). The click log streams to
// disk. It gives the students without keeping their clicks.
func Write(dir string, o Options) ([]Student, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	l := plan(o)
	students := make([]Student, o.Students)
	for i := range students {
		students[i] = l.student(i)
	}
	for _, t := range []struct {
		name  string
		write func(io.Writer)
	}{
		{"courses.csv", l.writeCourses}, {"assessments.csv", l.writeAssessments}, {"vle.csv", l.writeSites},
		{"studentInfo.csv", func(w io.Writer) { writeInfo(w, students, o) }}, {"studentRegistration.csv", func(w io.Writer) { writeRegistration(w, students) }},
		{"studentAssessment.csv", func(w io.Writer) { writeSubmissions(w, students) }}, {"truth.csv", func(w io.Writer) { writeTruth(w, students) }},
	} {
		if err := table(filepath.Join(dir, t.name), false, t.write); err != nil {
			return nil, err
		}
	}
	name := "studentVle.csv"
	if o.Gzip {
		name += ".gz"
	}
	return students, table(filepath.Join(dir, name), o.Gzip, func(w io.Writer) { l.writeClicks(w, students) })
}

// table writes a file whole; a write error shows at its end.
func table(name string, zip bool, write func(io.Writer)) error {
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	var z *gzip.Writer
	b := bufio.NewWriterSize(f, 1<<16)
	if zip {
		z = gzip.NewWriter(f)
		b.Reset(z)
	}
	write(b)
	if err := b.Flush(); err != nil {
		return err
	}
	if z != nil {
		if err := z.Close(); err != nil {
			return err
		}
	}
	return f.Commit()
}

func (l *log) writeCourses(w io.Writer) {
	fmt.Fprintln(w, "code_module,code_presentation,module_presentation_length")
	for _, c := range l.courses {
		fmt.Fprintf(w, "%s,%s,%d\n", c.module, c.presentation, l.o.days())
	}
}

func (l *log) writeAssessments(w io.Writer) {
	fmt.Fprintln(w, "code_module,code_presentation,id_assessment,assessment_type,date,weight")
	for _, c := range l.courses {
		for _, a := range c.assessments {
			due := ""
			if a.due >= 0 {
				due = strconv.Itoa(a.due)
			}
			fmt.Fprintf(w, "%s,%s,%d,%s,%s,%d\n", c.module, c.presentation, a.id, a.kind, due, a.weight)
		}
	}
}

func (l *log) writeSites(w io.Writer) {
	fmt.Fprintln(w, "id_site,code_module,code_presentation,activity_type,week_from,week_to")
	for _, c := range l.courses {
		for k, kind := range kinds {
			for i := range sitesOfKind {
				fmt.Fprintf(w, "%d,%s,%s,%s,,\n", c.firstSite+k*sitesOfKind+i, c.module, c.presentation, kind)
			}
		}
	}
}

func writeInfo(w io.Writer, students []Student, o Options) {
	fmt.Fprintln(w, "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,num_of_prev_attempts,studied_credits,disability,final_result")
	ages := []string{"0-35", "35-55", "55<="}
	for i, s := range students {
		r := o.random(2, i) // attributes have nothing to do with the outcome
		fmt.Fprintf(w, "%s,%s,%d,%s,Region %d,A Level or Equivalent,%d0-%d0%%,%s,0,60,%s,%s\n", s.Module, s.Presentation, s.ID,
			[]string{"F", "M"}[r.IntN(2)], r.IntN(5), i%10, i%10+1, ages[r.IntN(3)], []string{"N", "N", "N", "Y"}[r.IntN(4)], s.Result)
	}
}

func writeRegistration(w io.Writer, students []Student) {
	fmt.Fprintln(w, "code_module,code_presentation,id_student,date_registration,date_unregistration")
	for _, s := range students {
		left := ""
		if s.Unregistered != Stayed {
			left = strconv.Itoa(s.Unregistered)
		}
		fmt.Fprintf(w, "%s,%s,%d,%d,%s\n", s.Module, s.Presentation, s.ID, s.Registered, left)
	}
}

func writeSubmissions(w io.Writer, students []Student) {
	fmt.Fprintln(w, "id_assessment,id_student,date_submitted,is_banked,score")
	for _, s := range students {
		for _, x := range s.Submissions {
			fmt.Fprintf(w, "%d,%d,%d,0,%g\n", x.Assessment, s.ID, x.Day, x.Score)
		}
	}
}

func writeTruth(w io.Writer, students []Student) {
	fmt.Fprintln(w, "id_student,cause,from_week,final_result")
	for _, s := range students {
		fmt.Fprintf(w, "%d,%s,%d,%s\n", s.ID, s.Cause, s.From, s.Result)
	}
}

func (l *log) writeClicks(w io.Writer, students []Student) {
	io.WriteString(w, "code_module,code_presentation,id_student,id_site,date,sum_click\n")
	var line []byte
	var visits []visit
	for i, s := range students {
		from, to := l.o.Rows*i/len(students), l.o.Rows*(i+1)/len(students)
		visits = l.visits(s, to-from, visits[:0])
		prefix := s.Module + "," + s.Presentation + "," + strconv.Itoa(s.ID) + ","
		for _, v := range visits {
			line = append(line[:0], prefix...)
			line = strconv.AppendInt(line, int64(v.site), 10)
			line = append(line, ',')
			line = strconv.AppendInt(line, int64(v.day), 10)
			line = append(line, ',')
			line = strconv.AppendInt(line, int64(v.clicks), 10)
			line = append(line, '\n')
			w.Write(line) // a failure shows when the buffer is flushed
		}
	}
}

type visit struct{ day, site, clicks int }

// visits draws n rows of a student by day, and leaves out nine in ten of those
// from the week on in which an inactive student stops, and all after leaving.
func (l *log) visits(s Student, n int, out []visit) []visit {
	r := l.o.random(3, s.index)
	first := l.courses[s.index%len(l.courses)].firstSite
	total := 0.
	for _, w := range s.weekdays {
		total += w
	}
	for range n {
		x, weekday := r.Float64()*total, 0
		for weekday < 6 && x >= s.weekdays[weekday] {
			x -= s.weekdays[weekday]
			weekday++
		}
		v := visit{day: 7*(r.IntN(l.o.Weeks+1)-1) + weekday, site: first + r.IntN(len(kinds)*sitesOfKind), clicks: 1 + r.IntN(4)*r.IntN(3)}
		thin := r.Float64() // drawn for all, so that causes do not move the stream
		if v.day >= s.Unregistered || s.Cause == Inactive && v.day >= 7*s.From && thin < .9 {
			continue
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b visit) int { return a.day - b.day })
	return out
}
