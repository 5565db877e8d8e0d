package main

import "fmt"

// What an H100 SXM can do at most, by NVIDIA's data sheet: bytes a second, operations a second in fp32 and on the tensor cores in bf16.
const (
	h100Bytes = 3.35e12
	h100Float = 66.9e12
	h100Half  = 989e12
)

// work is what a launch must move and reckon at the least: every input read once, every result written once.
type work struct {
	kernel, shape     string
	bytes, operations float64
	tensor            bool
}

// conv is a convolution of n pictures of ci x h² to co x oh² by k x k; width is the bytes a number.
func conv(kernel string, n, ci, h, co, oh, k, width float64, residual bool) work {
	in, out := n*ci*h*h, n*co*oh*oh
	w := work{kernel, fmt.Sprintf("%g × %g×%g² → %g×%g², %g×%g", n, ci, h, co, oh, k, k), width * (in + out + ci*co*k*k), 2 * out * ci * k * k, width == 2}
	if residual {
		w.bytes += width * out
	}
	return w
}

func depthwise(kernel string, n, c, h, oh, width float64) work {
	return work{kernel, fmt.Sprintf("%g × %g×%g² → %g², 3×3", n, c, h, oh), width * n * c * (h*h + oh*oh), 18 * n * c * oh * oh, false}
}

func product(kernel string, m, n, k, width float64) work {
	return work{kernel, fmt.Sprintf("%g×%g×%g", m, n, k), width * (m*k + k*n + m*n), 2 * m * n * k, width == 2}
}

// works are launches of the sizes that the default network (configs/train-m.yaml) has at 512 pictures, or 128 in training.
func works() []work {
	var all []work
	for _, width := range []float64{4, 2} {
		name := func(float, half string) string {
			if width == 4 {
				return float
			}
			return half
		}
		first := 5.0
		if width == 2 {
			first = 8
		}
		all = append(all, conv(name("conv_32", "conv_bf16_32"), 512, first, 96, 24, 48, 3, width, false), conv(name("pointwise_64", "conv_bf16_64"), 512, 24, 48, 96, 48, 1, width, false),
			depthwise(name("depthwise_3x3", "depthwise_bf16"), 512, 96, 48, 24, width), conv(name("pointwise_16", "conv_bf16_32"), 512, 96, 24, 48, 24, 1, width, true),
			conv(name("pointwise_64", "conv_bf16_64"), 512, 144, 6, 576, 6, 1, width, false), conv(name("conv_64", "conv_bf16_64"), 512, 64, 24, 64, 24, 3, width, false),
			product(name("gemm_nn", "gemm_bf16_nt"), 512, 512, 512, width), product(name("gemm_nn", "gemm_bf16_nt"), 4096, 4096, 4096, width))
	}
	const qkv, shares = 512 * 16 * 96, 512 * 4 * 16 * 16 // 512 sequences, 16 steps, 4 heads of 24
	const plane = 128 * 96 * 48 * 48                     // training: a map of 96 channels
	const half = 128 * 96 * 24 * 24
	const weights = 3e6
	return append(all,
		work{"attention", "512 × 16 steps × 4 heads × 24", 4 * (4*qkv + shares), 4 * 24 * shares, false},
		work{"attention_query, attention_key", "the same", 4 * (9*qkv + 5*shares), 8 * 24 * shares, false},
		work{"attention_pool", "512 × 16 steps × 192", 4 * 512 * (16*192 + 192 + 48), 512 * 16 * 192 * 2, false},
		work{"lstm_step", "512 × 128", 4 * 512 * 128 * 15, 512 * 128 * 60, false},
		work{"softmax", "16384 × 10", 4 * 2 * 163840, 4 * 163840, false},
		work{"layer_norm", "16384 × 128", 4 * 2 * 16384 * 128, 8 * 16384 * 128, false},
		work{"batch_moments, batch_norm", "128 × 96×48²", 4 * 3 * plane, 6 * plane, false},
		work{"batch_norm_sums, batch_norm_input", "the same", 4 * 5 * plane, 14 * plane, false},
		work{"depthwise_input", "128 × 96×48² ← 24²", 4 * (plane + half), 18 * half, false},
		work{"depthwise_weight_3x3", "the same", 4 * (plane + half), 18 * half, false},
		work{"conv_weight_64", "128 × 576, 144 of 6²", 4 * (128*36*720 + 144*576), 2 * 128 * 36 * 144 * 576, false},
		work{"conv_input_32", "128 × 24×96² ← 24×48², 3×3", 4 * 128 * 24 * (96*96 + 48*48), 2 * 9 * 24 * 24 * 128 * 48 * 48, false},
		work{"square_sum", "3·10⁶", 4 * weights, 2 * weights, false},
		work{"adam", "3·10⁶", 28 * weights, 15 * weights, false},
		work{"clip", "512 crops to 96²", 512 * 96 * 96 * (5*4 + 3 + 8), 512 * 96 * 96 * 120, false},
		work{"peaks", "64 × 48×80", 4 * 64 * 48 * 80, 9 * 64 * 48 * 80, false},
		work{"flow_*", "64 pairs of 320×180, 4 levels", 64 * 320 * 180 * 1.33 * 40, 64 * 80 * 45 * 1.33 * 64 * (5*25 + 12*30), false})
}

// roofline prints the table of docs/performance.md.
func roofline() {
	fmt.Println("| kernel | shape | MB | 10⁹ operations | µs at the limit | the limit |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, w := range works() {
		peak := h100Float
		if w.tensor {
			peak = h100Half
		}
		memory, reckoning := w.bytes/h100Bytes*1e6, w.operations/peak*1e6
		limit := "memory"
		if reckoning > memory {
			limit = "arithmetic"
		}
		fmt.Printf("| %s | %s | %.1f | %.2f | %.1f | %s |\n", w.kernel, w.shape, w.bytes/1e6, w.operations/1e9, max(memory, reckoning), limit)
	}
}
