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
	bar := float32((math.Log(least/(1-least)) - ownShift) / ownSlope)
	heat := plane{1, m.h, m.w, m.v[:m.h*m.w]}
	for y := range m.h {
		for x, v := range heat.v[y*m.w : (y+1)*m.w] {
			if v <= bar || !peak(heat, y, x) {
				continue
			}
			size := func(c int) float64 { return math.Exp(math.Min(m.at(c, y, x), mostLogSize)) * stride }
			out = append(out, head{
				x: (float64(x) + m.at(4, y, x) + 0.5) * stride * s.x, y: (float64(y) + m.at(3, y, x) + 0.5) * stride * s.y,
				w: size(2) * s.x, h: size(1) * s.y, score: sigmoid(ownSlope*float64(v) + ownShift), source: source, own: true,
			})
		}
	}
	return apartHeads(out, ownOverlap)
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
