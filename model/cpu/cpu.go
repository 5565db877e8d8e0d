// Package cpu runs programs of neural-network instructions on the CPU: C kernels
// with run-time dispatch (AVX-512, AVX2, SSE2, NEON), feature maps in blocks of
// 16 channels, fused chains in strips that stay in the second-level cache, one
// cgo call per program. Package model compiles the programs.
package cpu

/*
#cgo CFLAGS: -O3 -Wall
#cgo LDFLAGS: -lm -lpthread
#include <stdlib.h>
#include "engine.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"unsafe"
)

// ErrNoMemory is returned when the engine's C side cannot allocate.
var ErrNoMemory = errors.New("cpu engine: out of memory")

// Block is how many channels are stored together in a feature map.
const Block = 16

// HalfBlock is the unit for the width of a panel of weights.
const HalfBlock = C.CL_HALF

// Blocks is the number of blocks that hold the channels.
func Blocks(channels int) int { return (channels + Block - 1) / Block }

// Kernels are the kernels of one instruction set.
type Kernels struct{ c *C.struct_cl_kernels }

// ForISA gives the kernels for "zen4" (AVX-512 with the matrix products of convolutions in assembler, faster on AMD), "avx512",
// "avx2" or "base"; "" means the best for this machine. An instruction set that the machine lacks is an error.
func ForISA(isa string) (Kernels, error) {
	name := C.CString(isa)
	defer C.free(unsafe.Pointer(name))
	k := C.cl_kernels_for(name)
	if k == nil {
		return Kernels{}, fmt.Errorf("cpu engine: this machine has no %q kernels", isa)
	}
	return Kernels{k}, nil
}

// Name is the instruction set's name.
func (k Kernels) Name() string { return C.GoString(k.c.name) }

// MatMul adds a (rows, inner) times b (inner, columns) to out (rows, columns), all row-major, on the caller's
// thread. It is false, and does nothing, for the zero Kernels and for empty
// matrices.
func (k Kernels) MatMul(a, b, out []float32, rows, inner, columns int) bool {
	if k.c == nil || rows*inner*columns == 0 {
		return false
	}
	_, _, _ = a[rows*inner-1], b[inner*columns-1], out[rows*columns-1]
	C.cl_matmul(k.c, floats(a), floats(b), floats(out), C.int(rows), C.int(inner), C.int(columns))
	return true
}

// Matrix is a constant second factor, in the order in which MatMulPacked reads it.
type Matrix struct {
	inner, columns int
	panels         []float32
}

// PackMatrix copies b (inner, columns), row-major.
func (k Kernels) PackMatrix(b []float32, inner, columns int) *Matrix {
	wide := int(k.c.matmul_columns)
	m := &Matrix{inner: inner, columns: columns, panels: make([]float32, (columns+wide-1)/wide*wide*inner)}
	for c := 0; c < columns; c += wide {
		panel := m.panels[c*inner:]
		for i := range inner {
			copy(panel[i*wide:(i+1)*wide], b[i*columns+c:i*columns+min(c+wide, columns)])
		}
	}
	return m
}

// MatMulPacked is MatMul with a matrix packed by the same kernels.
func (k Kernels) MatMulPacked(a []float32, b *Matrix, out []float32, rows int) {
	if rows*b.inner*b.columns == 0 {
		return
	}
	_, _ = a[rows*b.inner-1], out[rows*b.columns-1]
	C.cl_matmul_packed(k.c, floats(a), floats(b.panels), floats(out), C.int(rows), C.int(b.inner), C.int(b.columns))
}

// ISAs are the kernels that this machine can run, best first.
func ISAs() []string {
	var names []string
	for _, isa := range []string{"", "zen4", "avx512", "avx2", "base"} {
		if k, err := ForISA(isa); err == nil && !slices.Contains(names, k.Name()) {
			names = append(names, k.Name())
		}
	}
	return names
}

// Weights of one convolution in C memory, packed for one instruction set.
type Weights struct{ c *C.cl_weights }

// NewWeights packs w, which is (cout, k) row-major, and bias (cout, or nil).
func NewWeights(kernels Kernels, cout, k int, w, bias []float32) (*Weights, error) {
	if len(w) != cout*k || (bias != nil && len(bias) != cout) {
		return nil, fmt.Errorf("cpu engine: %d weights and %d biases for %d outputs of %d inputs", len(w), len(bias), cout, k)
	}
	p := C.cl_weights_new(kernels.c, C.int(cout), C.int(k), floats(w), floats(bias))
	if p == nil {
		return nil, ErrNoMemory
	}
	return &Weights{p}, nil
}

// Free gives the memory back; nil is allowed.
func (w *Weights) Free() {
	if w != nil && w.c != nil {
		C.cl_weights_free(w.c)
		w.c = nil
	}
}

// Vector is a run of floats in C memory, zero-padded to whole blocks.
type Vector struct{ c *C.float }

// NewVector copies v.
func NewVector(v []float32) (Vector, error) {
	n := Blocks(len(v)) * Block
	p := C.cl_vector(C.long(n))
	if p == nil {
		return Vector{}, ErrNoMemory
	}
	copy(unsafe.Slice((*float32)(unsafe.Pointer(p)), n), v)
	return Vector{p}, nil
}

// Free gives the memory back.
func (v *Vector) Free() {
	C.cl_vector_free(v.c)
	v.c = nil
}

// floats is the address of the first element, nil for an empty slice.
func floats(v []float32) *C.float {
	return (*C.float)(unsafe.Pointer(unsafe.SliceData(v)))
}

// Pool is a set of threads that work on one program at a time.
type Pool struct {
	c       *C.cl_pool
	threads int
}

// NewPool starts threads-1 workers; the caller of a run is the last.
func NewPool(threads int) (*Pool, error) {
	p := C.cl_pool_new(C.int(max(1, threads)))
	if p == nil {
		return nil, ErrNoMemory
	}
	return &Pool{p, max(1, threads)}, nil
}

// Threads is how many threads work on a program, the caller's included.
func (p *Pool) Threads() int { return p.threads }

// Free ends the workers.
func (p *Pool) Free() {
	if p != nil && p.c != nil {
		C.cl_pool_free(p.c)
		p.c = nil
	}
}

// LiveBytes is what the engine's C side has allocated and not freed.
func LiveBytes() int64 { return int64(C.cl_live_bytes()) }

// FailAllocation makes the n-th C allocation from now fail (0: none), and says
// whether the one of the last call did. For tests.
func FailAllocation(n int) (failed bool) { return C.cl_fail_allocation(C.long(n)) == 0 }

// Program is a list of instructions with the memory to run them.
type Program struct {
	c          *C.cl_program
	inputs     []int
	outputs    []int
	ports      []*C.float // the pinned inputs, then outputs, of the last run
	sizes      []C.long   // floats per image in each
	pin        runtime.Pinner
	operations int
}

// Code is what a Program is made from.
type Code struct {
	Instrs  []Instr
	Group   int   // images that are processed together
	Arena   int64 // floats that the maps of a group take
	Inputs  []int // floats per image, by port
	Outputs []int // likewise
}

// NewProgram makes a program that runs on the pool's threads. Free it after use.
func NewProgram(kernels Kernels, pool *Pool, code Code) (*Program, error) {
	size := C.size_t(unsafe.Sizeof(C.cl_instr{}))
	list := C.calloc(C.size_t(max(1, len(code.Instrs))), size)
	if list == nil {
		return nil, ErrNoMemory
	}
	defer C.free(list)
	planned := unsafe.Slice((*C.cl_instr)(list), len(code.Instrs))
	for i := range code.Instrs {
		code.Instrs[i].fill(&planned[i])
	}
	c := C.cl_program_new(kernels.c, pool.c, C.int(pool.threads), (*C.cl_instr)(list), C.int(len(code.Instrs)), C.long(code.Arena), C.int(code.Group))
	if c == nil {
		return nil, ErrNoMemory
	}
	p := &Program{c: c, inputs: code.Inputs, outputs: code.Outputs, operations: len(code.Instrs), ports: make([]*C.float, len(code.Inputs)+len(code.Outputs)+1)}
	for _, n := range slices.Concat(code.Inputs, code.Outputs) {
		p.sizes = append(p.sizes, C.long(n))
	}
	p.sizes = append(p.sizes, 0)             // so that &sizes[0] exists
	runtime.SetFinalizer(p, (*Program).Free) // for a program that nobody freed: Go panics if pins leak
	return p, nil
}

// Run processes a number of images; in and out are planar, image after image, with the
// sizes given in Code. It is not safe for concurrent use. The memory stays pinned, and so
// alive, until a run with other memory, or Free: pinning allocates, so a caller that passes the
// same memory in each run saves that.
func (p *Program) Run(images int, in, out [][]float32) error {
	same := true
	check := func(kind string, buffers [][]float32, sizes []int, ports []*C.float) error {
		for i, n := range sizes {
			if len(buffers[i]) != n*images {
				return fmt.Errorf("cpu engine: %s %d has %d values, want %d", kind, i, len(buffers[i]), n*images)
			}
			same = same && ports[i] == floats(buffers[i])
		}
		return nil
	}
	outPorts := p.ports[len(p.inputs):]
	if err := check("input", in, p.inputs, p.ports); err != nil {
		return err
	}
	if err := check("output", out, p.outputs, outPorts); err != nil {
		return err
	}
	if !same {
		p.unpin()
		p.hold(in[:len(p.inputs)], p.ports)
		p.hold(out[:len(p.outputs)], outPorts)
	}
	failed := C.cl_program_run(p.c, C.int(images), &p.ports[0], &p.sizes[0], &outPorts[0], &p.sizes[len(p.inputs)]) != 0
	runtime.KeepAlive(p)
	if failed {
		return ErrNoMemory
	}
	return nil
}

// hold pins buffers and records their addresses.
func (p *Program) hold(buffers [][]float32, ports []*C.float) {
	for i, b := range buffers {
		p.pin.Pin(unsafe.SliceData(b))
		ports[i] = floats(b)
	}
}

func (p *Program) unpin() {
	p.pin.Unpin()
	clear(p.ports)
}

// Times are the microseconds that each instruction took in the last run that processed
// one group at a time.
func (p *Program) Times() []float64 {
	t := make([]float64, max(1, p.operations))
	C.cl_program_times(p.c, (*C.double)(unsafe.Pointer(&t[0])))
	return t[:p.operations]
}

// Free frees the memory.
func (p *Program) Free() {
	if p != nil && p.c != nil {
		p.unpin()
		C.cl_program_free(p.c)
		p.c = nil
	}
}

// Unbounded are the clamp limits that change nothing.
var Unbounded = [2]float32{float32(math.Inf(-1)), float32(math.Inf(1))}
