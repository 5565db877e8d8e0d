package tfjs

import (
	"errors"
	"fmt"
)

// opBuilder converts one kind of op that needs at least so many inputs.
type opBuilder struct {
	inputs int
	build  func(c *converter, n *node, in []value) (value, error)
}

var ops map[string]opBuilder

func init() {
	same := func(kind string) opBuilder {
		return opBuilder{1, func(c *converter, n *node, in []value) (value, error) { return c.unary(kind, n, in[0]) }}
	}
	pass := opBuilder{1, func(_ *converter, _ *node, in []value) (value, error) { return in[0], nil }}
	binary := func(kind string) opBuilder {
		return opBuilder{2, func(c *converter, n *node, in []value) (value, error) { return c.binary(kind, n, in[0], in[1]) }}
	}
	ops = map[string]opBuilder{
		"Identity": pass, "StopGradient": pass, "Cast": pass,
		"Relu": same("Relu"), "Sigmoid": same("Sigmoid"), "Neg": same("Neg"),
		"Add": binary("Add"), "AddV2": binary("Add"), "BiasAdd": binary("Add"), "Sub": binary("Sub"), "Mul": binary("Mul"),
		"Relu6":                      {1, func(c *converter, n *node, in []value) (value, error) { return c.clip(in[0], c.label(n)), nil }},
		"Conv2D":                     {2, (*converter).conv},
		"_FusedConv2D":               {2, (*converter).conv},
		"DepthwiseConv2dNative":      {2, (*converter).conv},
		"FusedDepthwiseConv2dNative": {2, (*converter).conv},
		"MaxPool":                    {1, (*converter).pool},
		"AvgPool":                    {1, (*converter).pool},
		"ConcatV2":                   {2, (*converter).concat},
		"ResizeBilinear":             {2, (*converter).resize},
		"Shape":                      {1, (*converter).shape},
		"StridedSlice":               {4, (*converter).slice},
	}
}

var errConst = errors.New("a constant stands where a map is wanted")

func (c *converter) unary(kind string, n *node, in value) (value, error) {
	if in.array != nil {
		return value{}, errConst
	}
	in.name = c.out.op(kind, c.label(n), []string{in.name})
	return in, nil
}

// clip is Relu6; its bounds are scalars so that engines can fuse it.
func (c *converter) clip(in value, name string) value {
	lo, hi := c.out.tensor(name+"/min", nil, []float32{0}), c.out.tensor(name+"/max", nil, []float32{6})
	in.name = c.out.op("Clip", name, []string{in.name, lo, hi})
	return in
}

// binary joins two maps, a map and a constant over its channels (a scalar or
// the last dimension), or two constants of a shape's arithmetic.
func (c *converter) binary(kind string, n *node, a, b value) (value, error) {
	if a.array != nil && b.array != nil {
		return foldBinary(kind, a.array, b.array)
	}
	name, out := c.label(n), a
	if a.array != nil {
		out = b
	}
	operand := func(v value, suffix string) (string, error) {
		if v.array == nil {
			if v.c != out.c || v.h != out.h || v.w != out.w {
				return "", fmt.Errorf("%s of (%d, %d, %d) and (%d, %d, %d)", kind, a.c, a.h, a.w, b.c, b.h, b.w)
			}
			return v.name, nil
		}
		if k := len(v.array.data); k != 1 && k != out.c {
			return "", fmt.Errorf("%s with a constant of shape %v over %d channels", kind, v.array.shape, out.c)
		}
		return c.out.tensor(name+suffix, []int{1, len(v.array.data), 1, 1}, v.array.data), nil
	}
	x, err := operand(a, "/a")
	if err != nil {
		return value{}, err
	}
	y, err := operand(b, "/b")
	if err != nil {
		return value{}, err
	}
	out.name = c.out.op(kind, name, []string{x, y})
	return out, nil
}

func foldBinary(kind string, a, b *array) (value, error) {
	long, one := a, b
	if len(a.data) == 1 {
		long, one = b, a
	}
	if len(one.data) != 1 && len(one.data) != len(long.data) {
		return value{}, fmt.Errorf("%s of constants %v and %v", kind, a.shape, b.shape)
	}
	out := array{shape: long.shape, data: make([]float32, len(long.data))}
	for i := range out.data {
		x, y := a.data[i%len(a.data)], b.data[i%len(b.data)]
		switch kind {
		case "Add":
			out.data[i] = x + y
		case "Sub":
			out.data[i] = x - y
		case "Mul":
			out.data[i] = x * y
		}
	}
	return value{array: &out}, nil
}

func (c *converter) concat(n *node, in []value) (value, error) {
	axis := in[len(in)-1].array
	if axis == nil || len(axis.data) != 1 || (axis.data[0] != 3 && axis.data[0] != -1) {
		return value{}, errors.New("concat along anything but the channels")
	}
	out := in[0]
	out.c = 0
	var names []string
	for _, v := range in[:len(in)-1] {
		if v.array != nil || v.h != out.h || v.w != out.w {
			return value{}, errors.New("concat of maps that do not fit")
		}
		out.c += v.c
		names = append(names, v.name)
	}
	out.name = c.out.op("Concat", c.label(n), names, attribute{"axis", 1})
	return out, nil
}

// resize keeps the ratio that the size has at the spec's size.
func (c *converter) resize(n *node, in []value) (value, error) {
	x, size := in[0], in[1].array
	if x.array != nil || size == nil || len(size.data) != 2 {
		return value{}, errors.New("resize to a size that is not constant")
	}
	h, w := int(size.data[0]), int(size.data[1])
	if h%x.h != 0 || w%x.w != 0 || h < x.h || w < x.w {
		return value{}, fmt.Errorf("resize from %d x %d to %d x %d is no whole factor", x.w, x.h, w, h)
	}
	mode := "asymmetric"
	switch {
	case n.Attr["align_corners"].B:
		mode = "align_corners"
	case n.Attr["half_pixel_centers"].B:
		mode = "half_pixel"
	}
	name := c.label(n)
	none := c.out.tensor(name+"/roi", []int{0}, nil)
	scales := c.out.tensor(name+"/scales", []int{4}, []float32{1, 1, float32(h / x.h), float32(w / x.w)})
	x.name = c.out.op("Resize", name, []string{x.name, none, scales},
		attribute{"mode", "linear"}, attribute{"coordinate_transformation_mode", mode})
	x.h, x.w = h, w
	return x, nil
}

// shape is the map's (N, H, W, C) at the spec's size.
func (c *converter) shape(_ *node, in []value) (value, error) {
	if in[0].array != nil {
		return value{}, errConst
	}
	x := in[0]
	return value{array: &array{shape: []int{4}, data: []float32{1, float32(x.h), float32(x.w), float32(x.c)}}}, nil
}

// slice takes data[begin:end] of a constant of one dimension.
func (c *converter) slice(_ *node, in []value) (value, error) {
	for _, v := range in[:4] {
		if v.array == nil || len(v.array.shape) != 1 {
			return value{}, errors.New("slice of anything but a shape")
		}
	}
	data := in[0].array.data
	if len(in[1].array.data) != 1 || len(in[2].array.data) != 1 || len(in[3].array.data) != 1 || in[3].array.data[0] != 1 {
		return value{}, errors.New("slice with a stride")
	}
	from, to := int(in[1].array.data[0]), int(in[2].array.data[0])
	if from < 0 || to > len(data) || from > to {
		return value{}, fmt.Errorf("slice [%d:%d] of %d", from, to, len(data))
	}
	return value{array: &array{shape: []int{to - from}, data: data[from:to]}}, nil
}
