package track

import (
	"math"

	"classlens/vision/scene"
)

// The quality of a box tells how it came about: 0.5 to 1 found at this very step
// (half the score on top), 0.25 to 0.5 reached by flow from both sides, below 0.25
// held where the seat was found last; the last two by the seat's usual score.
const (
	FoundQuality = 0.5
	FlowQuality  = 0.25
)

// track writes a seat's places down as sightings in picture coordinates.
func (t *Tracker) track(id string, s *seat, places []place) scene.Track {
	out := scene.Track{ID: id, SeatX: s.x, SeatY: s.y, SeatW: s.w, SeatH: s.h, Sightings: make([]scene.Sighting, 0, len(places))}
	usual := math.Min(1, s.evidence()/float64(len(s.hits)))
	rel := t.bodyOf(s)
	for q, p := range places {
		if t.steps[q].half {
			continue
		}
		v := scene.Sighting{Step: t.steps[q].index, Time: t.steps[q].time, Shot: t.steps[q].shot}
		if p.shown {
			cam := t.steps[q].cam
			x, y := cam.toPicture(p.x, p.y)
			k := cam.scale()
			w, h := p.w*k*t.o.Grow, p.h*k*t.o.Grow
			v.Visible = true
			v.Head = scene.Box{X: x - w/2, Y: y - h/2, W: w, H: h}
			v.Body = scene.Box{X: x + rel.X*w, Y: y + rel.Y*h, W: rel.W * w, H: rel.H * h}
			switch {
			case p.hit != nil:
				v.Quality = FoundQuality + (1-FoundQuality)*math.Min(1, p.hit.score)
				if p.hit.points != nil {
					v.Points = *p.hit.points
				}
			case p.found:
				v.Quality = FlowQuality + (FoundQuality-FlowQuality)*usual*0.999
			default:
				v.Quality = FlowQuality * usual * 0.999
			}
		}
		out.Sightings = append(out.Sightings, v)
	}
	return out
}

// upperBody is where a seated person's body is from the head box, in head
// sizes from its middle: of an adult, the arms are about 2.6 head widths apart over
// all (biacromial breadth 40 cm with arms beside it, head 15.5 cm), and from vertex to seat it is
// about 3.2 head heights (sitting height 88 cm, head 23 cm, less what a desk hides).
var upperBody = scene.Box{X: -1.3, Y: -0.5, W: 2.6, H: 3.2}

// Bodies that cannot be: narrower than the head, or longer than one who stands
// (7.5 heads) by far.
const (
	leastBody = 1.0
	mostBody  = 9.0
)

// bodyOf is where a seat's body usually is from the head, in head sizes: the
// median of the detected bodies, that a crop does not jump; upperBody without any.
func (t *Tracker) bodyOf(s *seat) scene.Box {
	var x, y, w, h []float64
	for _, d := range s.hits {
		if d.body.Empty() {
			continue
		}
		cam := t.steps[d.step].cam
		cx, cy := cam.toPicture(d.cx, d.cy)
		k := cam.scale()
		hw, hh := d.w*k*t.o.Grow, d.h*k*t.o.Grow
		b := scene.Box{X: (d.body.X - cx) / hw, Y: (d.body.Y - cy) / hh, W: d.body.W / hw, H: d.body.H / hh}
		if b.W < leastBody || b.H < leastBody || b.W > mostBody || b.H > mostBody {
			continue
		}
		x, y, w, h = append(x, b.X), append(y, b.Y), append(w, b.W), append(h, b.H)
	}
	if len(x) == 0 {
		return upperBody
	}
	return scene.Box{X: median(x), Y: median(y), W: median(w), H: median(h)}
}
