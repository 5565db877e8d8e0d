package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"classlens/internal/timeline"
)

// chart is the data of the class chart, as JSON for the script.
type chart struct {
	Time       []float64    `json:"time"`
	OnTask     []*float64   `json:"on_task"`    // per cent
	Engagement []*float64   `json:"engagement"` // 0 to 3
	Visible    []*float64   `json:"visible"`    // students in view
	Sure       []*float64   `json:"sure"`       // of these, students whose attention is known
	Hands      []int        `json:"hands"`
	Tick       float64      `json:"tick"` // seconds between two marks of the axis
	Gaps       [][2]float64 `json:"gaps"`
	Duration   float64      `json:"duration"`
}

// chartWindow is the length, in seconds, of the moving average in the class chart: a sixtieth of the lesson, at least five.
func (v view) chartWindow() float64 { return math.Max(5, math.Round(v.Duration/60)) }

// ChartWindow is chartWindow for the template.
func (v view) ChartWindow() string { return fmt.Sprintf("%.0f", v.chartWindow()) }

// chart prepares the class chart for the script. The curves are moving averages in which every student whose attention is known has the same weight, at every step:
// a single one, when nothing is known of the others, makes no peak.
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
		if i > 0 && p.Time-points[i-stride].Time > 1.9*float64(stride)*v.Timeline.Step { // a break in the curves where the recording could not be read
			c.add(points[i-stride].Time+v.Timeline.Step, means{onTask: math.NaN(), engagement: math.NaN(), known: math.NaN(), visible: math.NaN()}, 0)
		}
		c.add(p.Time, m, meanOf(points[i:min(i+stride, len(points))]).hands)
	}
	return c
}

func (c *chart) add(time float64, m means, hands int) {
	c.Time = append(c.Time, math.Round(time*10)/10)
	c.OnTask = append(c.OnTask, orNull(m.onTask, 100))
	c.Engagement = append(c.Engagement, orNull(m.engagement, 1))
	c.Visible = append(c.Visible, orNull(m.visible, 1))
	c.Sure = append(c.Sure, orNull(m.known, 1))
	c.Hands = append(c.Hands, hands)
}

// means over a stretch of the lesson; NaN if nothing is known.
type means struct {
	onTask, engagement float64
	known, visible     float64 // students per step: attention known, in view
	hands              int     // most at once
}

// meanOf averages over points; each student at each step has the same weight.
func meanOf(points []timeline.ClassPoint) means {
	var m means
	sure := 0.0
	for _, p := range points {
		if p.Known > 0 {
			m.onTask += p.OnTask * float64(p.Known)
		}
		if p.Sure > 0 {
			m.engagement += p.Engagement * float64(p.Sure)
		}
		m.visible += float64(p.Visible)
		m.known += float64(p.Known)
		sure += float64(p.Sure)
		m.hands = max(m.hands, p.Hands)
	}
	m.onTask, m.engagement = m.onTask/m.known, m.engagement/sure // 0/0 is NaN
	m.known, m.visible = m.known/float64(len(points)), m.visible/float64(len(points))
	return m
}

// orNull rounds k*v to two decimals for JSON; NaN becomes null.
func orNull(v, k float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	v = math.Round(v*k*100) / 100
	return &v
}

// moment is a stretch of the lesson that stands out.
type moment struct {
	Start, End float64
	Text       string
}

// A stretch of the lesson stands out if the share of the class on task differs by notable, which a teacher would see, from that over the whole lesson, and attention
// is known for at least the share enough of those in view.
const (
	notable = 0.08
	enough  = 0.25
)

// standOut finds, in windows of a twentieth of the lesson (at least 10 s), when the
// class was most and least on task, and when most hands were up.
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
	highAt, lowAt := -1, -1
	var high, low means
	for i := 0; i+window <= len(points); i++ {
		m := meanOf(points[i : i+window])
		if math.IsNaN(m.onTask) || m.known < enough*m.visible {
			continue
		}
		if highAt < 0 || m.onTask > high.onTask {
			high, highAt = m, i
		}
		if lowAt < 0 || m.onTask < low.onTask {
			low, lowAt = m, i
		}
	}
	add := func(at int, text string, m means) {
		found = append(found, moment{points[at].Time, points[at+window-1].Time + step, fmt.Sprintf("%s: %.0f %% on task, of the %.0f of whom that is known (%.0f in view)", text, 100*m.onTask, math.Max(m.known, 1), m.visible)})
	}
	whole := meanOf(points)
	if highAt >= 0 && high.onTask-whole.onTask > notable {
		add(highAt, "most on task", high)
	}
	if lowAt >= 0 && whole.onTask-low.onTask > notable {
		add(lowAt, "least on task", low)
	}
	if most := whole.hands; most > 1 {
		i := slices.IndexFunc(points, func(p timeline.ClassPoint) bool { return p.Hands == most })
		j := i
		for ; j+1 < len(points) && points[j+1].Hands == most; j++ {
		}
		found = append(found, moment{points[i].Time, points[j].Time + step, fmt.Sprintf("most hands up at once: %d", most)})
	}
	slices.SortStableFunc(found, func(a, b moment) int { return cmp.Compare(a.Start, b.Start) })
	return found
}
