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
	MinScore  float64         // threshold for faces, 0.05 to 0.9; 0 means 0.25
	Threads   int             // for the nets; 0 means every core
	Device    string          // of the nets: model.CPU or a GPU's UUID; "" means the CPU
	Precision model.Precision // of the nets on a GPU; "" means float32
	Scale     float64         // factor on the nets' input sizes; less is faster and misses smaller heads; 0 means 1
	// Pipelined shares the threads between two overlapping looks, for callers of Start and Finish: throughput is higher, but
	// each look takes longer. The results are the same.
	Pipelined bool
	// Net, one of Nets, with an input Width in pixels, replaces the preset: that net alone searches the whole picture at
	// every Detect. It is for comparing nets.
	Net   string
	Width int
	// Path gives the ONNX file of a net; nil means pretrained.Path.
	Path func(name string) (string, error)
}

// netAt is one net at one input size.
type netAt struct {
	net   string
	width int // of the input at 16:9; other shapes get as many pixels
	// head is the height, in the net's input, that the room's smaller heads (the tenth
	// percentile) need. If they are larger, the input is made smaller. 0: the size is fixed.
	head float64
}

// preset is the plan of which nets run when.
type preset struct {
	every      float64   // seconds between two looks for people
	faces      [][]netAt // by turns: the first list at the first look, and so on, round and round
	bodies     []netAt
	bodyEvery  float64 // seconds between two looks for bodies
	wholeEvery float64 // seconds between two looks at the whole picture; the others search only where people were
	halves     bool    // look half-way between steps as well
	own        []byte  // the own net's weights; nil takes ownWeights
}

// weights is the ONNX file of the own net.
func (p preset) weights() []byte {
	if p.own != nil {
		return p.own
	}
	return ownWeights
}

// The presets. The project's own net finds heads from any side in a quarter of CenterFace's time, but takes some hands and bags for heads: by default
// it runs every second, and CenterFace and MoveNet now and then, to confirm. In best, which looks twice a second, CenterFace also runs at every look, at two sizes: it finds fewer
// heads, but separates heads behind one another better, the more so the larger its input. pretrained does not use the own net; the own net's training pictures were labelled with it.
// Its own net is the large one.
// docs/measured.md has figures.
var presets = map[string]preset{
	"fast": {faces: [][]netAt{{{ownNet, 1280, ownHead}}}, wholeEvery: 10},
	"default": {
		faces:  seldom(10, 1280),
		bodies: []netAt{{"movenet-multipose", 896, 0}}, bodyEvery: 20,
		wholeEvery: 10,
	},
	"best": {
		faces:  [][]netAt{{{"centerface", 1920, 0}, {"centerface", 1280, largeHead}, {ownNet, 1280, ownHead}}},
		bodies: []netAt{{"movenet-multipose", 896, 0}, {"movenet-multipose", 1280, 0}}, bodyEvery: 5,
		wholeEvery: 10, own: largeWeights, halves: true,
	},
	"pretrained": {
		faces:  [][]netAt{{{"centerface", 960, smallHead}}, {{"centerface", 1280, largeHead}}},
		bodies: []netAt{{"movenet-multipose", 896, 0}}, bodyEvery: 5,
		wholeEvery: 10,
	},
}

// surelySeen is the least score of a head that several nets agree on.
const surelySeen = 0.8

// HoldScore is what track.Options.HoldScore should be with this detector: not 0 only if a high score means that several nets agree.
func (d *Detector) HoldScore() float64 {
	if !d.agree() {
		return 0
	}
	return surelySeen
}

// halfLeast is the time between two steps, in seconds, from which on a look half-way is worth its time: until then heads have hardly moved.
const halfLeast = 0.6

// Halves tells whether the preset looks half-way between steps that are so many seconds apart, too (video.Options.Halves): of two people one of whom passes the
// other, a look a second does not tell who went where.
func (d *Detector) Halves(stepSeconds float64) bool { return d.plan.halves && stepSeconds >= halfLeast }

// LookSeconds is what track.Options.LookSeconds should be with this detector and steps that are so many seconds apart: less than 1 only where it looks half-way.
func (d *Detector) LookSeconds(stepSeconds float64) float64 {
	if !d.Halves(stepSeconds) {
		return 1
	}
	return stepSeconds / 2
}

// agree tells whether at least three passes are fused at every look.
func (d *Detector) agree() bool {
	return !slices.ContainsFunc(d.plan.faces, func(turn []netAt) bool { return len(turn) < 3 })
}

// seldom is a plan of every looks: the own net runs at each, CenterFace with a width only at the first.
func seldom(every, width int) [][]netAt {
	out := make([][]netAt, every)
	for i := range out {
		out[i] = []netAt{{ownNet, 1280, ownHead}}
	}
	out[0] = []netAt{{"centerface", width, smallHead}, {ownNet, 1280, ownHead}}
	return out
}

// Values of netAt.head.
const (
	smallHead = 25 // at which CenterFace finds nearly all heads of a class
	largeHead = 34 // at which CenterFace separates heads close behind each other better
	ownHead   = 22 // for the own net, which was trained on heads of 12 to 75 pixels
)

// minBody is the score below which MoveNet's candidates are noise. It is low because its scores are low
// for people behind desks; the tracker sorts out false ones.
const minBody = 0.06

// Presets lists the names of the presets.
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
		return preset{faces: [][]netAt{{{o.Net, o.Width, 0}}}}, o, nil
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
	resize := func(looks []netAt) []netAt {
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

// looks lists every net and size of a preset.
func (p preset) looks() []netAt {
	out := slices.Clone(p.bodies)
	for _, turn := range p.faces {
		out = append(out, turn...)
	}
	return out
}
