// Package report writes report.html: a single file that a teacher opens offline. It
// loads nothing, runs no scripts but its own (its content security policy names their
// hashes), and escapes text that an attacker may have chosen (file names, reasons).
package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"classlens/internal/safefile"
	"classlens/internal/timeline"
)

//go:embed assets/page.html
var pageHTML string

//go:embed assets/page.css
var pageCSS string

//go:embed assets/page.js
var pageJS string

// Apache ECharts 5.6.0, the build with the common charts (Apache-2.0, see
// assets/echarts-LICENSE).
//
//go:embed assets/echarts.common.min.js
var echartsJS string

// Page is what a report shows.
type Page struct {
	Name           string // of the recording
	Duration       float64
	Timeline       *timeline.Timeline
	Gaps           []Gap
	KeyFrames      []KeyFrame
	Device         string
	Version        string
	UnsureBelow    float64                     // probability below which a behaviour is a guess
	AttentionBelow float64                     // probability below which attention is unknown
	Complaints     int                         // errors that the decoder reported in damaged data
	Meanings       map[string]timeline.Meaning // by behaviour: the table that attention and engagement were read from
	Blurred        bool                        // faces in the pictures are blurred
}

// Gap is a span without data, in seconds.
type Gap struct {
	Start, End float64
	Reason     string
}

// KeyFrame is a picture of the room with blurred faces.
type KeyFrame struct {
	Time float64
	JPEG []byte
}

var tmpl = template.Must(template.New("report").Funcs(template.FuncMap{
	"cell": cell, "clock": clock, "percent": percent, "behaviour": readable, "f1": func(v float64) string { return fmt.Sprintf("%.1f", v) },
	"n": func(v float64) string { return fmt.Sprintf("%.2f", v) },
}).Parse(pageHTML))

// Write writes the report, whole or not at all.
func Write(name string, p Page) error {
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := tmpl.Execute(f, p.view()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.Commit()
}

// view is the page as the template wants it.
type view struct {
	Page
	Summary  timeline.Summary
	Students []student
	Seats    []seat
	Legend   []legend
	Moments  []moment
	Chart    chart
	Pictures []picture
	CSS      template.CSS
	ECharts  template.JS
	JS       template.JS
	CSSHash  string
	JSHashes []string
	Ticks    []tick
	Lost     []bar // spans that could not be read
	Teachers string
	Readings []reading
}

type student struct {
	timeline.Student
	Bars    []bar    // all decisions, sure or not
	Sure    []stripe // drawn over them: the sure ones
	Moments []mark
	Certain float64 // seconds for which attention is known
	Thin    bool    // Certain is little
}

// A student's figures are thin if attention is known for less than a quarter of the time in view, or for less than ten seconds (in a recording of under 100 s, a tenth of
// that).
const (
	thinShare   = 0.25
	thinSeconds = 10.0
)

type bar struct {
	X, W, Middle float64 // per cent of the lesson
	Class, Title string
	Letter       string
	OnSure       bool // the letter stands on a stripe
}

// stripe is all the time for which one behaviour of a student is sure: an SVG path in ten-thousandths of the lesson. One path instead of many rectangles keeps the page
// of a long lesson small.
type stripe struct{ Class, Path string }

type mark struct {
	X     float64
	Title string
}

type tick struct {
	X     float64
	Label string
}

type picture struct {
	Time float64
	URL  template.URL
}

func (p Page) view() view {
	v := view{Page: p, Summary: p.Timeline.Summary(), CSS: template.CSS(pageCSS), ECharts: template.JS(echartsJS), JS: template.JS(pageJS)} // houserules:allow (constants of this package)
	v.CSSHash = hash(pageCSS)
	v.JSHashes = []string{hash(echartsJS), hash(pageJS)}
	if p.Duration <= 0 && len(p.Timeline.Class) > 0 {
		v.Duration = p.Timeline.Class[len(p.Timeline.Class)-1].Time + p.Timeline.Step
	}
	v.Legend = legends()
	v.Chart = v.chart()
	v.Moments = standOut(p.Timeline.Class)
	v.Readings = readings(p.Meanings)
	k := 100 / math.Max(v.Duration, 1)
	for _, g := range p.Gaps {
		v.Lost = append(v.Lost, bar{X: g.Start * k, W: math.Max((g.End-g.Start)*k, .08), Title: fmt.Sprintf("%s to %s: could not be read", clock(g.Start), clock(g.End))})
	}
	rows := map[string][]timeline.Row{}
	for _, r := range p.Timeline.Rows {
		rows[r.Student] = append(rows[r.Student], r)
	}
	for _, s := range p.Timeline.Students {
		v.Students = append(v.Students, v.student(s, rows[s.ID]))
		if s.Teacher && v.Teachers != "" {
			v.Teachers += ", "
		}
		if s.Teacher {
			v.Teachers += s.ID
		}
	}
	v.Seats = v.seats()
	for _, k := range p.KeyFrames {
		url := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(k.JPEG)
		v.Pictures = append(v.Pictures, picture{k.Time, template.URL(url)}) // houserules:allow (base64 of our own JPEG)
	}
	v.Ticks = ticks(v.Duration)
	return v
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(h[:])
}

// student prepares one row of the page; rows are the student's own, by time.
func (v view) student(s timeline.Student, rows []timeline.Row) student {
	out := student{Student: s, Sure: v.stripes(rows)}
	for _, r := range rows {
		if r.Visible && r.Behaviour != "" && r.Attention != timeline.Unknown {
			out.Certain += v.Timeline.Step
		}
	}
	out.Thin = out.Certain < math.Max(thinShare*s.Seen, math.Min(thinSeconds, v.Duration/10))
	k := 100 / math.Max(v.Duration, 1)
	for _, i := range v.Timeline.Intervals {
		if i.Student == s.ID && i.Kind == "behaviour" {
			out.Bars = append(out.Bars, v.bar(i, rows))
		}
	}
	for _, m := range s.Moments {
		out.Moments = append(out.Moments, mark{X: m.Time * k, Title: "weighed most in what was decided: " + clock(m.Time)})
	}
	return out
}

// bar is an interval of behaviour.
func (v view) bar(i timeline.Interval, rows []timeline.Row) bar {
	k := 100 / math.Max(v.Duration, 1)
	b := bar{X: i.Start * k, W: math.Max((i.End-i.Start)*k, .08), Class: "b-" + i.Label,
		Title: fmt.Sprintf("%s to %s: %s, %.0f %% sure", clock(i.Start), clock(i.End), readable(i.Label), 100*i.P)}
	b.Middle = b.X + b.W/2
	if b.W > 2.5 { // narrower has no room for it on a phone
		b.Letter = letters[i.Label]
	}
	middle := (i.Start + i.End) / 2
	b.OnSure = slices.ContainsFunc(rows, func(r timeline.Row) bool { return r.Sure && r.Time <= middle && middle < r.Time+v.Timeline.Step })
	return b
}

// stripes draws a student's sure steps, one path per behaviour.
func (v view) stripes(rows []timeline.Row) []stripe {
	k := 1e4 / math.Max(v.Duration, 1)
	paths := map[string]*strings.Builder{}
	for i := 0; i < len(rows); {
		first := rows[i]
		end := first.Time
		for ; i < len(rows) && rows[i].Sure == first.Sure && rows[i].Behaviour == first.Behaviour && rows[i].Time < end+v.Timeline.Step/2; i++ {
			end = rows[i].Time + v.Timeline.Step
		}
		if !first.Sure {
			continue
		}
		if paths[first.Behaviour] == nil {
			paths[first.Behaviour] = &strings.Builder{}
		}
		fmt.Fprintf(paths[first.Behaviour], "M%.0f 0V1H%.0fV0z", first.Time*k, math.Max(end*k, first.Time*k+8))
	}
	var all []stripe
	for _, b := range timeline.Behaviours {
		if p := paths[b]; p != nil {
			all = append(all, stripe{"b-" + b, p.String()})
		}
	}
	return all
}

// Drawn is the share of turned heads if it was shrunk towards the usual one, else nil.
func (v view) Drawn() *timeline.Turned {
	if t := v.Timeline.Turned; t != nil && t.Taken < t.Found {
		return t
	}
	return nil
}

// MostlyUnsure tells whether attention is unknown for more than half of the time in view.
func (v view) MostlyUnsure() bool {
	return v.Summary.UnknownShare != nil && *v.Summary.UnknownShare > .5
}

// SureShare is the share of the time in view for which attention is known.
func (v view) SureShare() *float64 {
	if v.Summary.UnknownShare == nil {
		return nil
	}
	share := 1 - *v.Summary.UnknownShare
	return &share
}

// leastTold is the smallest share of the sure time for which a behaviour of the class is named.
const leastTold = 0.03

// Did says what the class did in the sure time, most frequent first: "writes 40 %, reads 35 % and raises a hand 5 %".
func (v view) Did() string {
	var told []string
	all := slices.Clone(timeline.Behaviours)
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(v.Summary.Behaviours[b], v.Summary.Behaviours[a]) })
	for _, b := range all {
		if share := v.Summary.Behaviours[b]; share >= leastTold {
			told = append(told, readable(b)+" "+percent(share))
		}
	}
	return listed(told)
}

// shownSurest is how many students Surest names.
const shownSurest = 3

// Surest names the students whose attention is known the longest; "" if all are thin.
func (v view) Surest() string {
	sure := slices.DeleteFunc(slices.Clone(v.Students), func(s student) bool { return s.Teacher || s.Thin })
	slices.SortStableFunc(sure, func(a, b student) int { return cmp.Compare(b.Certain, a.Certain) })
	var names []string
	for _, s := range sure[:min(len(sure), shownSurest)] {
		names = append(names, s.ID)
	}
	return listed(names)
}

// ticks of the time axis: about six, at round times.
func ticks(duration float64) []tick {
	step := tickStep(duration)
	var all []tick
	for t := 0.0; t < duration-step/4; t += step {
		all = append(all, tick{X: 100 * t / math.Max(duration, 1), Label: clock(t)})
	}
	return all
}

func tickStep(duration float64) float64 {
	for _, s := range []float64{5, 10, 15, 30, 60, 120, 300, 600, 900, 1800} {
		if duration/s <= 7 {
			return s
		}
	}
	return 3600
}
