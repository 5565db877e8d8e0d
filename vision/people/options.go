package people

import (
	"fmt"
	"slices"
)

// Options of a detector.
type Options struct {
	Preset   string  // fast, default or best; "" is default
	MinScore float64 // faces below it are none, 0.05 to 0.9; 0 takes 0.25
	Threads  int     // for the nets; 0 takes every core
	// Path gives the ONNX file of a net; nil takes those of set-up (pretrained.Path).
	Path func(name string) (string, error)
}

// look is one net at one size, run so often.
type look struct {
	net   string
	width int     // of the input at 16:9; other shapes get as many pixels
	every float64 // seconds of video between two runs; 0: whenever people are looked for
}

// preset says what is run and when.
type preset struct {
	every  float64 // seconds between two looks for people
	faces  []look
	bodies []look
}

// The presets. CenterFace finds faces and most profiles; MoveNet adds heads
// from behind and bent down, which hardly move, so it is run seldom.
var presets = map[string]preset{
	"fast": {
		every:  2,
		faces:  []look{{"centerface", 960, 0}},
		bodies: []look{{"movenet-multipose", 896, 12}},
	},
	"default": {
		faces:  []look{{"centerface", 1280, 0}, {"centerface", 1920, 0}},
		bodies: []look{{"movenet-multipose", 896, 5}, {"movenet-multipose", 1280, 5}},
	},
	"best": {
		faces:  []look{{"centerface", 1280, 0}, {"centerface", 1920, 0}},
		bodies: []look{{"movenet-multipose", 896, 0}, {"movenet-multipose", 1280, 0}},
	},
}

// minBody: MoveNet's candidates below this score are noise. Its scores are low
// on people behind desks; time sorts them out.
const minBody = 0.06

// Presets lists the names there are.
func Presets() []string {
	var names []string
	for n := range presets {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (o Options) resolve() (preset, Options, error) {
	if o.Preset == "" {
		o.Preset = "default"
	}
	p, ok := presets[o.Preset]
	if !ok {
		return p, o, fmt.Errorf("people preset %q: there are %v", o.Preset, Presets())
	}
	if o.MinScore == 0 {
		o.MinScore = 0.25
	}
	return p, o, nil
}
