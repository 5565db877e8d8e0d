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
	"chance":  chance,
	"clock":   clock, "join": strings.Join,
	"readable": func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"bars":     bars, "width": func(weeks []float64) int { return barWidth * len(weeks) }, "signed": signed, "moving": moving, "anchor": func(key string) string { return strings.ReplaceAll(key, " ", "-") },
}).Parse(pageText))

// bar is one step of a reason in the page, in a picture barHeight high.
type bar struct {
	X, Y, H float64
	Class   string
	Day     string
}

// barWidth and barHeight are those of a step in the page's pictures, in pixels.
const (
	barWidth  = 7
	barHeight = 28
)

// bars draws effects by step; the line of no effect is in the middle.
func bars(weeks []float64) []bar {
	largest := .1
	for _, v := range weeks {
		largest = max(largest, v, -v)
	}
	var all []bar
	for i, v := range weeks {
		b := bar{X: barWidth * float64(i), Y: barHeight / 2, H: -barHeight / 2 * v / largest, Class: "less", Day: fmt.Sprintf("week %d: %s", i+1, signed(v))}
		if v > 0 {
			b.Y, b.H, b.Class = barHeight/2*(1-v/largest), barHeight/2*v/largest, "more"
		}
		all = append(all, b)
	}
	return all
}

// signed writes an effect with its sign; what rounds to nothing has none.
func signed(v float64) string {
	text := fmt.Sprintf("%+.1f", v)
	if text == "+0.0" || text == "-0.0" {
		return "0.0"
	}
	return strings.Replace(text, "-", "−", 1)
}

// moved is how much of the log-odds the last two weeks must have moved to be told: 0.4 is a third of the odds.
const moved = .4

// moving says in a word where a student is going.
func moving(fall float64) string {
	switch {
	case fall <= -moved:
		return "falling"
	case fall >= moved:
		return "rising"
	}
	return "steady"
}

// Cited are the studies that the report names, in the list's order.
func (r *Report) Cited() []Study {
	keys := map[string]bool{}
	take := func(all []Advice) {
		for _, a := range all {
			for _, k := range a.Studies {
				keys[k] = true
			}
		}
	}
	take(r.Class)
	take(r.Lesson)
	for _, s := range r.Listed {
		take(s.Advice)
	}
	var all []Study
	for _, s := range Studies {
		if keys[s.Key] {
			all = append(all, s)
		}
	}
	return all
}

// Whom says in a line who is listed, and why nobody is.
func (r *Report) Whom() string {
	below := fmt.Sprintf("%.0f %%", 100*r.Below)
	switch {
	case r.Students == 0:
		return "No student is there on that day."
	case len(r.Listed) == 0:
		return fmt.Sprintf("%s; the model gives nobody a chance to pass below %s (--below sets it), so nobody is listed.", students(r.Students), below)
	case r.Order == ByFall:
		return fmt.Sprintf("%s; listed: of those with a chance to pass below %[3]s the %[2]d who lost most in the last two weeks.", students(r.Students), len(r.Listed), below)
	}
	return fmt.Sprintf("%s; listed: the smallest chances to pass, %d, all below %s.", students(r.Students), len(r.Listed), below)
}

func students(n int) string {
	if n == 1 {
		return "1 student"
	}
	return fmt.Sprintf("%d students", n)
}

// chance writes a chance in per cent; nobody's is none, and nobody's is sure.
func chance(p float64) string {
	switch {
	case p <= .005:
		return "<1 %"
	case p >= .995:
		return ">99 %"
	}
	return fmt.Sprintf("%.0f %%", 100*p)
}

// Table is the report as text for a terminal.
func (r *Report) Table() string {
	var b strings.Builder
	if r.Course != "" {
		fmt.Fprintf(&b, "%s, day %d: %s\n\n", r.Course, r.Day, r.Whom())
	}
	for _, line := range r.Warnings {
		fmt.Fprintf(&b, "Beware: %s\n\n", line)
	}
	for _, s := range r.Listed {
		fmt.Fprintf(&b, "%-12s passes with %5s (like peers: %s; last two weeks %s, %s)\n", s.Student, chance(s.Pass), chance(s.Room), signed(s.Fall), moving(s.Fall))
		for _, x := range s.Reasons {
			fmt.Fprintf(&b, "    %-14s %5s since day %-4d %s\n", x.Group, signed(x.Effect), x.Since, x.told())
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

// told are a reason's figures in a line, or why there are none.
func (r Reason) told() string {
	var parts []string
	for _, f := range r.Figures {
		parts = append(parts, f.String())
	}
	if len(parts) == 0 {
		return r.Text
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

// noFormula keeps a spreadsheet from taking a name for a formula: this table is opened in one, and in some systems students choose their names themselves.
func noFormula(name string) string {
	if name != "" && strings.ContainsRune("=+-@\t\r", rune(name[0])) {
		return "'" + name
	}
	return name
}

func (r *Report) rows() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"student", "p_pass", "p_if_like_peers", "recent", "reason", "effect", "since_day", "figures", "suggestion", "studies"}}
	for _, s := range r.Listed {
		for _, x := range s.Reasons {
			line := []string{noFormula(s.Student), short(s.Pass), short(s.Room), short(s.Fall), x.Group, short(x.Effect), fmt.Sprint(x.Since), x.told(), "", ""}
			for _, a := range s.Advice {
				if a.For == x.Group {
					line[8], line[9] = a.Text, strings.Join(a.Studies, "; ")
				}
			}
			rows = append(rows, line)
		}
		if len(s.Reasons) == 0 {
			rows = append(rows, []string{noFormula(s.Student), short(s.Pass), short(s.Room), short(s.Fall), "", "", "", "", "", ""})
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
