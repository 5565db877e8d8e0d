package room

import (
	"image"
	"image/color"
)

// limbs are the pairs of points that make a stick figure.
var limbs = [][2]int{{5, 6}, {5, 7}, {7, 9}, {6, 8}, {8, 10}, {5, 11}, {6, 12}, {11, 12}, {11, 13}, {13, 15}, {12, 14}, {14, 16}, {0, 1}, {0, 2}, {1, 3}, {2, 4}}

// behaviourColours, in the order of Behaviours.
var behaviourColours = []color.RGBA{{60, 180, 75, 255}, {0, 130, 200, 255}, {70, 240, 240, 255}, {255, 225, 25, 255}, {245, 130, 48, 255},
	{250, 190, 212, 255}, {145, 30, 180, 255}, {230, 25, 75, 255}, {128, 0, 0, 255}, {170, 170, 170, 255}}

// Overlay draws the truth on a picture: the whole head box, the visible body
// box, the points (filled where visible, hollow where covered), the gaze, and
// the behaviour by colour and name.
func Overlay(im *image.RGBA, people []Truth) {
	for i := range people {
		p := &people[i]
		c := color.RGBA{255, 255, 255, 255}
		for k, b := range Behaviours {
			if b == p.Behaviour {
				c = behaviourColours[k]
			}
		}
		frame(im, p.Head, c)
		frame(im, p.SeenBody, color.RGBA{c.R / 2, c.G / 2, c.B / 2, 255})
		for _, l := range limbs {
			a, b := p.Points[l[0]], p.Points[l[1]]
			if a.Seen > 0 && b.Seen > 0 {
				line(im, a.X, a.Y, b.X, b.Y, color.RGBA{255, 160, 0, 255})
			}
		}
		for _, q := range p.Points {
			dot(im, q)
		}
		nose := p.Points[0]
		if nose.Seen > 0 {
			const long = 18
			dx, dy := turnXYdeg(p.GazeYaw, p.GazePitch)
			line(im, nose.X, nose.Y, nose.X+dx*long, nose.Y+dy*long, color.RGBA{255, 0, 255, 255})
		}
		write(im, int(p.Head.X), int(p.Head.Y)-7, p.ID+" "+p.Behaviour, c)
	}
}

// turnXYdeg is the shadow on the picture of a direction of length 1.
func turnXYdeg(yaw, pitch float32) (x, y float32) {
	my, mp := ry(yaw), rx(pitch)
	v := mp.V(Vec{0, 0, 1})
	v = my.V(v)
	return v.X, -v.Y
}

func set(im *image.RGBA, x, y int, c color.RGBA) {
	if image.Pt(x, y).In(im.Rect) {
		im.SetRGBA(x, y, c)
	}
}

func frame(im *image.RGBA, r Rect, c color.RGBA) {
	if r.W <= 0 || r.H <= 0 {
		return
	}
	x0, y0, x1, y1 := int(r.X), int(r.Y), int(r.X+r.W), int(r.Y+r.H)
	for x := x0; x <= x1; x++ {
		set(im, x, y0, c)
		set(im, x, y1, c)
	}
	for y := y0; y <= y1; y++ {
		set(im, x0, y, c)
		set(im, x1, y, c)
	}
}

func line(im *image.RGBA, x0, y0, x1, y1 float32, c color.RGBA) {
	n := int(max(abs(x1-x0), abs(y1-y0), 1))
	if n > 4000 {
		return
	}
	for k := 0; k <= n; k++ {
		f := float32(k) / float32(n)
		set(im, int(mixf(x0, x1, f)), int(mixf(y0, y1, f)), c)
	}
}

func dot(im *image.RGBA, p PointTruth) {
	if p.Seen == 0 {
		return
	}
	c := color.RGBA{0, 255, 0, 255}
	if p.Seen == 1 {
		c = color.RGBA{255, 0, 0, 255}
	}
	x, y := int(p.X), int(p.Y)
	set(im, x, y, c)
	set(im, x+1, y, c)
	set(im, x, y+1, c)
	set(im, x+1, y+1, c)
}

// letters are 3x5 bitmaps, a row in three bits, top first.
var letters = map[rune][5]uint8{
	'a': {0, 3, 5, 5, 3}, 'b': {4, 6, 5, 5, 6}, 'c': {0, 3, 4, 4, 3}, 'd': {1, 3, 5, 5, 3}, 'e': {2, 5, 7, 4, 3}, 'f': {1, 2, 7, 2, 2}, 'g': {3, 5, 3, 1, 6},
	'h': {4, 6, 5, 5, 5}, 'i': {2, 0, 2, 2, 2}, 'k': {4, 5, 6, 5, 5}, 'l': {2, 2, 2, 2, 1}, 'n': {0, 6, 5, 5, 5}, 'o': {0, 2, 5, 5, 2}, 'p': {0, 6, 5, 6, 4},
	'r': {0, 3, 4, 4, 4}, 's': {0, 3, 2, 1, 6}, 't': {2, 7, 2, 2, 1}, 'u': {0, 5, 5, 5, 3}, 'w': {0, 5, 5, 7, 7}, '_': {0, 0, 0, 0, 7},
	'S': {3, 4, 2, 1, 6}, 'T': {7, 2, 2, 2, 2}, '0': {7, 5, 5, 5, 7}, '1': {2, 6, 2, 2, 7}, '2': {7, 1, 7, 4, 7}, '3': {7, 1, 7, 1, 7}, '4': {5, 5, 7, 1, 1},
	'5': {7, 4, 7, 1, 7}, '6': {7, 4, 7, 5, 7}, '7': {7, 1, 2, 2, 2}, '8': {7, 5, 7, 5, 7}, '9': {7, 5, 7, 1, 7},
}

// write sets a text in letters of 3x5 pixels on a dark ground.
func write(im *image.RGBA, x, y int, text string, c color.RGBA) {
	for _, r := range text {
		for dy := -1; dy < 6; dy++ {
			for dx := -1; dx < 4; dx++ {
				ink := color.RGBA{0, 0, 0, 255}
				if dy >= 0 && dy < 5 && dx >= 0 && dx < 3 && letters[r][dy]>>(2-dx)&1 == 1 {
					ink = c
				}
				set(im, x+dx, y+dy, ink)
			}
		}
		x += 4
	}
}

// Skeleton lists the pairs of points that make a stick figure, counted from 1
// as COCO does.
func Skeleton() [][2]int {
	s := make([][2]int, len(limbs))
	for i, l := range limbs {
		s[i] = [2]int{l[0] + 1, l[1] + 1}
	}
	return s
}
