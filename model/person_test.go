package model

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// personNet makes maps of 6 x 8 cells out of a picture: a middle, heat of three points, their ways and offsets, and features of five planes.
func personNet(p *Person) *graphFile {
	s := newSmall(-1, 3, 12, 16)
	named := func(channels int) string {
		s.last = "x"
		return s.conv(3, channels, 3, 2, one4(1), 1).last
	}
	p.Middle, p.Heat, p.Regress, p.Offset, p.Features = named(1), named(3), named(6), named(6), named(5)
	p.Slack, p.Near = 1.5, make([]float32, 6*8)
	for i := range p.Near {
		p.Near[i] = 1 / (1 + float32(i%7))
	}
	return s.outputs(p.add(s.file)...)
}

// The decoder in plain Go and on the device: all of it is there, none of the maps comes back.
func TestDevicePerson(t *testing.T) {
	needDevice(t)
	for _, windows := range [][]Window{{{0, 6, 0, 8}, {1, 4, 2, 6}, {5, 6, 7, 8}}, nil} {
		t.Run(fmt.Sprint(len(windows)), func(t *testing.T) {
			build := func() *graphFile { return personNet(&Person{Windows: windows}) }
			onCPUAndDevice(t, build, 2e-5, true, randomTensor(rand.New(rand.NewPCG(9, 2)), -1, 1, 3, 3, 12, 16))
		})
	}
}

// What the decoder finds, on maps that leave no doubt.
func TestPersonIsFound(t *testing.T) {
	const points, h, w, area = 2, 4, 5, 20
	middle, heat, regress, offset := newValue(1, 1, h, w), newValue(1, points, h, w), newValue(1, 2*points, h, w), newValue(1, 2*points, h, w)
	for _, v := range []*value{middle, heat} {
		for i := range v.floats {
			v.floats[i] = -9
		}
	}
	near := newValue(area)
	for i := range near.floats {
		near.floats[i] = 1
	}
	near.floats[2] = .1
	middle.floats[2], middle.floats[8] = 3, 1         // the warmer one is where nobody should be
	regress.floats[8], regress.floats[area+8] = 1, -2 // the first point: row 2, column 1
	heat.floats[11], heat.floats[4] = 0, 1            // a warmer cell lies far away
	heat.floats[area+19] = 2                          // the second: expected at the middle itself, warm in the corner only
	offset.floats[11], offset.floats[area+11] = .25, .5
	offset.floats[2*area+19], offset.floats[3*area+19] = -.5, -1
	decoder := &node{op: opNamePerson, attrs: map[string]attribute{"slack": {f: .5}}}
	out, err := callOp(opPersonPoints, &opCall{node: decoder, in: []*value{middle, heat, regress, offset, near}})
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{1.5 / w, 2.25 / h, .5, 1. / w, 2. / h, 3. / w, 2.5 / h, 1 / (1 + math.Exp(-2)), 3. / w, 1. / h, 1 / (1 + math.Exp(-1))}
	for i, v := range want {
		if g := float64(out[0].floats[i]); math.Abs(g-v) > 1e-6 {
			t.Errorf("value %d is %v, want %v", i, g, v)
		}
	}
	if len(out[0].floats) != len(want) {
		t.Errorf("%d values", len(out[0].floats))
	}
	features := newValue(1, 2, 2, 3)
	for i := range features.floats {
		features.floats[i] = float32(i * i)
	}
	means := func(v ...int64) (*value, error) {
		out, err := callOp(opWindowMeans, &opCall{node: &node{op: opNameMeans, attrs: map[string]attribute{"windows": {ints: v}}}, in: []*value{features}})
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	m, err := means(0, 2, 0, 1, 1, 2, 1, 3)
	if err != nil || fmt.Sprint(m.shape, m.floats) != fmt.Sprint([]int{1, 2, 2}, []float32{4.5, 58.5, 20.5, 110.5}) {
		t.Errorf("means %v, %v", m, err)
	}
	for _, v := range [][]int64{{}, {0, 1, 0}, {0, 3, 0, 1}, {1, 1, 0, 1}, {0, 1, -1, 1}, {0, 1, 0, 4}} {
		if _, err := means(v...); !errors.Is(err, ErrMalformed) {
			t.Errorf("windows %v gave %v", v, err)
		}
	}
	if _, err := callOp(opPersonPoints, &opCall{node: decoder, in: []*value{middle, heat, regress, heat, near}}); !errors.Is(err, ErrMalformed) {
		t.Errorf("offsets of one channel a point gave %v", err)
	}
}

// MoveNet Thunder itself, on a small picture and its mirror image, one at a time so that two are under way: points and means on the device are those of the CPU.
func TestDevicePersonOfThunder(t *testing.T) {
	needDevice(t)
	for _, s := range storedNets(t) {
		if s.name != "movenet-thunder" {
			continue
		}
		onnx := cachedNet(t, s.name)
		shape := s.picture.Shape
		h, w := shape[2], shape[3]
		in := NewTensor(2, 3, h, w)
		for i := range in.Data {
			c, x := i%(3*h*w), i%w
			if i >= 3*h*w {
				c += w - 1 - 2*x
			}
			in.Data[i] = s.picture.Data[c]
		}
		p := &Person{Middle: "center_logit", Heat: "point_heatmap", Regress: "point_regress", Offset: "point_offset", Slack: 2.4, Near: make([]float32, h*w/16),
			Features: "StatefulPartitionedCall/center_net_mobile_net_v2fpn_feature_extractor/model_1/model/out_relu/Relu6", Windows: []Window{{0, h / 32, 0, w / 32}, {0, 1, 0, 2}}}
		for i := range p.Near {
			p.Near[i] = 1
		}
		var got [2][]Tensor
		for i, o := range []Options{{Threads: 2, Person: p}, {Threads: 2, Person: p, Device: "cuda", MaxBatch: 1}} {
			n, err := Load(onnx, o)
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			if got[i], err = n.Run(in); err != nil {
				t.Fatal(err)
			}
			if err := n.DeviceError(); err != nil {
				t.Error(err)
			}
		}
		for k, what := range []string{"points", "means"} {
			d := difference(t, got[1][k], got[0][k])
			t.Logf("%s of shape %v: %.2g of the largest value", what, got[1][k].Shape, d)
			if !(d <= 5e-4) {
				t.Errorf("%s differ by %.2g of the largest value", what, d)
			}
		}
	}
}
