package exec

import (
	"fmt"
	"slices"
)

// Window is how a kernel moves over a map.
type Window struct {
	KH, KW, SH, SW, DH, DW int
	Top, Left              int // padding
}

// Conv is a convolution with everything that is done in the same pass. X (N, C, h, w),
// W (O, C/groups, kh, kw), Bias (O), Residual like Y (N, O, oh, ow).
type Conv struct {
	X, W, Bias, Residual, Y int
	Window                  Window
	Groups                  int
	Clamp                   Clamp
}

func (c *Conv) reads() []int { return []int{c.X, c.W, c.Bias, c.Residual} }
func (c *Conv) writes() int  { return c.Y }

// depth is the kernels' DEPTH: how many steps of the sum a tile computes at once.
const depth = 16

// rowsOf picks the tile's height for a number of output channels: the least work, the
// larger tile where it costs no more than an eighth.
func rowsOf(m int) int {
	best := 64
	for _, rows := range []int{32, 16} {
		if ceil(m, rows)*rows*9 < ceil(m, best)*best*8 {
			best = rows
		}
	}
	return best
}

func (c *Conv) emit(b *builder) error {
	x, w, y := b.shape(c.X), b.shape(c.W), b.shape(c.Y)
	if b.program.Tensors[c.W].Constant == nil {
		return fmt.Errorf("a convolution whose weights are no constant")
	}
	lo, hi := c.Clamp.limits()
	win := c.Window
	if c.Groups == x[1] && w[1] == 1 && y[1] == x[1] && c.Residual == None {
		grid := [3]int{x[0] * x[1], ceil(y[2]*y[3], 128), 1}
		if win.KH == 3 && win.KW == 3 && win.DH == 1 && win.DW == 1 {
			b.launch("depthwise_3x3", grid, 128, b.at(c.X), b.at(c.W), b.at(c.Bias), b.at(c.Y), x[1], x[2], x[3], y[2], y[3], win.SH, win.SW, win.Top, win.Left, lo, hi)
			return nil
		}
		b.launch("depthwise", grid, 128, b.at(c.X), b.at(c.W), b.at(c.Bias), b.at(c.Y), x[1], x[2], x[3], y[2], y[3], win.KH, win.KW, win.SH, win.SW, win.DH, win.DW,
			win.Top, win.Left, lo, hi)
		return nil
	}
	m, k := w[0]/c.Groups, w[1]*w[2]*w[3]
	rows := rowsOf(m)
	kpad, mpad := ceil(k, depth)*depth, ceil(m, rows)*rows
	weights, err := b.net.weights(b.program.Tensors[c.W].Constant, c.Groups, m, k, mpad, kpad)
	if err != nil {
		return err
	}
	area, pixels := y[2]*y[3], x[0]*y[2]*y[3]
	grid := [3]int{ceil(pixels, 4096/rows), mpad / rows, c.Groups}
	if c.pointwise(x, y) {
		b.launch(fmt.Sprintf("pointwise_%d", rows), grid, 256, b.at(c.X), weights, b.at(c.Bias), b.at(c.Residual), b.at(c.Y), m, mpad, k, kpad, pixels, area, lo, hi)
		return nil
	}
	taps, err := b.net.ints(fmt.Sprint("taps", win, x[1:], w[1:], kpad), func() []int32 { return tapsOf(win, x, w, kpad) })
	if err != nil {
		return err
	}
	b.launch(fmt.Sprintf("conv_%d", rows), grid, 256, b.at(c.X), weights, taps, b.at(c.Bias), b.at(c.Residual), b.at(c.Y), m, mpad, kpad, pixels, area, y[3],
		count(x[1:]), w[1]*x[2]*x[3], x[2], x[3], win.SH, win.SW, win.Top, win.Left, lo, hi)
	return nil
}

// pointwise: the picture as it lies in memory is the right side of a product.
func (c *Conv) pointwise(x, y []int) bool {
	w := c.Window
	return w.KH == 1 && w.KW == 1 && w.SH == 1 && w.SW == 1 && w.Top == 0 && w.Left == 0 && c.Groups == 1 && x[2]*x[3]%4 == 0 && slices.Equal(x[2:], y[2:])
}

// outside is a row outside every picture, for padding taps.
const outside = 1 << 14

// tapsOf gives, for each k = (c, ky, kx), its offset in a picture and its place in the window.
func tapsOf(win Window, x, w []int, kpad int) []int32 {
	taps := make([]int32, 0, 2*kpad)
	for c := range w[1] {
		for a := range w[2] {
			for b := range w[3] {
				taps = append(taps, int32((c*x[2]+a*win.DH)*x[3]+b*win.DW), int32(a*win.DH<<16|b*win.DW))
			}
		}
	}
	for len(taps) < 2*kpad {
		taps = append(taps, 0, outside<<16)
	}
	return taps
}

// packWeights turns (groups·m, k) into (groups, kpad, mpad), padded with zeros.
func packWeights(w []float32, groups, m, k, mpad, kpad int) []float32 {
	out := make([]float32, groups*kpad*mpad)
	for g := range groups {
		for o := range m {
			for i := range k {
				out[(g*kpad+i)*mpad+o] = w[(g*m+o)*k+i]
			}
		}
	}
	return out
}

// ConvTranspose is a transposed convolution. X (N, C, h, w), W (C, O, kh, kw), Bias (O),
// Y (N, O, oh, ow). It is the gather the other way round: each result takes the
// inputs whose window touched it.
type ConvTranspose struct {
	X, W, Bias, Y int
	Window        Window
	Clamp         Clamp
}

func (c *ConvTranspose) reads() []int { return []int{c.X, c.W, c.Bias} }
func (c *ConvTranspose) writes() int  { return c.Y }

func (c *ConvTranspose) emit(b *builder) error {
	x, w, y := b.shape(c.X), b.shape(c.W), b.shape(c.Y)
	lo, hi := c.Clamp.limits()
	win := c.Window
	b.launch("conv_transpose", [3]int{y[0] * y[1], ceil(y[2]*y[3], 128), 1}, 128, b.at(c.X), b.at(c.W), b.at(c.Bias), b.at(c.Y), x[1], w[1], x[2], x[3], y[2], y[3],
		win.KH, win.KW, win.SH, win.SW, win.DH, win.DW, win.Top, win.Left, lo, hi)
	return nil
}
