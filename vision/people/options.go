package people

import (
	"fmt"
	"math"
	"slices"

	"classlens/model"
)

// Options of a detector.
type Options struct {
	Preset    string          // fast, default, best or pretrained; "" is default
	MinScore  float64         // faces below it are none, 0.05 to 0.9; 0 takes 0.25
	Threads   int             // for the nets; 0 takes every core
	Device    string          // of the nets: model.CPU or a GPU's UUID; "" is the CPU
	Precision model.Precision // of the nets on a GPU; "" is float32
	Scale     float64         // of the nets' input sizes; less is faster and misses smaller heads; 0 is 1
	// Pipelined shares the threads between two looks that are under way at once: more of them a second, each of which takes
	// longer. For who uses Start and Finish; it changes nothing in what is found.
	Pipelined bool
	// Net, with Width in pixels, runs that net alone at every Detect and on the whole
	// picture, in place of a preset: to compare nets. One of Nets.
	Net   string
	Width int
	// Path gives the ONNX file of a net; nil takes those of set-up (pretrained.Path).
	Path func(name string) (string, error)
}

// look is one net at one size.
type look struct {
	net   string
	width int // of the input at 16:9; other shapes get as many pixels
	// head is how high, in the net's input, the smaller heads of the room (the
	// tenth of a hundred) should be. Where all are larger the input is made smaller. 0: as it is.
	head float64
}

// preset says what is run and when.
type preset struct {
	every      float64  // seconds between two looks for people
	faces      [][]look // by turns: the first list at the first look, and so on, round and round
	bodies     []look
	bodyEvery  float64 // seconds between two looks for bodies
	wholeEvery float64 // seconds between two looks at the whole picture; between them only where people were
}

// The presets. The project's own net finds heads from any side at a quarter of CenterFace's time, but takes hands and bags for heads too: by default
// it looks each second, and CenterFace and MoveNet now and then, to confirm. best has CenterFace look each second as well, at two sizes: it sees fewer
// heads, but tells those behind one another apart better, the more so the larger its input. pretrained does without the own net: what its training pictures are labelled with.
// docs/measured.md has figures.
var presets = map[string]preset{
	"fast": {faces: [][]look{{{ownNet, 1280, ownHead}}}, wholeEvery: 10},
	"default": {
		faces:  seldom(10, 1280),
		bodies: []look{{"movenet-multipose", 896, 0}}, bodyEvery: 20,
		wholeEvery: 10,
	},
	"best": {
		faces:  [][]look{{{"centerface", 1920, 0}, {"centerface", 1280, largeHead}, {ownNet, 1280, ownHead}}},
		bodies: []look{{"movenet-multipose", 896, 0}, {"movenet-multipose", 1280, 0}}, bodyEvery: 5,
		wholeEvery: 10,
	},
	"pretrained": {
		faces:  [][]look{{{"centerface", 960, smallHead}}, {{"centerface", 1280, largeHead}}},
		bodies: []look{{"movenet-multipose", 896, 0}}, bodyEvery: 5,
		wholeEvery: 10,
	},
}

// surelySeen is the score of a head that several nets agree on.
const surelySeen = 0.8

// HoldScore is what track.Options.HoldScore should be with this detector: only where at least three looks are fused at every step are scores those of
// heads that several nets have seen.
func (d *Detector) HoldScore() float64 {
	for _, turn := range d.plan.faces {
		if len(turn) < 3 {
			return 0
		}
	}
	return surelySeen
}

// seldom is the own net at every look, and CenterFace of a width at the first of so many.
func seldom(every, width int) [][]look {
	out := make([][]look, every)
	for i := range out {
		out[i] = []look{{ownNet, 1280, ownHead}}
	}
	out[0] = []look{{"centerface", width, smallHead}, {ownNet, 1280, ownHead}}
	return out
}

// Head heights in CenterFace's input at which it finds nearly all heads of a
// class, and at which it tells heads close behind each other apart better; and in the own
// net's, which was trained on heads of 12 to 75 pixels.
const (
	smallHead = 25
	largeHead = 34
	ownHead   = 22
)

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

// Nets lists the nets that find people, the project's own first.
func Nets() []string { return []string{ownNet, "centerface", "faceboxes", "movenet-multipose"} }

func (o Options) resolve() (preset, Options, error) {
	if o.MinScore == 0 {
		o.MinScore = 0.25
	}
	if o.Net != "" {
		if !slices.Contains(Nets(), o.Net) || o.Width < leastWidth {
			return preset{}, o, fmt.Errorf("people net %q at %d pixels: there are %v, from %d pixels on", o.Net, o.Width, Nets(), leastWidth)
		}
		return preset{faces: [][]look{{{o.Net, o.Width, 0}}}}, o, nil
	}
	if o.Preset == "" {
		o.Preset = "default"
	}
	p, ok := presets[o.Preset]
	if !ok {
		return p, o, fmt.Errorf("people preset %q: there are %v", o.Preset, Presets())
	}
	if o.Scale > 0 && o.Scale != 1 {
		p = p.scaled(o.Scale)
	}
	return p, o, nil
}

// scaled is the preset with inputs of another size.
func (p preset) scaled(by float64) preset {
	resize := func(looks []look) []look {
		looks = slices.Clone(looks)
		for i := range looks {
			looks[i].width = max(1, int(math.Round(by*float64(looks[i].width))))
		}
		return looks
	}
	p.bodies = resize(p.bodies)
	p.faces = slices.Clone(p.faces)
	for i := range p.faces {
		p.faces[i] = resize(p.faces[i])
	}
	return p
}

// looks lists every look of a preset once.
func (p preset) looks() []look {
	out := slices.Clone(p.bodies)
	for _, turn := range p.faces {
		out = append(out, turn...)
	}
	return out
}
