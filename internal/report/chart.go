package report

import (
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
	Visible    []*float64   `json:"visible"`    // students
	Sure       []*float64   `json:"sure"`       // of them
	Hands      []int        `json:"hands"`
	Tick       float64      `json:"tick"` // seconds between two marks of the axis
	Gaps       [][2]float64 `json:"gaps"`
	Duration   float64      `json:"duration"`
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
		found = append(found, moment{points[at].Time, points[at+window-1].Time + step, fmt.Sprintf("%s: %.0f %% on task, of the %.0f of whom that is known (%.0f in view)", text, 100*m.onTask, math.Max(m.sure, 1), m.visible)})
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
