package people

import (
	"cmp"
	_ "embed"
	"math"
	"slices"
)

// ownNet is the project's own head detector; docs/head-detector.md says what it
// was trained on and how badly it does where.
const ownNet = "heads"

//go:embed weights/heads.onnx
var ownWeights []byte

// OwnNet is the ONNX file of the head detector that ships.
func OwnNet() []byte { return ownWeights }

// Pixels reach the net as v/ownGain - ownBias.
const (
	ownGain = 64
	ownBias = 2
)

// The net's logit z is a head with probability sigmoid(ownSlope·z + ownShift): fitted
// on rendered rooms that it was not trained on (scripts/train-heads/calibrate.py).
const (
	ownSlope = 2.53
	ownShift = 0.76
)

// Heads whose boxes overlap by more than this are one: in the rendered rooms
// the truth's boxes of two heads seldom do (1 in 200 of those in view).
const ownOverlap = 0.45

// ownLargest is the height of heads, in the net's input, up to which it was trained well.
const ownLargest = 75

// mostLogSize bounds what is believed of a size, in log cells: e^5 cells are 600 pixels.
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
	return apartHeads(out, ownOverlap)
}

// ownBar is the logit of a score.
func ownBar(score float64) float32 {
	return float32((math.Log(score/(1-score)) - ownShift) / ownSlope)
}

// ownHeadAt is the head of a cell: log height and width, offset y and x.
func ownHeadAt(y, x int, v float32, m [4]float32, s toSource, source int) head {
	size := func(c int) float64 { return math.Exp(math.Min(float64(m[c]), mostLogSize)) * stride }
	return head{
		x: (float64(x) + float64(m[3]) + 0.5) * stride * s.x, y: (float64(y) + float64(m[2]) + 0.5) * stride * s.y,
		w: size(1) * s.x, h: size(0) * s.y, score: sigmoid(ownSlope*float64(v) + ownShift), source: source, own: true,
	}
}

// apartHeads keeps the surest of heads that overlap by more than iou.
func apartHeads(heads []head, iou float64) []head {
	slices.SortStableFunc(heads, func(a, b head) int { return cmp.Compare(b.score, a.score) })
	var out []head
	for _, a := range heads {
		if !slices.ContainsFunc(out, func(b head) bool { return a.box().IoU(b.box()) > iou }) {
			out = append(out, a)
		}
	}
	return out
}
