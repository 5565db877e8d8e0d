package classroom

import (
	"fmt"

	"classlens/model"
)

// maxSide of a picture: a file that asks for more is not a classroom network, and its pictures would fill the memory.
const maxSide = 1024

// channels of a picture: RGB, and flow to the right and down.
const channels = 5

// pictureEncoder encodes pictures with a CNN of our own.
type pictureEncoder struct {
	*lanes
	side     int
	pictures [][]model.Tensor // a lane's one input: small enough to stay in its cache

	rgb [][]byte // of the batch under way
	uv  [][]float32
	to  [][]float32
}

func newPictureEncoder(onnx []byte, o model.Options) (*pictureEncoder, error) {
	o.MaxBatch, o.Inputs, o.Outputs = maxBatch, []string{portPicture}, []string{portEmbedding}
	l, err := newLanes(onnx, o)
	if err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	p := l.nets[0].Inputs()[0].Shape
	if len(p) != 4 || p[1] != channels || p[2] < 8 || p[2] > maxSide || p[2] != p[3] {
		_ = l.close() // it has run nothing
		return nil, fmt.Errorf("its pictures have the shape %v, want (N, %d, S, S) of at most %d pixels: is this a classroom network?", p, channels, maxSide)
	}
	e := &pictureEncoder{lanes: l, side: p[2]}
	for range l.nets {
		e.pictures = append(e.pictures, make([]model.Tensor, 1))
	}
	return e, nil
}

func (e *pictureEncoder) size() int { return e.side }

// seesFlow tells whether the network uses more planes than red, green and blue.
func (e *pictureEncoder) seesFlow() bool { return e.nets[0].PlanesRead(portPicture) > 3 }

// maxFlow limits flow: anything faster than one side of the picture per second
// is only a blur.
const maxFlow = 1

func (e *pictureEncoder) embed(to [][]float32, rgb [][]byte, uv [][]float32, batch int) error {
	area := e.side * e.side
	for i := range rgb {
		if len(rgb[i]) != 3*area || (uv[i] != nil && len(uv[i]) != 2*area) {
			return fmt.Errorf("picture %d has %d bytes and %d flow values, want %d and %d", i, len(rgb[i]), len(uv[i]), 3*area, 2*area)
		}
	}
	e.rgb, e.uv, e.to = rgb, uv, to
	err := e.run(batch, e)
	e.rgb, e.uv, e.to = nil, nil, nil
	return err
}

// inputs writes the pictures of a part; the padding of the batch is black.
func (e *pictureEncoder) inputs(lane, from, to int) []model.Tensor {
	in, area := e.pictures[lane], e.side*e.side
	in[0].Resize(to-from, channels, e.side, e.side)
	for i := from; i < to; i++ {
		picture := in[0].Data[(i-from)*channels*area:][:channels*area]
		if i < len(e.rgb) {
			fillPicture(picture, e.rgb[i], e.uv[i], area)
		} else {
			clear(picture)
		}
	}
	return in
}

func (e *pictureEncoder) take(from, to int, out []model.Tensor) error {
	appendRows(e.to[min(from, len(e.to)):min(to, len(e.to))], out[0])
	return nil
}

// appendRows appends a tensor's first rows to those of to.
func appendRows(to [][]float32, t model.Tensor) {
	dim := t.Shape[1]
	for i := range to {
		to[i] = append(to[i], t.Data[i*dim:(i+1)*dim]...)
	}
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
