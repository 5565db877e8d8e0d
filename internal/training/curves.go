package training

import (
	"bytes"
	"image/color"
	"path/filepath"
	"strconv"

	"classlens/internal/safefile"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// curve is one column of the history as a line.
type curve struct {
	column, label string
	colour        color.RGBA
}

var (
	lossCurves  = []curve{{"train_loss", "training loss", color.RGBA{59, 125, 216, 255}}}
	scoreCurves = []curve{{"val_accuracy", "accuracy", color.RGBA{120, 120, 120, 255}}, {"val_macro_f1", "macro-F1", color.RGBA{214, 96, 32, 255}}, {"val_balanced", "balanced accuracy", color.RGBA{64, 150, 90, 255}},
		{"val_engagement_kappa", "engagement kappa", color.RGBA{140, 90, 180, 255}}}
)

// writeCurves draws the history: the loss on the left, the validation part on the right.
func (r *run) writeCurves() error {
	left, err := r.panel("training", "loss", lossCurves)
	if err != nil {
		return err
	}
	right, err := r.panel("validation", "score", scoreCurves)
	if err != nil {
		return err
	}
	right.Y.Min, right.Y.Max, right.Legend.Top = min(right.Y.Min, 0), 1, false // scores end high, losses low
	const width, height = 24 * vg.Centimeter, 10 * vg.Centimeter
	canvas := vgimg.New(width, height)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Centimeter, PadTop: 2 * vg.Millimeter, PadBottom: 2 * vg.Millimeter, PadLeft: 2 * vg.Millimeter, PadRight: 2 * vg.Millimeter}
	for i, c := range plot.Align([][]*plot.Plot{{left, right}}, tiles, draw.New(canvas))[0] {
		[]*plot.Plot{left, right}[i].Draw(c)
	}
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return err
	}
	return safefile.WriteFile(filepath.Join(r.Out, curvesFile), b.Bytes())
}

func (r *run) panel(title, y string, curves []curve) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "epoch", y
	p.Add(plotter.NewGrid())
	p.Legend.Top = true
	for _, c := range curves {
		points, varies := r.points(c.column)
		if !varies {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = c.colour, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(c.label, line)
	}
	return p, nil
}

// points are a column of the history by epoch; varies is false where it is 0 throughout:
// the validation part does not label it.
func (r *run) points(column string) (points plotter.XYs, varies bool) {
	at := -1
	for i, name := range r.history[0] {
		if name == column {
			at = i
		}
	}
	for _, row := range r.history[1:] {
		if at < 0 || at >= len(row) {
			continue
		}
		x, err1 := strconv.ParseFloat(row[0], 64)
		y, err2 := strconv.ParseFloat(row[at], 64)
		if err1 == nil && err2 == nil {
			points = append(points, plotter.XY{X: x, Y: y})
			varies = varies || y != 0
		}
	}
	return points, varies
}
