package learner

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A plot is drawn in a box of plotWide × plotHigh with room for labels around it.
const (
	plotWide, plotHigh = 640, 320
	plotLeft, plotTop  = 46, 10
)

// line is one model's curve.
type line struct {
	Name   string
	Class  int  // of its colour
	Dash   bool // with personal attributes: the colour is that of the same model without them
	Points string
	Band   string // polygon of the intervals
	Dots   []point
}

type point struct {
	X, Y float64
	Text string
}

type tick struct {
	At   float64
	Text string
}

// plot is what the page's template draws.
type plot struct {
	Title            string
	Width, Height    int
	Left, Top        float64
	Right, Bottom    float64
	X, Y             []tick
	Lines            []line
	XLabel, YLabel   string
	Diagonal         bool
	LegendX, LegendY float64
}

func newPlot(title, x, y string) *plot {
	return &plot{Title: title, Width: plotLeft + plotWide + 130, Height: plotTop + plotHigh + 44, Left: plotLeft, Top: plotTop, Right: plotLeft + plotWide, Bottom: plotTop + plotHigh, XLabel: x, YLabel: y, LegendX: plotLeft + plotWide + 12, LegendY: plotTop + 8}
}

// scale maps [low, high] to the plot's height.
func (p *plot) scale(low, high float64) func(v float64) float64 {
	return func(v float64) float64 { return p.Bottom - (v-low)/(high-low)*plotHigh }
}

// colours is how many classes of lines the page has.
const colours = 12

// classes gives each model the class of its colour: one with personal attributes has the same as without them.
func classes(names []string) map[string]int {
	of := map[string]int{}
	var bases []string
	for _, name := range names {
		base := strings.TrimSuffix(name, StaticSuffix)
		bases = add(bases, base)
		of[name] = slices.Index(bases, base) % colours
	}
	return of
}

// curves is the ROC-AUC by day of each model, active students, with intervals.
func (e *Evaluation) curves() *plot {
	p := newPlot("ROC-AUC by day of the prediction, active students; bands are 95 % intervals", "day of the prediction", "ROC-AUC")
	low, high := 1.0, 0.0
	var names []string
	for _, d := range e.Days {
		for _, f := range d.Populations[Active] {
			if f.Model == "majority" || f.AUC.Value != f.AUC.Value {
				continue // .5 by definition
			}
			low, high = min(low, f.AUC.Low), max(high, f.AUC.High)
			names = add(names, f.Model)
		}
	}
	if len(names) == 0 {
		return nil
	}
	low, high = math.Floor(low*20)/20, math.Ceil(high*20)/20
	y := p.scale(low, high)
	for v := low; v <= high+1e-9; v += .05 {
		p.Y = append(p.Y, tick{y(v), fmt.Sprintf("%.2f", v)})
	}
	x := func(i int) float64 { return p.Left + plotWide*(float64(i)+.5)/float64(len(e.Days)) }
	for i, d := range e.Days {
		p.X = append(p.X, tick{x(i), string(d.Day)})
	}
	class := classes(names)
	for _, name := range names {
		l := line{Name: name, Class: class[name], Dash: strings.HasSuffix(name, StaticSuffix)}
		var points, upper, lower []string
		for i, d := range e.Days {
			for _, f := range d.Populations[Active] {
				if f.Model != name || f.AUC.Value != f.AUC.Value {
					continue
				}
				points = append(points, at(x(i), y(f.AUC.Value)))
				upper, lower = append(upper, at(x(i), y(f.AUC.High))), append([]string{at(x(i), y(f.AUC.Low))}, lower...)
				l.Dots = append(l.Dots, point{x(i), y(f.AUC.Value), fmt.Sprintf("%s, day %s: %s", name, d.Day, span(f.AUC))})
			}
		}
		l.Points, l.Band = strings.Join(points, " "), strings.Join(append(upper, lower...), " ")
		p.Lines = append(p.Lines, l)
	}
	return p
}

// calibrations show, a day, how often who was given a chance passed.
func (e *Evaluation) calibrations() []*plot {
	var all []*plot
	for _, d := range e.Days {
		p := newPlot(fmt.Sprintf("Calibration on day %s, active students: the diagonal is perfect", d.Day), "chance said", "share that passed")
		p.Diagonal = true
		y := p.scale(0, 1)
		x := func(v float64) float64 { return p.Left + plotWide*v }
		for v := 0.0; v <= 1.001; v += .2 {
			p.X, p.Y = append(p.X, tick{x(v), fmt.Sprintf("%.1f", v)}), append(p.Y, tick{y(v), fmt.Sprintf("%.1f", v)})
		}
		var names []string
		for _, f := range d.Populations[Active] {
			names = append(names, f.Model)
		}
		class := classes(names)
		for _, f := range d.Populations[Active] {
			l := line{Name: f.Model, Class: class[f.Model], Dash: strings.HasSuffix(f.Model, StaticSuffix)}
			var points []string
			for _, b := range f.Bins {
				if b.N < 10 {
					continue
				}
				points = append(points, at(x(b.Said), y(b.Came)))
				l.Dots = append(l.Dots, point{x(b.Said), y(b.Came), fmt.Sprintf("%s: %d students, said %.2f, passed %.2f", f.Model, b.N, b.Said, b.Came)})
			}
			l.Points = strings.Join(points, " ")
			p.Lines = append(p.Lines, l)
		}
		all = append(all, p)
	}
	return all
}

func at(x, y float64) string { return fmt.Sprintf("%.1f,%.1f", x, y) }

func add(names []string, name string) []string {
	for _, n := range names {
		if n == name {
			return names
		}
	}
	return append(names, name)
}
