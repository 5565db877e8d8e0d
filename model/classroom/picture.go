package classroom

import (
	"fmt"
	"slices"

	"classlens/model"
)

// maxSide of a picture: a file that asks for more is no classroom network, and its pictures would fill the memory.
const maxSide = 1024

// channels of a picture: RGB, and flow to the right and down.
const channels = 5

// pictureEncoder is a network that looks at pixels.
type pictureEncoder struct {
	lanes
	side     int
	pictures [][]float32 // a lane's: small enough to stay in its cache
}

func newPictureEncoder(onnx []byte, o model.Options) (*pictureEncoder, error) {
	o.MaxBatch, o.Inputs, o.Outputs = maxBatch, []string{portPicture}, []string{portEmbedding}
	l, err := newLanes(onnx, o)
	if err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	p := l[0].Inputs()[0].Shape
	if len(p) != 4 || p[1] != channels || p[2] < 8 || p[2] > maxSide || p[2] != p[3] {
		_ = l.close() // it has run nothing
		return nil, fmt.Errorf("its pictures have the shape %v, want (N, %d, S, S) of at most %d pixels: is this a classroom network?", p, channels, maxSide)
	}
	return &pictureEncoder{lanes: l, side: p[2], pictures: make([][]float32, len(l))}, nil
}

func (e *pictureEncoder) size() int { return e.side }

// seesFlow: more than red, green and blue counts.
func (e *pictureEncoder) seesFlow() bool { return e.lanes[0].PlanesRead(portPicture) > 3 }

func (e *pictureEncoder) deviceError() error { return e.lanes[0].DeviceError() }

// maxFlow is where flow is cut off: faster than one side of the picture a second
// is a blur anyway.
const maxFlow = 1

func (e *pictureEncoder) embed(rgb [][]byte, uv [][]float32, batch int) (model.Tensor, error) {
	area := e.side * e.side
	for i := range rgb {
		if len(rgb[i]) != 3*area || (uv[i] != nil && len(uv[i]) != 2*area) {
			return model.Tensor{}, fmt.Errorf("picture %d has %d bytes and %d flow values, want %d and %d", i, len(rgb[i]), len(uv[i]), 3*area, 2*area)
		}
	}
	out, err := e.run(batch, func(lane, from, to int) ([]model.Tensor, error) {
		size := (to - from) * channels * area
		e.pictures[lane] = slices.Grow(e.pictures[lane][:0], size)[:size]
		in := model.Tensor{Shape: []int{to - from, channels, e.side, e.side}, Data: e.pictures[lane]}
		for i := from; i < to; i++ {
			picture := in.Data[(i-from)*channels*area:][:channels*area]
			if i < len(rgb) {
				fillPicture(picture, rgb[i], uv[i], area)
			} else {
				clear(picture)
			}
		}
		return []model.Tensor{in}, nil
	})
	if err != nil {
		return model.Tensor{}, err
	}
	return out[0], nil
}

// fillPicture writes one picture's planes: red, green, blue in -1..1, and flow.
func fillPicture(to []float32, rgb []byte, uv []float32, area int) {
	r, g, b := to[:area], to[area:2*area], to[2*area:3*area]
	for k := range area {
		r[k] = float32(rgb[3*k])*(1/127.5) - 1
		g[k] = float32(rgb[3*k+1])*(1/127.5) - 1
		b[k] = float32(rgb[3*k+2])*(1/127.5) - 1
	}
	u, v := to[3*area:4*area], to[4*area:5*area]
	if uv == nil {
		clear(u)
		clear(v)
		return
	}
	for k := range area {
		u[k], v[k] = min(max(uv[2*k], -maxFlow), maxFlow), min(max(uv[2*k+1], -maxFlow), maxFlow)
	}
}
