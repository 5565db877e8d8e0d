package people

import (
	_ "embed"
	"math"
)

// ownNet is the project's own head detector; docs/head-detector.md says what it
// was trained on and where it does badly.
const ownNet = "heads"

//go:embed weights/heads.onnx
var ownWeights []byte

// largeWeights are of a net of four times the work, for the preset that may take its time; its logits are on the scale of ownWeights
// (scripts/train-heads/rescale.py).
//
//go:embed weights/heads-large.onnx
var largeWeights []byte

// A pixel value v is given to the net as v/ownGain - ownBias.
const (
	ownGain = 64
	ownBias = 2
)

// The net's logit z means a head with probability sigmoid(ownSlope·z + ownShift), fitted
// on rendered rooms that it was not trained on (scripts/train-heads/calibrate.py).
const (
	ownSlope = 2.90
	ownShift = 1.15
)

// Boxes that overlap by more than this are the same head: in the rendered rooms
// the true boxes of two heads seldom do (1 in 200 of those in view).
const ownOverlap = 0.45

// ownLargest is the height of the largest heads, in the net's input, that it was trained well on.
const ownLargest = 75

// mostLogSize caps a predicted size, in log cells: e^5 cells are 600 pixels.
const mostLogSize = 5

// decodeHeads reads the own net's map, (5, h, w) at stride 4: logit of a head's
// middle, log height and width in cells, offset of the middle from the cell's (y, x).
func decodeHeads(m plane, s toSource, least float64, source int) []head {
	var out []head
	bar := ownBar(least)
	heat := plane{1, m.h, m.w, m.v[:m.h*m.w]}
	for y := range m.h {
		for x, v := range heat.v[y*m.w : (y+1)*m.w] {
			if v <= bar || !peak(heat, y, x) {
				continue
			}
			out = append(out, ownHeadAt(y, x, v, [4]float32{m.v32(1, y, x), m.v32(2, y, x), m.v32(3, y, x), m.v32(4, y, x)}, s, source))
		}
	}
	return suppress(out, ownOverlap)
}

// ownBar is the net's logit for a score.
func ownBar(score float64) float32 {
	return float32((math.Log(score/(1-score)) - ownShift) / ownSlope)
}

// ownHeadAt is the head of a cell; m is log height, log width, offset y, offset x.
func ownHeadAt(y, x int, v float32, m [4]float32, s toSource, source int) head {
	size := func(c int) float64 { return math.Exp(math.Min(float64(m[c]), mostLogSize)) * stride }
	return head{
		x: (float64(x) + float64(m[3]) + 0.5) * stride * s.x, y: (float64(y) + float64(m[2]) + 0.5) * stride * s.y,
		w: size(1) * s.x, h: size(0) * s.y, score: sigmoid(ownSlope*float64(v) + ownShift), source: source, own: true,
	}
}
