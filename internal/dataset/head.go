package dataset

import (
	"math"

	"classlens/vision/scene"
)

func side(w, h float64) float64 { return math.Sqrt(max(w*h, 0)) }

// Where the head usually is in a box of head and upper body, measured on
// ClaBehavior: its middle 27 % down, its size 42 % of the box's height.
const (
	usualDown = 0.27
	usualSize = 0.42
)

// HeadOf gives the head box that the network's crop is cut around: the labelled
// box itself where that is a head, else the found head nearest the place where
// heads are in such boxes, else the usual place. Training cuts its pictures by the
// same rule.
func HeadOf(box scene.Box, kind BoxKind, found []scene.Person) scene.Box {
	if kind == HeadBox {
		return box
	}
	var best scene.Box
	least := 0.35
	for _, p := range found {
		x, y := p.Head.Center()
		d := math.Hypot((x-box.X-box.W/2)/box.W, (y-box.Y-box.H*usualDown)/box.H)
		if size := p.Head.H / box.H; p.Score > 0.25 && d < least && size > 0.15 && size < 0.9 {
			best, least = p.Head, d
		}
	}
	if !best.Empty() {
		return best
	}
	s := usualSize * box.H
	return scene.Box{X: box.X + box.W/2 - s/2, Y: box.Y + usualDown*box.H - s/2, W: s, H: s}
}
