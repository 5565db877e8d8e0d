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
	Complaints    int // of the decoder, about damaged data
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
	"clock": clock, "percent": percent, "behaviour": readable, "f1": func(v float64) string { return fmt.Sprintf("%.1f", v) },
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
}

type student struct {
	timeline.Student
	Bars    []bar
	Moments []mark
	Certain float64 // seconds of which something can be said
}

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
	Teacher        bool
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
	Time       []float64  `json:"time"`
	OnTask     []*float64 `json:"on_task"`
	Engagement []*float64 `json:"engagement"`
	Hands      []int      `json:"hands"`
	Visible    []int      `json:"visible"`
}

func (p Page) view() view {
	v := view{Page: p, Summary: p.Timeline.Summary(), CSS: template.CSS(pageCSS), ECharts: template.JS(echartsJS), JS: template.JS(pageJS)} // houserules:allow (constants of this package)
	v.CSSHash = hash(pageCSS)
	v.JSHashes = []string{hash(echartsJS), hash(pageJS)}
	if p.Duration <= 0 && len(p.Timeline.Class) > 0 {
		v.Duration = p.Timeline.Class[len(p.Timeline.Class)-1].Time + p.Timeline.Step
	}
	v.Legend = legends()
	v.Chart = chartOf(p.Timeline.Class)
	v.Moments = standOut(p.Timeline.Class)
	for _, s := range p.Timeline.Students {
		v.Students = append(v.Students, v.student(s))
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
	for _, m := range s.Moments {
		out.Moments = append(out.Moments, mark{X: m.Time * k, Title: "weighed most in what was decided: " + clock(m.Time)})
	}
	return out
}

// seats places the seats on a map that is cut to where people sit: rings no
// larger than half the way to the nearest neighbour, within reason.
func (v view) seats() []seat {
	all := v.Timeline.Students
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
	smallestRing = 12.5
)

// MapHeight is the seat map's height where its width is mapWidth.
func (v view) MapHeight() string {
	low := 0.0
	for _, s := range v.Seats {
		low = math.Max(low, s.Y)
	}
	return fmt.Sprintf("%.0f", low+mapRim)
}

func seatOf(s timeline.Student, x, y float64) seat {
	out := seat{ID: s.ID, X: x, Y: y, Teacher: s.Teacher, Share: percent(s.OnTaskShare), Class: "none"}
	switch {
	case s.Teacher:
	case math.IsNaN(s.OnTaskShare):
		out.Share = "?"
	case s.OnTaskShare >= .75:
		out.Class = "high"
	case s.OnTaskShare >= .5:
		out.Class = "middle"
	default:
		out.Class = "low"
	}
	return out
}

func chartOf(points []timeline.ClassPoint) chart {
	var c chart
	stride := max(1, len(points)/1200) // a lesson of hours needs no more on any screen
	for i := 0; i < len(points); i += stride {
		p := points[i]
		c.Time = append(c.Time, math.Round(p.Time*10)/10)
		c.OnTask, c.Engagement = append(c.OnTask, orNull(p.OnTask, 100)), append(c.Engagement, orNull(p.Engagement, 1))
		hands := 0
		for _, q := range points[i:min(i+stride, len(points))] {
			hands = max(hands, q.Hands)
		}
		c.Hands, c.Visible = append(c.Hands, hands), append(c.Visible, p.Visible)
	}
	return c
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

// ticks of the time axis: about six, at round times.
func ticks(duration float64) []tick {
	step := 3600.0
	for _, s := range []float64{5, 10, 15, 30, 60, 120, 300, 600, 900, 1800} {
		if duration/s <= 7 {
			step = s
			break
		}
	}
	var all []tick
	for t := 0.0; t < duration-step/4; t += step {
		all = append(all, tick{X: 100 * t / math.Max(duration, 1), Label: clock(t)})
	}
	return all
}

// moment is a stretch of the lesson that stands out.
type moment struct {
	Start, End float64
	Text       string
}

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
	type stretch struct {
		at      int
		on      float64
		hands   int
		unknown int
	}
	var all []stretch
	total, n := 0.0, 0
	for i := 0; i+window <= len(points); i++ {
		s := stretch{at: i}
		for _, p := range points[i : i+window] {
			if math.IsNaN(p.OnTask) {
				s.unknown++
				continue
			}
			s.on += p.OnTask
			s.hands = max(s.hands, p.Hands)
		}
		if s.unknown*2 > window {
			continue
		}
		s.on /= float64(window - s.unknown)
		total, n = total+s.on, n+1
		all = append(all, s)
	}
	if n == 0 {
		return nil
	}
	mean := total / float64(n)
	high := slices.MaxFunc(all, func(a, b stretch) int { return sign(a.on - b.on) })
	low := slices.MinFunc(all, func(a, b stretch) int { return sign(a.on - b.on) })
	hands := slices.MaxFunc(all, func(a, b stretch) int { return a.hands - b.hands })
	end := func(s stretch) float64 { return points[s.at+window-1].Time + step }
	var found []moment
	const notable = 0.08 // a share of the class that a teacher would notice
	if high.on-mean > notable {
		found = append(found, moment{points[high.at].Time, end(high), fmt.Sprintf("most students on task: %.0f %%", 100*high.on)})
	}
	if mean-low.on > notable {
		found = append(found, moment{points[low.at].Time, end(low), fmt.Sprintf("fewest students on task: %.0f %%", 100*low.on)})
	}
	if hands.hands > 1 {
		found = append(found, moment{points[hands.at].Time, end(hands), fmt.Sprintf("most hands up at once: %d", hands.hands)})
	}
	slices.SortFunc(found, func(a, b moment) int { return sign(a.Start - b.Start) })
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
