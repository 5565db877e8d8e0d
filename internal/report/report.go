// Package report writes report.html: one file that a teacher opens offline. It
// loads nothing, runs no script but its own (by hash), and shows attacker-chosen
// text (file names, reasons) as text.
package report

import (
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
	Name          string // of the recording
	State         string // done or partial
	Duration      float64
	Width, Height int // of the picture, for the seat map
	Timeline      *timeline.Timeline
	Gaps          []Gap
	KeyFrames     []KeyFrame
	Device        string
	Version       string
	UnsureBelow   float64
	Complaints    int                         // of the decoder, about damaged data
	Meanings      map[string]timeline.Meaning // by behaviour: what the shares were read by
	Blurred       bool                        // faces in the pictures
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

// reading is one line of the table from behaviour to attention or engagement.
type reading struct{ Name, Behaviours string }

type student struct {
	timeline.Student
	Bars    []bar
	Moments []mark
	Certain float64 // seconds of which something can be said
	Thin    bool    // which is little
}

// A student's figures rest on little where the program is sure for less than a quarter of the time in view, or for less than ten seconds (a tenth of a recording of under
// 100 s).
const (
	thinShare   = 0.25
	thinSeconds = 10.0
)

type bar struct {
	X, W, Middle float64 // per cent of the lesson
	Class, Title string
	Letter       string
	Unsure       bool
}

type mark struct {
	X     float64
	Title string
}

type tick struct {
	X     float64
	Label string
}

type seat struct {
	ID             string
	X, Y, R        float64 // on the map
	Share          string
	Class          string
	Teacher, Thin  bool
	LabelY, ShareY float64
	Font, Small    float64
}

type legend struct{ Class, Letter, Name, Meaning string }

type picture struct {
	Time float64
	URL  template.URL
}

// chart is the data of the class chart, as JSON for the script.
type chart struct {
	Time       []float64    `json:"time"`
	OnTask     []*float64   `json:"on_task"`    // per cent
	Engagement []*float64   `json:"engagement"` // 0 to 3
	Visible    []*float64   `json:"visible"`    // students
	Sure       []*float64   `json:"sure"`       // of them
	Hands      []int        `json:"hands"`
	Tick       float64      `json:"tick"` // seconds between two marks of the axis
	Gaps       [][2]float64 `json:"gaps"`
	Duration   float64      `json:"duration"`
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
	for _, s := range p.Timeline.Students {
		v.Students = append(v.Students, v.student(s))
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

// letters tell behaviours apart without colour.
var letters = map[string]string{"look_forward": "", "read": "R", "write": "W", "raise_hand": "H", "turn": "T", "stand": "S", "discuss": "D", "phone": "P", "head_down": "Z", "other": "?"}

var names = map[string]string{"look_forward": "looks to the front", "read": "reads", "write": "writes", "raise_hand": "raises a hand", "turn": "turned away", "stand": "stands", "discuss": "talks with others", "phone": "uses a phone", "head_down": "head on the desk", "other": "something else"}

func readable(b string) string {
	if n, ok := names[b]; ok {
		return n
	}
	return b
}

func legends() []legend {
	var all []legend
	for _, b := range timeline.Behaviours {
		all = append(all, legend{"b-" + b, letters[b], readable(b), ""})
	}
	return all
}

func (v view) student(s timeline.Student) student {
	out := student{Student: s}
	k := 100 / math.Max(v.Duration, 1)
	for _, i := range v.Timeline.Intervals {
		if i.Student != s.ID || i.Kind != "behaviour" {
			continue
		}
		b := bar{X: i.Start * k, W: math.Max((i.End-i.Start)*k, .08), Class: "b-" + i.Label, Unsure: i.P < v.UnsureBelow,
			Title: fmt.Sprintf("%s to %s: %s, %.0f %% sure", clock(i.Start), clock(i.End), readable(i.Label), 100*i.P)}
		if b.Middle = b.X + b.W/2; b.W > 2.5 { // narrower has no room for it on a phone
			b.Letter = letters[i.Label]
		}
		out.Bars = append(out.Bars, b)
	}
	for _, r := range v.Timeline.Rows {
		if r.Student == s.ID && r.Visible && r.Behaviour != "" && r.Attention != timeline.Unknown {
			out.Certain += v.Timeline.Step
		}
	}
	out.Thin = out.Certain < math.Max(thinShare*s.Seen, math.Min(thinSeconds, v.Duration/10))
	for _, m := range s.Moments {
		out.Moments = append(out.Moments, mark{X: m.Time * k, Title: "weighed most in what was decided: " + clock(m.Time)})
	}
	return out
}

// seats places the seats on a map that is cut to where people sit: rings no
// larger than half the way to the nearest neighbour, within reason.
func (v view) seats() []seat {
	all := v.Students
	if len(all) == 0 {
		return nil
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range all {
		x0, y0, x1, y1 = math.Min(x0, s.SeatX), math.Min(y0, s.SeatY), math.Max(x1, s.SeatX), math.Max(y1, s.SeatY)
	}
	k := (mapWidth - 2*mapRim) / math.Max(x1-x0, 1)
	tall := math.Min((mapMost-2*mapRim)/math.Max(y1-y0, 1), 2*k) // rows lie close in a flat view: drawn apart
	var seats []seat
	for _, s := range all {
		seats = append(seats, seatOf(s, mapRim+(s.SeatX-x0)*k, mapRim+(s.SeatY-y0)*tall))
	}
	apart(seats)
	for i := range seats {
		near := 2 * largestRing
		for j := range seats {
			if i != j {
				near = math.Min(near, math.Hypot(seats[i].X-seats[j].X, seats[i].Y-seats[j].Y))
			}
		}
		r := math.Max(smallestRing, near/2)
		seats[i].R, seats[i].Font, seats[i].Small = r, r*0.62, r*0.46
		seats[i].LabelY, seats[i].ShareY = seats[i].Y-r*0.02, seats[i].Y+r*0.56
	}
	return seats
}

// apart moves seats that would be drawn over each other away from each other,
// half each, until none are or the pushing has gone round often enough.
func apart(seats []seat) {
	const rounds, gap = 200, 2 * smallestRing
	for range rounds {
		moved := false
		for i := range seats {
			for j := range i {
				dx, dy := seats[i].X-seats[j].X, seats[i].Y-seats[j].Y
				d := math.Hypot(dx, dy)
				if d >= gap-.01 {
					continue
				}
				if d < 1e-6 {
					dx, dy, d = 1, 0, 1
				}
				k := (gap - math.Min(d, gap)) / 2 / d
				if k == 0 {
					k = .5 // on top of each other
				}
				seats[i].X, seats[i].Y = within(seats[i].X+dx*k, seats[i].Y+dy*k)
				seats[j].X, seats[j].Y = within(seats[j].X-dx*k, seats[j].Y-dy*k)
				moved = true
			}
		}
		if !moved {
			return
		}
	}
}

// within keeps a seat on the map.
func within(x, y float64) (float64, float64) {
	return math.Min(math.Max(x, mapRim), mapWidth-mapRim), math.Max(y, mapRim)
}

// MostlyUnsure: less than half of what was seen can be said with any certainty.
func (v view) MostlyUnsure() bool {
	return v.Summary.UnknownShare != nil && *v.Summary.UnknownShare > .5
}

// The seat map's size and its rings', in its own units.
const (
	mapWidth     = 640.0
	mapMost      = 420.0
	mapRim       = 34.0
	largestRing  = 26.0
	smallestRing = 16.0
)

// MapHeight is the seat map's height where its width is mapWidth.
func (v view) MapHeight() string {
	low := 0.0
	for _, s := range v.Seats {
		low = math.Max(low, s.Y)
	}
	return fmt.Sprintf("%.0f", low+mapRim)
}

func seatOf(s student, x, y float64) seat {
	out := seat{ID: s.ID, X: x, Y: y, Teacher: s.Teacher, Thin: !s.Teacher && s.Thin, Share: percent(s.OnTaskShare), Class: "none"}
	switch {
	case s.Teacher:
	case math.IsNaN(s.OnTaskShare):
		out.Share, out.Thin = "?", false
	case s.OnTaskShare >= .75:
		out.Class = "high"
	case s.OnTaskShare >= .5:
		out.Class = "middle"
	default:
		out.Class = "low"
	}
	return out
}

// chartWindow is what the curves of the class chart are means over, in seconds: a sixtieth of the lesson, at least five.
func (v view) chartWindow() float64 { return math.Max(5, math.Round(v.Duration/60)) }

// ChartWindow for the reader.
func (v view) ChartWindow() string { return fmt.Sprintf("%.0f", v.chartWindow()) }

// chart sums the class up for the script. The curves are means over a window, every student whom the program is sure of having the same weight: one alone,
// at a moment when it is unsure of all others, makes no peak.
func (v view) chart() chart {
	points := v.Timeline.Class
	c := chart{Tick: tickStep(v.Duration), Duration: v.Duration}
	for _, g := range v.Gaps {
		c.Gaps = append(c.Gaps, [2]float64{g.Start, g.End})
	}
	half := v.chartWindow() / 2
	stride := max(1, len(points)/1200) // a lesson of hours needs no more on any screen
	first, end := 0, 0
	for i := 0; i < len(points); i += stride {
		p := points[i]
		for ; points[first].Time < p.Time-half; first++ {
		}
		for ; end < len(points) && points[end].Time <= p.Time+half; end++ {
		}
		m := meanOf(points[first:end])
		if i > 0 && p.Time-points[i-stride].Time > 1.9*float64(stride)*v.Timeline.Step { // no line over what was not read
			c.add(points[i-stride].Time+v.Timeline.Step, means{onTask: math.NaN(), engagement: math.NaN(), sure: math.NaN(), visible: math.NaN()}, 0)
		}
		c.add(p.Time, m, meanOf(points[i:min(i+stride, len(points))]).hands)
	}
	return c
}

func (c *chart) add(time float64, m means, hands int) {
	c.Time = append(c.Time, math.Round(time*10)/10)
	c.OnTask, c.Engagement = append(c.OnTask, orNull(m.onTask, 100)), append(c.Engagement, orNull(m.engagement, 1))
	c.Visible, c.Sure, c.Hands = append(c.Visible, orNull(m.visible, 1)), append(c.Sure, orNull(m.sure, 1)), append(c.Hands, hands)
}

// means of a stretch of the lesson; NaN where nobody is sure.
type means struct {
	onTask, engagement float64
	sure, visible      float64 // students a step
	hands              int     // most at once
}

// meanOf gives each student at each step the same weight.
func meanOf(points []timeline.ClassPoint) means {
	var m means
	decided := 0.0
	for _, p := range points {
		if p.Sure > 0 {
			m.onTask += p.OnTask * float64(p.Sure)
		}
		if p.Decided > 0 {
			m.engagement += p.Engagement * float64(p.Decided)
		}
		m.sure, m.visible, decided, m.hands = m.sure+float64(p.Sure), m.visible+float64(p.Visible), decided+float64(p.Decided), max(m.hands, p.Hands)
	}
	m.onTask, m.engagement = m.onTask/m.sure, m.engagement/decided // 0/0 is NaN
	m.sure, m.visible = m.sure/float64(len(points)), m.visible/float64(len(points))
	return m
}

// orNull rounds a number for JSON; what is not known is null.
func orNull(v, k float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	v = math.Round(v*k*100) / 100
	return &v
}

// clock writes seconds as 1:02:03 or 2:03.
func clock(s float64) string {
	t := int(math.Max(s, 0) + .5)
	if t >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", t/3600, t/60%60, t%60)
	}
	return fmt.Sprintf("%d:%02d", t/60, t%60)
}

func percent(v any) string {
	switch x := v.(type) {
	case *float64:
		if x == nil {
			return "unknown"
		}
		return fmt.Sprintf("%.0f %%", 100**x)
	case float64:
		if math.IsNaN(x) {
			return "unknown"
		}
		return fmt.Sprintf("%.0f %%", 100*x)
	}
	return ""
}

// cell of a table is a share, or a dash where nothing is known.
func cell(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return percent(v)
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

// readings are the table by which behaviour was read, in words.
func readings(meanings map[string]timeline.Meaning) []reading {
	if len(meanings) == 0 {
		return nil
	}
	of := func(fits func(timeline.Meaning) bool) string {
		var all []string
		for _, b := range timeline.Behaviours {
			if m, ok := meanings[b]; ok && fits(m) {
				all = append(all, readable(b))
			}
		}
		return strings.Join(all, ", ")
	}
	var all []reading
	add := func(name string, fits func(timeline.Meaning) bool) {
		if text := of(fits); text != "" {
			all = append(all, reading{name, text})
		}
	}
	for _, a := range [][2]string{{timeline.OnTask, "on task"}, {timeline.OffTask, "off task"}, {timeline.Unknown, "tells nothing about it"}} {
		add(a[1], func(m timeline.Meaning) bool { return m.Attention == a[0] })
	}
	for level, name := range []string{"engagement 0, disengaged", "engagement 1, passive", "engagement 2, active", "engagement 3, interactive"} {
		add(name, func(m timeline.Meaning) bool { return m.Engagement == level })
	}
	return all
}

// moment is a stretch of the lesson that stands out.
type moment struct {
	Start, End float64
	Text       string
}

// A stretch of the lesson stands out where a share of the class that a teacher would notice is more or less on task than over the whole lesson, and the program is
// sure of enough of those in view to say so.
const (
	notable = 0.08
	enough  = 0.25
)

// standOut finds, by means over a twentieth of the lesson (10 s at least), where
// the class was most and least on task, and where most hands were up.
func standOut(points []timeline.ClassPoint) []moment {
	if len(points) < 8 {
		return nil
	}
	step := (points[len(points)-1].Time - points[0].Time) / float64(len(points)-1)
	window := max(3, int(math.Max(10, step*float64(len(points))/20)/math.Max(step, .1)))
	if window*2 > len(points) {
		return nil
	}
	var found []moment
	high, low, any := means{onTask: math.Inf(-1)}, means{onTask: math.Inf(1)}, false
	highAt, lowAt := 0, 0
	for i := 0; i+window <= len(points); i++ {
		m := meanOf(points[i : i+window])
		if math.IsNaN(m.onTask) || m.sure < enough*m.visible {
			continue
		}
		if any = true; m.onTask > high.onTask {
			high, highAt = m, i
		}
		if m.onTask < low.onTask {
			low, lowAt = m, i
		}
	}
	add := func(at int, text string, m means) {
		found = append(found, moment{points[at].Time, points[at+window-1].Time + step, fmt.Sprintf("%s: %.0f %% on task, of the %.0f whom the program is sure of (%.0f in view)", text, 100*m.onTask, math.Max(m.sure, 1), m.visible)})
	}
	whole := meanOf(points).onTask
	if any && high.onTask-whole > notable {
		add(highAt, "most on task", high)
	}
	if any && whole-low.onTask > notable {
		add(lowAt, "least on task", low)
	}
	if most := meanOf(points).hands; most > 1 {
		i := slices.IndexFunc(points, func(p timeline.ClassPoint) bool { return p.Hands == most })
		j := i
		for ; j+1 < len(points) && points[j+1].Hands == most; j++ {
		}
		found = append(found, moment{points[i].Time, points[j].Time + step, fmt.Sprintf("most hands up at once: %d", most)})
	}
	slices.SortStableFunc(found, func(a, b moment) int { return sign(a.Start - b.Start) })
	return found
}

func sign(v float64) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}
