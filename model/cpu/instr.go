package cpu

/*
#include "engine.h"
*/
import "C"

// Op is what an instruction does.
type Op int

// The instructions; engine.h says what each reads.
const (
	Pack        Op = C.CL_PACK
	Unpack      Op = C.CL_UNPACK
	First       Op = C.CL_FIRST
	Conv        Op = C.CL_CONV
	Depthwise   Op = C.CL_DEPTHWISE
	Chain       Op = C.CL_CHAIN
	Clamp       Op = C.CL_CLAMP
	PRelu       Op = C.CL_PRELU
	Sigmoid     Op = C.CL_SIGMOID
	Add         Op = C.CL_ADD
	Scale       Op = C.CL_SCALE
	Affine      Op = C.CL_AFFINE
	MaxPool     Op = C.CL_MAX_POOL
	AveragePool Op = C.CL_AVERAGE_POOL
	GlobalPool  Op = C.CL_GLOBAL_POOL
	UpAdd       Op = C.CL_UPADD
	Resize      Op = C.CL_RESIZE
	Concat      Op = C.CL_CONCAT
	Transposed  Op = C.CL_TRANSPOSED
)

// Map is a feature map: its shape, its place in the arena and the floats one
// image of it takes. The zero Map is none.
type Map struct {
	C, H, W  int
	At, Size int64
}

// Instr is one instruction; see cl_instr in engine.h for the fields.
type Instr struct {
	Op             Op
	In, Out, Other Map
	Port           int
	KH, KW, Stride int
	Top, Left      int // padding
	Clamp          [2]float32

	// A chain's and a first layer's own parts.
	Clamp0, Clamp1 [2]float32
	FirstIsInput   bool
	Mirrored       bool // Weights0's channels come a second time, negated; a multiple of HalfBlock
	Pool           bool
	KH0, KW0       int
	Stride0        int
	Top0, Left0    int
	H0, W0         int
	Weights0       *Weights
	Weights        *Weights
	Kernel         Vector // depthwise
	Bias           Vector
	Slope, Shift   Vector
	HalfPixel      int
	AtChannel      int

	// A chain's head: a pointwise layer to HeadN planes of the output HeadPort. Head
	// makes the first channels, the others are dot products.
	HeadN, HeadPort int
	HeadSigmoid     bool
	HeadClamp       [2]float32
	Head            *Weights
	Dots, DotBias   Vector
}

// HeadChannels is how many channels a head can read.
const HeadChannels = C.CL_HEAD_BLOCKS * Block

func (m Map) fill(c *C.cl_map) {
	c.c, c.h, c.w, c.at, c.size = C.int(m.C), C.int(m.H), C.int(m.W), C.long(m.At), C.long(m.Size)
}

func (i Instr) fill(c *C.cl_instr) {
	c.op = C.int(i.Op)
	i.In.fill(&c.in)
	i.Out.fill(&c.out)
	i.Other.fill(&c.other)
	c.port = C.int(i.Port)
	c.kh, c.kw, c.s = C.int(i.KH), C.int(i.KW), C.int(max(1, i.Stride))
	c.pt, c.pl = C.int(i.Top), C.int(i.Left)
	c.lo, c.hi = C.float(i.Clamp[0]), C.float(i.Clamp[1])
	c.lo0, c.hi0 = C.float(i.Clamp0[0]), C.float(i.Clamp0[1])
	c.lo1, c.hi1 = C.float(i.Clamp1[0]), C.float(i.Clamp1[1])
	if i.FirstIsInput {
		c.first_is_input = 1
	}
	if i.Mirrored {
		c.mirrored = 1
	}
	if i.Pool {
		c.pool = 1
	}
	c.kh0, c.kw0, c.s0 = C.int(i.KH0), C.int(i.KW0), C.int(max(1, i.Stride0))
	c.pt0, c.pl0, c.h0, c.w0 = C.int(i.Top0), C.int(i.Left0), C.int(i.H0), C.int(i.W0)
	if i.Weights0 != nil {
		c.w0s = i.Weights0.c
	}
	if i.Weights != nil {
		c.ws = i.Weights.c
	}
	c.dw, c.dbias = i.Kernel.c, i.Bias.c
	c.vec, c.vec2 = i.Slope.c, i.Shift.c
	c.half_pixel, c.at_channel = C.int(i.HalfPixel), C.int(i.AtChannel)
	c.head_n, c.head_port = C.int(i.HeadN), C.int(i.HeadPort)
	if i.HeadSigmoid {
		c.head_sigmoid = 1
	}
	c.lo2, c.hi2 = C.float(i.HeadClamp[0]), C.float(i.HeadClamp[1])
	if i.Head != nil {
		c.wh = i.Head.c
	}
	c.dots, c.dot_bias = i.Dots.c, i.DotBias.c
}
