package video

import (
	"cmp"
	"image"
	"image/color"
	"slices"
	"strings"

	"classlens/vision/scene"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// drawLabels draws the labels of all heads.
func drawLabels(f scene.Frame, overlays []Overlay) {
	for _, l := range placeLabels(image.Rect(0, 0, f.Width, f.Height), textScale(f), overlays) {
		drawText(f, l.at.Min, l.text)
	}
}

// placedLabel is a text and the pixels that it covers.
type placedLabel struct {
	text string
	at   image.Rectangle
}

// placeLabels places each head's name, the first word of its label, where it covers no other: above the head,
// else below, else on it; large heads, which are nearest, choose first. Then names are extended to the whole label where
// there is room. A name that fits nowhere is still drawn above its head, because a student without a name cannot be looked up.
func placeLabels(picture image.Rectangle, scale int, overlays []Overlay) []placedLabel {
	order := make([]Overlay, 0, len(overlays))
	for _, o := range overlays {
		if o.Label != "" && o.Line != NoLine {
			order = append(order, o)
		}
	}
	slices.SortStableFunc(order, func(a, b Overlay) int { return cmp.Compare(b.Box.H, a.Box.H) })
	placed := make([]placedLabel, 0, len(order))
	free := func(at image.Rectangle, but int) bool {
		for i, p := range placed {
			if i != but && p.at.Overlaps(at) {
				return false
			}
		}
		return at.In(picture)
	}
	for _, o := range order {
		name, _, _ := strings.Cut(o.Label, " ")
		places := placesFor(o, name, picture, scale)
		i := slices.IndexFunc(places, func(at image.Rectangle) bool { return free(at, -1) })
		placed = append(placed, placedLabel{name, places[max(i, 0)]})
	}
	for i, o := range order {
		whole := placed[i].at
		whole.Max.X = whole.Min.X + textWidth(o.Label)*scale
		whole = whole.Sub(image.Pt(max(0, whole.Max.X-picture.Max.X), 0))
		if free(whole, i) {
			placed[i] = placedLabel{o.Label, whole}
		}
	}
	return placed
}

// placesFor lists the places for a head's text, best first, all within the picture's width.
func placesFor(o Overlay, text string, picture image.Rectangle, scale int) []image.Rectangle {
	left, above, below := int(o.Box.X), int(o.Box.Y), int(o.Box.Y+o.Box.H)
	if o.Line == Cross {
		left, above, below = int(o.Box.X+o.Box.W/3), int(o.Box.Y+o.Box.H/3), int(o.Box.Y+2*o.Box.H/3)
	}
	wide, high := textWidth(text)*scale, 12*scale
	left = max(picture.Min.X, min(left, picture.Max.X-wide))
	var places []image.Rectangle
	for _, y := range []int{max(picture.Min.Y, above-high), below, above} {
		places = append(places, image.Rect(left, y, left+wide, y+high))
	}
	return places
}

// textWidth is a text's width in the font's own pixels.
func textWidth(text string) int { return font.MeasureString(basicfont.Face7x13, text).Ceil() }

// textScale is the size of one of the font's pixels in the frame's.
func textScale(f scene.Frame) int { return max(1, f.Height/540) }

// drawText draws one line on a dark background, with its top left corner at a point.
func drawText(f scene.Frame, at image.Point, label string) {
	scale := textScale(f)
	face := basicfont.Face7x13
	width := textWidth(label)
	text := image.NewAlpha(image.Rect(0, 0, width, 13))
	d := font.Drawer{Dst: text, Src: image.NewUniform(color.Alpha{255}), Face: face, Dot: fixed.P(0, 10)}
	d.DrawString(label)
	for ty := range 12 * scale {
		for tx := range width * scale {
			c := [3]byte{20, 20, 20}
			if text.AlphaAt(tx/scale, ty/scale).A > 127 {
				c = [3]byte{255, 255, 255}
			}
			paint(f, at.X+tx, at.Y+ty, c)
		}
	}
}
