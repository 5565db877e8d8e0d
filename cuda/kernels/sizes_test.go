package kernels

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// What the tests must have shown a kernel, beside TestEmpty for no elements at all. TestMain looks at it when all tests have run.
const (
	oneElement = "one element"
	oddSize    = "an odd size"
	blockLess  = "a block less one"
	blockWhole = "a whole block"
	blockMore  = "a block and one more"
	noNumber   = "NaN"
	infinite   = "Inf"
	spikes     = "values of very different sizes"
)

var wanted = []string{oneElement, oddSize, blockLess, blockWhole, blockMore, noNumber, infinite, spikes}

// shown is what each kernel has been shown.
var shown = map[string]map[string]bool{}

// perBlock is how much of a launch's size a block takes, where that is not an element a thread.
func perBlock(kernel string, block int) []int {
	for _, k := range []struct {
		prefix string
		per    []int
	}{
		{"conv_input_16", []int{256}}, {"conv_input_32", []int{128}}, {"conv_input_64", []int{64}}, {"conv_weight", []int{16, 32, 64}}, {"conv_bf16", []int{32, 64, 128}}, {"conv_fp16", []int{32, 64, 128}},
		{"conv_16", []int{256, 16}}, {"conv_32", []int{128, 32}}, {"conv_64", []int{64}}, {"pointwise_16", []int{16, 256}}, {"pointwise_32", []int{32, 128}}, {"pointwise_64", []int{64}},
		{"gemm_bf16", []int{64, 128}}, {"gemm_fp16", []int{64, 128}}, {"gemm", []int{64}}, {"softmax", []int{4, 32}}, {"layer_norm_sums", []int{32}}, {"layer_norm", []int{4, 32}}, {"reduce_rows", []int{4, 32}},
		{"global_pool_backward", []int{128}}, {"global_pool", []int{4, 32}}, {"plane_dot", []int{4, 32}}, {"class_loss", []int{4, 32}}, {"attention", []int{32, 128}}, {"fold", []int{32, 8}},
		{"first_float", []int{32}}, {"pool_half", []int{64, 32}}, {"flow_patches", []int{4}},
	} {
		if strings.HasPrefix(kernel, k.prefix) {
			return k.per
		}
	}
	return []int{block, 2 * block}
}

// note notes what a launch shows its kernel: its sizes are the whole numbers among the arguments, their products, and the lengths of
// buffers.
func note(kernel string, block int, args []any) {
	is := shown[kernel]
	if is == nil {
		is = map[string]bool{}
		shown[kernel] = is
	}
	var sizes []int
	last := 1
	for _, a := range args {
		switch v := a.(type) {
		case int:
			sizes = append(sizes, v, v*last)
			last = max(v, 1)
		case *result:
			sizes = append(sizes, v.n)
			noteFloats(is, v.start)
			if v.n == 1 {
				is[oneElement] = true
			}
		case []float32:
			sizes = append(sizes, len(v))
			noteFloats(is, v)
		case []uint16: // judged as both kinds of 16 bits; NaN and infinity of one are huge or none of the other
			sizes = append(sizes, len(v))
			kind := 0
			if strings.Contains(kernel, "fp16") {
				kind = 1
			}
			floats := make([]float32, len(v))
			for i, x := range v {
				floats[i] = fromHalf(kind, x)
			}
			noteFloats(is, floats)
		}
	}
	for _, n := range sizes {
		is[oneElement] = is[oneElement] || n == 1
		is[oddSize] = is[oddSize] || n > 1 && n%2 == 1
		for _, per := range perBlock(kernel, block) {
			is[blockLess] = is[blockLess] || n > 1 && (n+1)%per == 0 || n > 1 && (n+2)%per == 0 && per > block
			is[blockWhole] = is[blockWhole] || n > 1 && n%per == 0
			is[blockMore] = is[blockMore] || n > 1 && (n-1)%per == 0 || n > 2 && (n-2)%per == 0 && per > block // pairs: one thread more
		}
	}
}

func noteFloats(is map[string]bool, v []float32) {
	var sizes []float64
	for _, x := range v {
		a := math.Abs(float64(x))
		switch {
		case a != a:
			is[noNumber] = true
		case math.IsInf(a, 0):
			is[infinite] = true
		case a > 0:
			sizes = append(sizes, a)
		}
	}
	if len(sizes) > 2 && !is[spikes] {
		sort.Float64s(sizes)
		is[spikes] = sizes[len(sizes)-1] > 1000*sizes[len(sizes)/2]
	}
}

// notShown are what a kernel need not be shown, with the reason.
var notShown = func() map[string]map[string]string {
	all := map[string]map[string]string{}
	add := func(reason string, what []string, kernels ...string) {
		for _, k := range kernels {
			if all[k] == nil {
				all[k] = map[string]string{}
			}
			for _, w := range what {
				all[k][w] = reason
			}
		}
	}
	add("takes bytes", []string{noNumber, infinite, spikes}, "flow_gray", "frame_input")
	add("its pictures are made of bytes", []string{noNumber, infinite, spikes}, "flow_patches", "flow_dense")
	add("crops are squares: sides of 11 and 12 lie about a block", []string{blockLess, blockMore}, "clip")
	add("its numbers go by pairs", []string{oddSize}, "from_half", "to_half")
	add("channels are filled up to eights: 504, 512 and 520 numbers", []string{blockLess, blockMore}, "pack_half")
	add("rows are filled up to sixteens: it writes whole blocks", []string{blockLess, blockMore}, "pack_weights")
	add("rows and columns go by eights: 120, 128 and 136 are tried", []string{blockLess, blockMore, oddSize}, "gemm_bf16_tn", "gemm_fp16_tn")
	return all
}()

// missing lists what the tests have shown too little of.
func missing() []string {
	var faults []string
	for _, m := range Modules() {
		for _, k := range m.Kernels {
			for _, w := range wanted {
				if !shown[k][w] && notShown[k][w] == "" {
					faults = append(faults, fmt.Sprintf("%s is never shown %s", k, w))
				}
			}
		}
	}
	slices.Sort(faults)
	return faults
}
