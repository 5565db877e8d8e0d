package tfjs

import (
	"errors"
	"fmt"
)

// samePad is TensorFlow's SAME padding along one axis: the output has
// ceil(size/stride) places, and what is odd goes to the end.
func samePad(size, kernel, stride, dilation int) (before, after, out int) {
	out = (size + stride - 1) / stride
	total := max((out-1)*stride+(kernel-1)*dilation+1-size, 0)
	return total / 2, total - total/2, out
}

// window gives the pads (top, left, bottom, right) and output size of a
// sliding window over a map.
func window(n *node, x value, kh, kw, sh, sw, dh, dw int) (pads []int, h, w int, err error) {
	if sh < 1 || sw < 1 || dh < 1 || dw < 1 {
		return nil, 0, 0, fmt.Errorf("strides %d, %d, dilations %d, %d", sh, sw, dh, dw)
	}
	if x.h%sh != 0 || x.w%sw != 0 {
		return nil, 0, 0, fmt.Errorf("a map of %d x %d at stride %d: the spec's size is no multiple of all strides", x.w, x.h, sh)
	}
	switch p := n.text("padding"); p {
	case "SAME":
		top, bottom, oh := samePad(x.h, kh, sh, dh)
		left, right, ow := samePad(x.w, kw, sw, dw)
		return []int{top, left, bottom, right}, oh, ow, nil
	case "VALID":
		if kh == 1 && kw == 1 {
			return []int{0, 0, 0, 0}, x.h / sh, x.w / sw, nil
		}
		return nil, 0, 0, errors.New("VALID padding: the output is no fixed share of the input")
	default:
		return nil, 0, 0, fmt.Errorf("padding %q", p)
	}
}

// conv converts plain, depthwise and fused convolutions.
func (c *converter) conv(n *node, in []value) (value, error) {
	x, w := in[0], in[1].array
	if x.array != nil || w == nil || len(w.shape) != 4 {
		return value{}, errors.New("convolution without constant weights of 4 dimensions")
	}
	kh, kw, ci, last := w.shape[0], w.shape[1], w.shape[2], w.shape[3]
	if ci != x.c || kh < 1 || kw < 1 {
		return value{}, fmt.Errorf("weights %v over %d channels", w.shape, x.c)
	}
	depthwise := n.Op == "DepthwiseConv2dNative" || n.Op == "FusedDepthwiseConv2dNative"
	name, group, co, perIn := c.label(n), 1, last, ci
	if depthwise {
		group, co, perIn = ci, ci*last, 1
	}
	sh, sw := n.pair("strides")
	dh, dw := n.pair("dilations")
	pads, h, wd, err := window(n, x, kh, kw, sh, sw, dh, dw)
	if err != nil {
		return value{}, err
	}
	inputs := []string{x.name, c.out.tensor(name+"/weights", []int{co, perIn, kh, kw}, turnWeights(w, depthwise))}
	fused := n.fused()
	if len(fused) > 0 && fused[0] == "BiasAdd" {
		if len(in) < 3 || in[2].array == nil || len(in[2].array.data) != co {
			return value{}, errors.New("bias is missing or of the wrong length")
		}
		inputs = append(inputs, c.out.tensor(name+"/bias", []int{co}, in[2].array.data))
		fused = fused[1:]
	}
	convName := name
	if len(fused) > 0 {
		convName += "/conv"
	}
	out := value{c: co, h: h, w: wd}
	out.name = c.out.op("Conv", convName, inputs, attribute{"kernel_shape", []int{kh, kw}}, attribute{"strides", []int{sh, sw}},
		attribute{"dilations", []int{dh, dw}}, attribute{"pads", pads}, attribute{"group", group})
	switch {
	case len(fused) == 0:
	case len(fused) == 1 && fused[0] == "Relu":
		out.name = c.out.op("Relu", name, []string{out.name})
	case len(fused) == 1 && fused[0] == "Relu6":
		out = c.clip(out, name)
	default:
		return value{}, fmt.Errorf("fused ops %v", fused)
	}
	return out, nil
}

// turnWeights brings (kh, kw, in, out) to (out, in, kh, kw); depthwise
// (kh, kw, in, multiplier) to (in·multiplier, 1, kh, kw).
func turnWeights(w *array, depthwise bool) []float32 {
	kh, kw, ci, co := w.shape[0], w.shape[1], w.shape[2], w.shape[3]
	out := make([]float32, len(w.data))
	for y := range kh {
		for x := range kw {
			for i := range ci {
				for o := range co {
					at := o*ci + i
					if depthwise {
						at = i*co + o
					}
					out[(at*kh+y)*kw+x] = w.data[((y*kw+x)*ci+i)*co+o]
				}
			}
		}
	}
	return out
}

func (c *converter) pool(n *node, in []value) (value, error) {
	x := in[0]
	if x.array != nil {
		return value{}, errConst
	}
	kh, kw := n.pair("ksize")
	sh, sw := n.pair("strides")
	pads, h, w, err := window(n, x, kh, kw, sh, sw, 1, 1)
	if err != nil {
		return value{}, err
	}
	kind := map[string]string{"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[n.Op]
	x.name = c.out.op(kind, c.label(n), []string{x.name}, attribute{"kernel_shape", []int{kh, kw}}, attribute{"strides", []int{sh, sw}},
		attribute{"pads", pads})
	x.h, x.w = h, w
	return x, nil
}
