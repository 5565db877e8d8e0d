package learner

import (
	"bytes"
	"image/color"
	"math"
	"strconv"
	"strings"

	chart "gonum.org/v1/plot" // plot is the page's own
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"classlens/internal/learner/judge"
)

// palette are the page's colours (eval.html).
var palette = []color.RGBA{{31, 119, 180, 255}, {255, 127, 14, 255}, {44, 160, 44, 255}, {214, 39, 40, 255}, {148, 103, 189, 255}, {140, 86, 75, 255}, {227, 119, 194, 255}, {127, 127, 127, 255}, {188, 189, 34, 255}, {23, 190, 207, 255}}

// rival is what the right half compares with: logistic regression, which every more
// elaborate model has to beat.
const rival = "lr"

// series is one model's values by day, dashed with personal attributes.
type series struct {
	name   string
	values []judge.Value // parallel to Days
	there  []bool
}

// dayCurves gives a value by day of each model; of picks it, false where there is none.
func (e *Evaluation) dayCurves(of func(judge.Figures) (judge.Value, bool)) (all []series) {
	var names []string
	for _, d := range e.Days {
		for _, f := range d.Populations[Active] {
			if f.Model != "majority" { // .5 by definition
				names = add(names, f.Model)
			}
		}
	}
	for _, name := range names {
		s := series{name: name}
		any := false
		for _, d := range e.Days {
			v, there := judge.Value{}, false
			for _, f := range d.Populations[Active] {
				if f.Model == name {
					v, there = of(f)
				}
			}
			there = there && v.Value == v.Value
			s.values, s.there, any = append(s.values, v), append(s.there, there), any || there
		}
		if any {
			all = append(all, s)
		}
	}
	return all
}

// picture is ROC-AUC by day of each model, active students, and what it is above logistic
// regression's (with personal attributes where the model has them), with 95 % intervals
// of the paired difference; PNG. Nil where there is nothing to draw.
func (e *Evaluation) picture() ([]byte, error) {
	left := e.dayCurves(func(f judge.Figures) (judge.Value, bool) { return f.AUC, true })
	if len(left) == 0 {
		return nil, nil
	}
	right := e.dayCurves(func(f judge.Figures) (judge.Value, bool) {
		other := rival
		if strings.HasSuffix(f.Model, StaticSuffix) {
			other += StaticSuffix
		}
		v, ok := f.Against[other]
		return v, ok
	})
	colours, base := map[string]color.RGBA{}, func(name string) string { return strings.TrimSuffix(name, StaticSuffix) }
	for _, s := range left {
		if _, ok := colours[base(s.name)]; !ok {
			colours[base(s.name)] = palette[len(colours)%len(palette)]
		}
	}
	var days []string
	for _, d := range e.Days {
		days = append(days, string(d.Day))
	}
	panel := func(title, y string) *chart.Plot {
		p := chart.New()
		p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "day of the prediction", y
		p.Add(plotter.NewGrid())
		p.NominalX(days...)
		p.X.Min, p.X.Max = -.5, float64(len(days))-.5
		return p
	}
	panels := []*chart.Plot{panel("ROC-AUC, active students", "ROC-AUC"), panel("less that of logistic regression", "difference, 95 % intervals")}
	panels[0].Legend.Padding = vg.Millimeter // at the lower right: curves rise
	for side, all := range [][]series{left, right} {
		for k, s := range all {
			shift := 0.0
			if side == 1 && len(all) > 1 { // so that intervals do not cover one another
				shift = .6 * (float64(k)/float64(len(all)-1) - .5)
			}
			if err := s.draw(panels[side], colours[base(s.name)], shift, side == 1); err != nil {
				return nil, err
			}
		}
	}
	panels[0].Y.Tick.Marker, panels[1].Y.Tick.Marker = every(.05), every(.005)
	if len(right) == 0 {
		panels = panels[:1]
	}
	canvas := vgimg.New(vg.Length(len(panels))*13*vg.Centimeter, 11*vg.Centimeter)
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: vg.Centimeter, PadTop: 2 * vg.Millimeter, PadBottom: 2 * vg.Millimeter, PadLeft: 2 * vg.Millimeter, PadRight: 4 * vg.Millimeter}
	for i, c := range chart.Align([][]*chart.Plot{panels}, tiles, draw.New(canvas))[0] {
		panels[i].Draw(c)
	}
	var b bytes.Buffer
	_, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b)
	return b.Bytes(), err
}

// every marks the multiples of a step.
func every(step float64) chart.Ticker {
	return chart.TickerFunc(func(low, high float64) (ticks []chart.Tick) {
		for k := math.Ceil(low / step); k*step <= high; k++ {
			v := k * step
			if v == 0 {
				v = 0 // no minus zero
			}
			ticks = append(ticks, chart.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', 3, 64)})
		}
		return ticks
	})
}

// draw adds the curve to a panel, with its intervals or, without, with its name in the legend.
func (s series) draw(p *chart.Plot, c color.RGBA, shift float64, intervals bool) error {
	var points plotter.XYs
	var errs plotter.YErrors
	for i, v := range s.values {
		if s.there[i] {
			points = append(points, plotter.XY{X: float64(i) + shift, Y: v.Value})
			errs = append(errs, struct{ Low, High float64 }{v.Value - v.Low, v.High - v.Value})
		}
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, line.Width, dots.Color, dots.Radius, dots.Shape = c, vg.Points(1.3), c, vg.Points(2), draw.CircleGlyph{}
	if strings.HasSuffix(s.name, StaticSuffix) {
		line.Dashes, dots.Shape = []vg.Length{vg.Points(4), vg.Points(3)}, draw.RingGlyph{}
	}
	if !intervals {
		p.Add(line, dots)
		p.Legend.Add(s.name, line, dots)
		return nil
	}
	bars, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{points, errs})
	if err != nil {
		return err
	}
	bars.Color, bars.Width, bars.CapWidth = c, vg.Points(.8), vg.Points(3)
	p.Add(bars, dots)
	return nil
}
