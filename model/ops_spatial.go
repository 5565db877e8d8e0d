package model

import (
	"fmt"
	"math"
)

// window is how a kernel moves over a map: its size, steps and padding.
type window struct {
	kh, kw, sh, sw, dh, dw   int
	top, left, bottom, right int
}

// windowOf reads the attributes of a convolution or pooling over h x w.
func windowOf(n *node, kh, kw, h, w int) (window, error) {
	st, di, pads := n.ints("strides", 1, 1), n.ints("dilations", 1, 1), n.ints("pads", 0, 0, 0, 0)
	if len(st) != 2 || len(di) != 2 || len(pads) != 4 || kh < 1 || kw < 1 {
		return window{}, fmt.Errorf("a kernel that is not two-dimensional: %w", ErrUnsupported)
	}
	for _, v := range append(append(append([]int64{}, st...), di...), pads[0]+1, pads[1]+1, pads[2]+1, pads[3]+1) {
		if v < 1 || v > 1<<14 {
			return window{}, fmt.Errorf("%w: strides %v, dilations %v, pads %v", ErrMalformed, st, di, pads)
		}
	}
	win := window{kh, kw, int(st[0]), int(st[1]), int(di[0]), int(di[1]), int(pads[0]), int(pads[1]), int(pads[2]), int(pads[3])}
	if auto := n.str("auto_pad", "NOTSET"); auto == "SAME_UPPER" || auto == "SAME_LOWER" {
		lower := auto == "SAME_LOWER"
		win.top, win.bottom = samePad(h, kh, win.sh, win.dh, lower)
		win.left, win.right = samePad(w, kw, win.sw, win.dw, lower)
	} else if auto == "VALID" {
		win.top, win.left, win.bottom, win.right = 0, 0, 0, 0
	}
	return win, nil
}

func samePad(size, k, s, d int, lower bool) (before, after int) {
	total := max(((size+s-1)/s-1)*s+(k-1)*d+1-size, 0)
	if before = total / 2; lower {
		before = total - before
	}
	return before, total - before
}

// size is the output's height and width.
func (win window) size(h, w int) (int, int) {
	oh := (h+win.top+win.bottom-(win.kh-1)*win.dh-1)/win.sh + 1
	ow := (w+win.left+win.right-(win.kw-1)*win.dw-1)/win.sw + 1
	if h+win.top+win.bottom < (win.kh-1)*win.dh+1 || w+win.left+win.right < (win.kw-1)*win.dw+1 {
		panic(fmt.Sprintf("a kernel of %dx%d over %dx%d", win.kh, win.kw, h, w))
	}
	return oh, ow
}

func opConv(c *opCall) ([]*value, error) {
	in, w := c.in[0], c.in[1]
	if len(in.shape) != 4 || len(w.shape) != 4 {
		return nil, fmt.Errorf("convolution over %d dimensions: %w", len(in.shape)-2, ErrUnsupported)
	}
	win, err := windowOf(c.node, w.shape[2], w.shape[3], in.shape[2], in.shape[3])
	if err != nil {
		return nil, err
	}
	groups := int(c.node.int("group", 1))
	h, wd := in.shape[2], in.shape[3]
	oh, ow := win.size(h, wd)
	cout, cg := w.shape[0], w.shape[1]
	if groups < 1 || cg*groups != in.shape[1] || cout%groups != 0 {
		panic(fmt.Sprintf("%d groups over %v with weights %v", groups, in.shape, w.shape))
	}
	out := newValue(in.shape[0], cout, oh, ow)
	c.do(func() {
		for n := range in.shape[0] {
			for o := range cout {
				plane := out.floats[(n*cout+o)*oh*ow:][:oh*ow]
				startPlane(plane, c.input(2), o)
				for q := range cg {
					src := in.floats[(n*in.shape[1]+o/(cout/groups)*cg+q)*h*wd:][:h*wd]
					convPlane(plane, src, w.floats[(o*cg+q)*win.kh*win.kw:], win, h, wd, oh, ow)
				}
			}
		}
	})
	return one(out)
}

// startPlane fills an output plane with its channel's bias, where there are biases.
func startPlane(plane []float32, biases *value, channel int) {
	start := float32(0)
	if biases != nil {
		start = biases.floats[channel]
	}
	for i := range plane {
		plane[i] = start
	}
}

// convPlane adds one input plane's part to one output plane.
func convPlane(out, in, w []float32, win window, h, wd, oh, ow int) {
	for ky := range win.kh {
		for kx := range win.kw {
			k := w[ky*win.kw+kx]
			for y := range oh {
				iy := y*win.sh - win.top + ky*win.dh
				if iy < 0 || iy >= h {
					continue
				}
				row := in[iy*wd : (iy+1)*wd]
				for x := range ow {
					if ix := x*win.sw - win.left + kx*win.dw; ix >= 0 && ix < wd {
						out[y*ow+x] += k * row[ix]
					}
				}
			}
		}
	}
}

func opConvTranspose(c *opCall) ([]*value, error) {
	in, w := c.in[0], c.in[1]
	win, err := windowOf(c.node, w.shape[2], w.shape[3], in.shape[2], in.shape[3])
	if err != nil {
		return nil, err
	}
	if c.node.int("group", 1) != 1 {
		return nil, fmt.Errorf("grouped transposed convolution: %w", ErrUnsupported)
	}
	extra := c.node.ints("output_padding", 0, 0)
	h, wd, cin, cout := in.shape[2], in.shape[3], in.shape[1], w.shape[1]
	oh := (h-1)*win.sh - win.top - win.bottom + (win.kh-1)*win.dh + 1 + int(extra[0])
	ow := (wd-1)*win.sw - win.left - win.right + (win.kw-1)*win.dw + 1 + int(extra[1])
	out := newValue(in.shape[0], cout, oh, ow)
	c.do(func() {
		for n := range in.shape[0] {
			for o := range cout {
				plane := out.floats[(n*cout+o)*oh*ow:][:oh*ow]
				startPlane(plane, c.input(2), o)
				for q := range cin {
					src := in.floats[(n*cin+q)*h*wd:][:h*wd]
					k := w.floats[(q*cout+o)*win.kh*win.kw:]
					for i, x := range src {
						for j := range win.kh * win.kw {
							y, z := i/wd*win.sh-win.top+j/win.kw*win.dh, i%wd*win.sw-win.left+j%win.kw*win.dw
							if y >= 0 && y < oh && z >= 0 && z < ow {
								plane[y*ow+z] += x * k[j]
							}
						}
					}
				}
			}
		}
	})
	return one(out)
}

// opPool is MaxPool and AveragePool.
func opPool(c *opCall) ([]*value, error) {
	in, k := c.in[0], c.node.ints("kernel_shape")
	if len(k) != 2 || len(in.shape) != 4 || c.node.int("ceil_mode", 0) != 0 {
		return nil, fmt.Errorf("pooling with kernel %v over %v, or rounding up: %w", k, in.shape, ErrUnsupported)
	}
	win, err := windowOf(c.node, int(k[0]), int(k[1]), in.shape[2], in.shape[3])
	if err != nil {
		return nil, err
	}
	h, w := in.shape[2], in.shape[3]
	oh, ow := win.size(h, w)
	out := newValue(in.shape[0], in.shape[1], oh, ow)
	c.do(func() {
		for p := range in.shape[0] * in.shape[1] {
			src, dst := in.floats[p*h*w:][:h*w], out.floats[p*oh*ow:][:oh*ow]
			for i := range dst {
				dst[i] = poolOne(c.node, src, win, i/ow, i%ow, h, w)
			}
		}
	})
	return one(out)
}

func poolOne(n *node, src []float32, win window, y, x, h, w int) float32 {
	most, sum, seen := math.Inf(-1), 0.0, 0
	for j := range win.kh * win.kw {
		iy, ix := y*win.sh-win.top+j/win.kw*win.dh, x*win.sw-win.left+j%win.kw*win.dw
		if iy < 0 || iy >= h || ix < 0 || ix >= w {
			continue
		}
		v := float64(src[iy*w+ix])
		most, sum, seen = math.Max(most, v), sum+v, seen+1
	}
	if n.op == "MaxPool" {
		return float32(most)
	}
	if n.int("count_include_pad", 0) != 0 {
		seen = win.kh * win.kw
	}
	return float32(sum / float64(max(1, seen)))
}

func globalPool(c *opCall, f func(plane []float32) float64) ([]*value, error) {
	in := c.in[0]
	inner := count(in.shape[2:])
	shape := append([]int{in.shape[0], in.shape[1]}, make([]int, len(in.shape)-2)...)
	for i := range in.shape[2:] {
		shape[2+i] = 1
	}
	out := newValue(shape...)
	c.do(func() {
		for i := range out.floats {
			out.floats[i] = float32(f(in.floats[i*inner : (i+1)*inner]))
		}
	})
	return one(out)
}

func opGlobalAveragePool(c *opCall) ([]*value, error) {
	return globalPool(c, func(plane []float32) float64 {
		sum := 0.0
		for _, x := range plane {
			sum += float64(x)
		}
		return sum / float64(len(plane))
	})
}

func opGlobalMaxPool(c *opCall) ([]*value, error) {
	return globalPool(c, func(plane []float32) float64 {
		most := math.Inf(-1)
		for _, x := range plane {
			most = math.Max(most, float64(x))
		}
		return most
	})
}

// opResize is Resize (linear or nearest) and the older Upsample, over the last
// two axes.
func opResize(c *opCall) ([]*value, error) {
	in := c.in[0]
	oh, ow, err := resizeSize(c, in.shape)
	if err != nil {
		return nil, err
	}
	mode, transform := c.node.str("mode", "nearest"), c.node.str("coordinate_transformation_mode", "half_pixel")
	if c.node.op == "Upsample" || c.opset < 11 {
		transform = "asymmetric"
	}
	h, w := in.shape[2], in.shape[3]
	out := newValue(in.shape[0], in.shape[1], oh, ow)
	c.do(func() {
		for p := range in.shape[0] * in.shape[1] {
			src, dst := in.floats[p*h*w:][:h*w], out.floats[p*oh*ow:][:oh*ow]
			for i := range dst {
				y, x := resizeSource(i/ow, h, oh, transform), resizeSource(i%ow, w, ow, transform)
				if mode == "nearest" {
					dst[i] = src[nearest(y, h, c.node)*w+nearest(x, w, c.node)]
					continue
				}
				y, x = min(max(y, 0), float64(h-1)), min(max(x, 0), float64(w-1))
				y0, x0 := int(y), int(x)
				y1, x1 := min(y0+1, h-1), min(x0+1, w-1)
				fy, fx := y-float64(y0), x-float64(x0)
				dst[i] = float32((float64(src[y0*w+x0])*(1-fx)+float64(src[y0*w+x1])*fx)*(1-fy) + (float64(src[y1*w+x0])*(1-fx)+float64(src[y1*w+x1])*fx)*fy)
			}
		}
	})
	return one(out)
}

// resizeSize is the output's height and width, from sizes or scales.
func resizeSize(c *opCall, shape []int) (int, int, error) {
	if len(shape) != 4 {
		return 0, 0, fmt.Errorf("resizing %d dimensions: %w", len(shape), ErrUnsupported)
	}
	if mode := c.node.str("mode", "nearest"); mode != "nearest" && mode != "linear" {
		return 0, 0, fmt.Errorf("resizing by %s: %w", mode, ErrUnsupported)
	}
	if v := c.input(3); v != nil && len(v.ints) == 4 {
		return int(v.ints[2]), int(v.ints[3]), nil
	}
	scales := c.node.attrs["scales"].floats
	for _, i := range []int{1, 2} { // Upsample has them second, Resize third (second before opset 11)
		if v := c.input(i); v != nil && len(v.floats) == 4 {
			scales = v.floats
		}
	}
	if len(scales) != 4 || scales[0] != 1 || scales[1] != 1 || !(scales[2] > 0) || !(scales[3] > 0) || scales[2] > 64 || scales[3] > 64 {
		return 0, 0, fmt.Errorf("resizing by %v: %w", scales, ErrUnsupported)
	}
	return int(float64(shape[2]) * float64(scales[2])), int(float64(shape[3]) * float64(scales[3])), nil
}

func resizeSource(i, in, out int, transform string) float64 {
	switch {
	case transform == "align_corners" && out > 1:
		return float64(i) * float64(in-1) / float64(out-1)
	case transform == "asymmetric":
		return float64(i) * float64(in) / float64(out)
	default:
		return (float64(i)+.5)*float64(in)/float64(out) - .5
	}
}

func nearest(x float64, size int, n *node) int {
	switch n.str("nearest_mode", "round_prefer_floor") {
	case "floor":
		x = math.Floor(x)
	case "ceil":
		x = math.Ceil(x)
	case "round_prefer_ceil":
		x = math.Floor(x + .5)
	default:
		x = math.Ceil(x - .5)
	}
	if n.op == "Upsample" {
		x = math.Floor(x)
	}
	return int(min(max(x, 0), float64(size-1)))
}
