package room

import (
	"fmt"
	"math/rand"
	"slices"
)

// Plan is what the generator for training draws from. Weights are relative;
// the yaml names are those of the plan's file.
type Plan struct {
	Seed       int64              `yaml:"seed"`
	Students   int                `yaml:"students"`   // labelled students to draw (crops)
	Takes      int                `yaml:"takes"`      // pictures a scene and camera: more is faster and less varied
	Steps      int                `yaml:"steps"`      // instants a take: 1 = single pictures
	Interval   float64            `yaml:"interval"`   // seconds between instants
	Flow       bool               `yaml:"flow"`       // write the flow of each instant
	Clips      int                `yaml:"clips"`      // videos to draw (rooms)
	Seconds    float64            `yaml:"seconds"`    // of each video
	FPS        int                `yaml:"fps"`        // of each video
	Widths     []int              `yaml:"widths"`     // of pictures; the height is 9/16
	Layouts    map[string]float64 `yaml:"layouts"`    // single, double, rows, groups, lecture
	Rows       int                `yaml:"rows"`       // of desks in a video's room, and
	Cols       int                `yaml:"cols"`       // desks in each; 0: drawn, and no more than 28 students
	Cameras    map[string]float64 `yaml:"cameras"`    // front, corner, side, ceiling, behind
	Behaviours map[string]float64 `yaml:"behaviours"` // the ten of DESIGN
	AgeMin     float32            `yaml:"age_min"`    // 0 child, 1 young adult, 2 old
	AgeMax     float32            `yaml:"age_max"`
	Glasses    float32            `yaml:"glasses"` // share of figures
	Masks      float32            `yaml:"masks"`
	Scarves    float32            `yaml:"scarves"` // headscarves, of girls and women
	Fair       float32            `yaml:"fair"`    // share of figures with fair hair besides those that chance makes so
	Long       float32            `yaml:"long"`    // share of girls and women whose hair is drawn anew from the long kinds
	Free       float32            `yaml:"free"`    // share of what students do in videos that Behaviours draws; the others follow a lesson's phase
	Low        float32            `yaml:"low"`     // share of videos from little above seated heads, which hide one another
	Laptops    float32            `yaml:"laptops"` // share of desks, in rooms that have any
	Clutter    float32            `yaml:"clutter"` // 0..1, the most
	Bend       float32            `yaml:"bend"`    // lens distortion, the most: .15 is a cheap wide lens
	NoiseMin   float32            `yaml:"noise_min"`
	NoiseMax   float32            `yaml:"noise_max"` // sd of the sensor's noise in grey levels
	QualityMin int                `yaml:"quality_min"`
	QualityMax int                `yaml:"quality_max"` // of the JPEG files
}

// DefaultPlan draws the widest variety.
func DefaultPlan() Plan {
	p := Plan{Seed: 1, Students: 10000, Takes: 5, Steps: 1, Interval: 1, Clips: 12, Seconds: 16, FPS: 12, Widths: []int{480, 640, 768, 960},
		Layouts:    map[string]float64{"single": 3, "double": 3, "rows": 2, "groups": 1, "lecture": 1},
		Cameras:    map[string]float64{"front": 3, "corner": 3, "side": 1, "ceiling": 1.5, "behind": 1},
		Behaviours: map[string]float64{"look_forward": 1.6, "read": 1.3, "write": 1.5, "raise_hand": 1.2, "turn": 1.1, "stand": .7, "discuss": 1.1, "phone": 1.1, "head_down": .9, "other": .6},
		AgeMin:     .12, AgeMax: 1.1, Glasses: .2, Masks: .08, Scarves: .12, Laptops: .25, Clutter: 1, Bend: .14, NoiseMin: .5, NoiseMax: 4, QualityMin: 55, QualityMax: 92}
	return p
}

// Check finds what cannot be drawn.
func (p *Plan) Check() error {
	for _, w := range []struct {
		what  string
		given map[string]float64
		known []string
	}{{"layouts", p.Layouts, Layouts}, {"cameras", p.Cameras, CameraKinds}, {"behaviours", p.Behaviours, Behaviours}} {
		sum := 0.0
		for _, k := range sorted(w.given) {
			if !slices.Contains(w.known, k) {
				return fmt.Errorf("%s: %q is not one of %v", w.what, k, w.known)
			}
			sum += max(w.given[k], 0)
		}
		if sum <= 0 {
			return fmt.Errorf("%s: no weight is above 0", w.what)
		}
	}
	if p.Rows < 0 || p.Cols < 0 || p.Rows > 40 || p.Cols > 40 {
		return fmt.Errorf("rows and cols must be 0 to 40")
	}
	if p.Steps < 1 || p.Takes < 1 || p.Interval <= 0 || p.FPS < 1 || len(p.Widths) == 0 || slices.Min(p.Widths) < 160 || slices.Max(p.Widths) > 3840 {
		return fmt.Errorf("steps, takes, interval, fps must be above 0 and widths 160 to 3840")
	}
	for _, share := range []float32{p.Glasses, p.Masks, p.Scarves, p.Fair, p.Long, p.Free, p.Low} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("glasses, masks, scarves, fair, long, free and low are shares, 0 to 1")
		}
	}
	if p.AgeMin < 0 || p.AgeMax > 2 || p.AgeMin > p.AgeMax || p.QualityMin < 1 || p.QualityMax > 100 || p.QualityMin > p.QualityMax {
		return fmt.Errorf("ages lie in 0..2 and qualities in 1..100, the least first")
	}
	return nil
}

// choose draws a key by its weight.
func choose(r *rand.Rand, w map[string]float64) string {
	keys := sorted(w)
	sum := 0.0
	for _, k := range keys {
		sum += max(w[k], 0)
	}
	u := r.Float64() * sum
	for _, k := range keys {
		if u -= max(w[k], 0); u < 0 {
			return k
		}
	}
	return keys[0]
}

// CameraKinds are where a camera may hang.
var CameraKinds = []string{"front", "corner", "side", "ceiling", "behind"}

// hang gives a place for a camera of a kind.
func (m *Room) hang(r *rand.Rand, kind string) Vec {
	w, h := m.X1-m.X0, uniform(r, 2.0, 2.8)
	switch kind {
	case "corner":
		return Vec{pick(r, []float32{m.X0 + .2, m.X1 - .2}), h, m.Z1 - .2}
	case "side":
		return Vec{pick(r, []float32{m.X0 + .2, m.X1 - .2}), h, uniform(r, m.Z0*.6, .8)}
	case "ceiling":
		return Vec{m.X0 + w*uniform(r, .3, .7), m.Top - .1, uniform(r, m.Z0*.5, 1)}
	case "behind":
		return Vec{m.X0 + w*uniform(r, .12, .88), h + m.Top - 3, m.Z0 + .25}
	}
	return Vec{m.X0 + w*uniform(r, .2, .8), uniform(r, 1.45, 2.7), uniform(r, 2.0, m.Z1-.2)}
}

// layout draws a room's furniture.
func (p *Plan) layout(r *rand.Rand, age float32) Layout {
	l := Layout{Kind: choose(r, p.Layouts), Rows: 3 + r.Intn(3), Pitch: uniform(r, 1.25, 1.5), Clutter: p.Clutter * r.Float32()}
	l.Desk = clamp(.56+.20*age, .58, .745)
	switch l.Kind {
	case "single":
		l.Cols = 4 + r.Intn(2)
	case "double":
		l.Cols = 3
	case "groups":
		l.Rows, l.Cols = 2+r.Intn(2), 2
	default:
		l.Cols = 2
	}
	if r.Intn(3) == 0 {
		l.Laptops = p.Laptops * 3
	}
	return l
}

// variety bounds the looks of one class: pupils of a class are of an age.
func (p *Plan) variety(age float32) Variety {
	return Variety{AgeMin: max(age-.08, 0), AgeMax: min(age+.08, 2), Glasses: p.Glasses, Mask: p.Masks, Scarf: p.Scarves, Fair: p.Fair, Long: p.Long}
}

// lightsOf draws a day: bright or dull, lamps on or off, and the exposure that
// a camera would choose.
func lightsOf(r *rand.Rand) func(float64) Light {
	l := Light{Window: uniform(r, .25, 1.25), Lamp: uniform(r, .1, .95)}
	l.Gain = uniform(r, .75, 1.2) * 1.5 / (.75*l.Window + 1.1*l.Lamp + .35)
	return func(float64) Light { return l }
}
