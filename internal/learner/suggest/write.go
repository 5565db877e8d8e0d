package suggest

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"classlens/internal/safefile"
)

//go:embed page.html
var pageText string

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent": func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
	"short":   short, "clock": clock, "join": strings.Join,
	"readable": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"bars":     bars, "width": func(weeks []float64) int { return 4 * len(weeks) }, "title": titleOf, "signed": func(v float64) string { return fmt.Sprintf("%+.1f", v) },
}).Parse(pageText))

// bar is one step of a reason in the page, in a picture 22 high.
type bar struct {
	X, Y, H float64
	Class   string
	Day     string
}

// bars draws effects by step; the line of no effect is at 11.
func bars(weeks []float64) []bar {
	largest := .1
	for _, v := range weeks {
		largest = max(largest, v, -v)
	}
	var all []bar
	for i, v := range weeks {
		b := bar{X: 4 * float64(i), Y: 11, H: -11 * v / largest, Class: "less", Day: fmt.Sprintf("step %d: %+.2f", i+1, v)}
		if v > 0 {
			b.Y, b.H, b.Class = 11-11*v/largest, 11*v/largest, "more"
		}
		all = append(all, b)
	}
	return all
}

// titleOf is a study's full reference.
func titleOf(key string) string {
	for _, s := range Studies {
		if s.Key == key {
			return s.Title
		}
	}
	return key
}

// Table is the report as text for a terminal.
func (r *Report) Table() string {
	var b strings.Builder
	if r.Course != "" {
		fmt.Fprintf(&b, "%s, day %d: %d students, %d listed\n\n", r.Course, r.Day, r.Students, len(r.Listed))
	}
	for _, s := range r.Listed {
		fmt.Fprintf(&b, "%-12s passes with %3.0f %% (like peers: %.0f %%; last two weeks %+.1f)\n", s.Student, 100*s.Pass, 100*s.Room, s.Fall)
		for _, x := range s.Reasons {
			fmt.Fprintf(&b, "    %-14s %+5.1f since day %-4d %s\n", x.Group, x.Effect, x.Since, figuresLine(x.Figures))
		}
		for _, a := range s.Advice {
			fmt.Fprintf(&b, "  > %s [%s]\n", a.Text, strings.Join(a.Studies, "; "))
		}
	}
	if len(r.Class) > 0 {
		b.WriteString("\nMany have in common:\n")
		for _, a := range r.Class {
			fmt.Fprintf(&b, "  > %s. %s [%s]\n", a.Because, a.Text, strings.Join(a.Studies, "; "))
		}
	}
	if len(r.Video) > 0 {
		b.WriteString("\nMany were off task:\n")
		for _, s := range r.Video {
			fmt.Fprintf(&b, "  %s %6s to %6s  %3.0f %% (usually %.0f %%)  %s\n", s.Lesson, clock(s.Start), clock(s.End), 100*s.OffTask, 100*s.Usual, s.doing())
		}
		for _, a := range r.Lesson {
			fmt.Fprintf(&b, "  > %s [%s]\n", a.Text, strings.Join(a.Studies, "; "))
		}
	}
	if len(r.Quiet) > 0 {
		fmt.Fprintf(&b, "\n%s\n", r.QuietLine())
	}
	fmt.Fprintf(&b, "\n%s\n", r.Note)
	return b.String()
}

// QuietLine says of lessons without a stretch what was looked for in vain.
func (r *Report) QuietLine() string {
	return fmt.Sprintf("%s: in no stretch of %d seconds or more was a third off task of those whom the program is sure of (%d at least), and half as many again as usual.", strings.Join(r.Quiet, ", "), leastSeconds, leastKnown)
}

func figuresLine(figures []Figure) string {
	var parts []string
	for _, f := range figures {
		parts = append(parts, fmt.Sprintf("%s %s (peers %s)", f.Text, short(f.Value), short(f.Peers)))
	}
	return strings.Join(parts, ", ")
}

func (s Stretch) doing() string {
	var parts []string
	for _, d := range s.Did {
		parts = append(parts, fmt.Sprintf("%s %.0f %%", d.Behaviour, 100*d.Share))
	}
	if s.Teacher != "" {
		parts = append(parts, "teacher: "+s.Teacher)
	}
	return strings.Join(parts, ", ")
}

// WriteFiles writes suggest.csv (a row a student and reason), suggest.json and
// suggest.html to a folder and gives their names.
func (r *Report) WriteFiles(folder string) ([]string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, err
	}
	page, err := r.Page()
	if err != nil {
		return nil, err
	}
	rows, err := r.rows()
	if err != nil {
		return nil, err
	}
	names := []string{"suggest.csv", "suggest.json", "suggest.html"}
	for i, content := range [][]byte{rows, append(data, '\n'), page} {
		if err := safefile.WriteFile(filepath.Join(folder, names[i]), content); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (r *Report) rows() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"student", "p_pass", "p_if_like_peers", "recent", "reason", "effect", "since_day", "figures", "suggestion", "studies"}}
	for _, s := range r.Listed {
		for _, x := range s.Reasons {
			line := []string{s.Student, short(s.Pass), short(s.Room), short(s.Fall), x.Group, short(x.Effect), fmt.Sprint(x.Since), figuresLine(x.Figures), "", ""}
			for _, a := range s.Advice {
				if a.For == x.Group {
					line[8], line[9] = a.Text, strings.Join(a.Studies, "; ")
				}
			}
			rows = append(rows, line)
		}
		if len(s.Reasons) == 0 {
			rows = append(rows, []string{s.Student, short(s.Pass), short(s.Room), short(s.Fall), "", "", "", "", "", ""})
		}
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

// Page is one self-contained HTML page; it loads nothing and runs no script.
func (r *Report) Page() ([]byte, error) {
	var b bytes.Buffer
	err := pages.Execute(&b, r)
	return b.Bytes(), err
}

// Fragment is the page's content alone, for a page of the caller's.
func (r *Report) Fragment() (template.HTML, error) { // houserules:allow (our own template escapes all that goes into it)
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, "suggestions", r)
	return template.HTML(b.String()), err // houserules:allow (see above)
}
