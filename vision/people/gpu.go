package people

import (
	"fmt"
	"image"
	"math"

	"classlens/model"
	"classlens/vision/scene"
)

// On a GPU, a frame is copied there once per net and resized there, and only the cells of the maps that are heads come back, instead of the whole maps
// that decode reads on the CPU.

// seek does what run and decode do, but on the net's GPU. Its error wraps model.ErrNotOnDevice if the net runs on the CPU.
func (r *runner) seek(f scene.Frame, part image.Rectangle, source int) ([]head, error) {
	if r.net.Device() == model.CPU {
		return nil, model.ErrNotOnDevice
	}
	s := r.sights[part.Size()]
	if s == nil {
		if len(r.sights) > 4 {
			clear(r.sights)
		}
		s = &model.Sight{Width: r.fw, Height: r.fh, Columns: r.resize.cols.onDevice(), Rows: r.resize.rows.onDevice(), PartWidth: part.Dx(), PartHeight: part.Dy(), Gain: r.gain, Bias: r.bias,
			Seek: sought(r.name, r.least), Name: fmt.Sprint(r.fw, r.fh, r.resize.w, r.resize.h, part.Size(), r.least)}
		r.sights[part.Size()] = s
	}
	found, err := r.net.Look(s, f.Pix[:3*f.Width*f.Height], part.Min.X, part.Min.Y)
	if err != nil {
		return nil, err
	}
	return r.headsOf(found, source), nil
}

// onDevice gives the axis in the form for a device.
func (a *axis) onDevice() []model.Taps {
	out := make([]model.Taps, len(a.places)/2)
	for i := range out {
		out[i] = model.Taps{First: int(a.places[2*i]), Weights: a.weights[i*a.most:][:a.places[2*i+1]]}
	}
	return out
}

// notAbove is the largest float32 that is not above v.
func notAbove(v float64) float32 {
	if f := float32(v); float64(f) <= v {
		return f
	}
	return math.Nextafter32(float32(v), float32(math.Inf(-1)))
}

// sought says which cells of a net's maps may be heads. Because the device's comparisons may be off by a rounding, it asks for a little more
// than headsOf accepts.
func sought(net string, least float64) []model.Seek {
	switch net {
	case ownNet:
		return []model.Seek{{Planes: 1, Reach: 1, Above: ownBar(least), Values: []model.Values{{Map: 0, Channels: 5, First: 1, N: 4}}}}
	case "centerface":
		return []model.Seek{{Planes: 1, Above: notAbove(least), Values: []model.Values{{Map: 1, Channels: 2, N: 2}, {Map: 2, Channels: 2, N: 2}, {Map: 3, Channels: 10, First: noseY, N: 2}}}}
	case "faceboxes":
		p := max(least, minFaceBoxes)
		var all []model.Seek
		for l, anchors := range faceBoxesAnchors {
			all = append(all, model.Seek{Map: l, Planes: len(anchors), Paired: true, Above: float32(math.Log(p/(1-p))) - 1e-3, Values: []model.Values{{Map: l, Channels: 2, N: 2}, {Map: 3 + l, Channels: 4, N: 4}}})
		}
		return all
	case "movenet-multipose":
		return []model.Seek{{Planes: 1, Reach: 1, Above: notAbove(minBody), Values: []model.Values{{Map: 1, Channels: 2, N: 2}, {Map: 2, Channels: 2, N: 2}, {Map: 4, Channels: 2 * scene.NumKeypoints, N: 2 * scene.NumKeypoints}},
			Points: &model.Points{Heat: 3, Regress: 4, Offset: 5}}}
	}
	return nil
}

// headsOf decodes the cells that were found, as decode does whole maps.
func (r *runner) headsOf(found [][]model.Found, source int) []head {
	var out []head
	var faces []face
	s := r.scale
	switch r.name {
	case ownNet:
		for _, c := range found[0] {
			out = append(out, ownHeadAt(c.Y, c.X, c.Value, [4]float32(c.Values), s, source))
		}
		return suppress(out, ownOverlap)
	case "centerface":
		for _, c := range found[0] {
			if float64(c.Value) > r.least {
				faces = append(faces, centerFaceAt(c.Y, c.X, c.Value, [6]float32(c.Values), s))
			}
		}
	case "faceboxes":
		for l, cells := range found {
			for _, c := range cells {
				if p := sigmoid(float64(c.Values[1]) - float64(c.Values[0])); p > max(r.least, minFaceBoxes) {
					faces = append(faces, faceBoxesAnchors[l][c.Plane].face(c.Y, c.X, float64(int(32)<<l), p, [4]float32(c.Values[2:]), s))
				}
			}
		}
	case "movenet-multipose":
		for _, c := range found[0] {
			if float64(c.Value) <= minBody {
				continue
			}
			b := bodyAt(c.Y, c.X, c.Value, [4]float32(c.Values), s)
			for k, p := range c.Points {
				ey, ex := float64(c.Y)+float64(c.Values[4+2*k]), float64(c.X)+float64(c.Values[5+2*k])
				b.points[k], b.regress[k] = pointAt(ey, ex, p.Y, p.X, [3]float32{p.Heat, p.OffsetY, p.OffsetX}, s)
			}
			out = append(out, headOfBody(&b, source))
		}
		return out
	}
	for _, a := range suppress(faces, faceOverlap) {
		out = append(out, headOfFace(a, source))
	}
	return out
}
