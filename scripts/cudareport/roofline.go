package main

import (
	"fmt"
	"os"
	"strings"

	"classlens/internal/safefile"
)

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

// elements is a launch over n numbers in fp32: so many arrays are read or written, so many operations a number.
func elements(kernel, shape string, n, arrays, operations float64) work {
	return work{kernel, shape, 4 * n * arrays, n * operations, false}
}

// works are launches of every kernel, of the sizes that the default network (configs/train-m.yaml) has at 512 pictures, or 128 in training.
func works() []work {
	const (
		half = 128 * 96 * 24 * 24      // training: a map of 96 channels
		full = 128 * 96 * 48 * 48      // the same before its stride
		qkv  = 512 * 16 * 96           // 512 sequences, 16 steps, 4 heads of 24
		pair = 512 * 4 * 16 * 16       // scores of each head's pairs of steps
		gate = 512 * 128               // a recurrent layer's cells
		sum  = 16384                   // rows of small tensors: 512 sequences, 32 steps
		all  = 3e6                     // weights
		grey = 64 * 320 * 180 * 4 / 3. // 64 pairs of 320 × 180, all levels
	)
	patches := grey / 16
	works := []work{
		conv("conv_16", 512, 24, 24, 16, 24, 3, 4, false),
		conv("conv_32", 512, 5, 96, 24, 48, 3, 4, false),
		conv("conv_64", 512, 64, 24, 64, 24, 3, 4, false),
		conv("conv_bf16_32", 512, 8, 96, 24, 48, 3, 2, false),
		conv("conv_bf16_32", 512, 96, 24, 48, 24, 1, 2, true),
		conv("conv_bf16_64", 512, 24, 48, 96, 48, 1, 2, false),
		conv("conv_bf16_64", 512, 144, 6, 576, 6, 1, 2, false),
		conv("conv_bf16_64", 512, 64, 24, 64, 24, 3, 2, false),
		conv("conv_fp16_32", 512, 8, 96, 24, 48, 3, 2, false),
		conv("conv_fp16_64", 512, 24, 48, 96, 48, 1, 2, false),
		{"conv_input_16", "128 × 16×96² ← 24×48², 3×3", 4 * 128 * (16*96*96 + 24*48*48), 2 * 9 * 16 * 24 * 128 * 48 * 48, false},
		{"conv_input_32", "128 × 24×96² ← 24×48², 3×3", 4 * 128 * 24 * (96*96 + 48*48), 2 * 9 * 24 * 24 * 128 * 48 * 48, false},
		{"conv_input_64", "128 × 64×24² ← 64×24², 3×3", 4 * 128 * 64 * 2 * 24 * 24, 2 * 9 * 64 * 64 * 128 * 24 * 24, false},
		{"conv_transpose", "128 × 5×96² ← 24×48², 3×3", 4 * 128 * (5*96*96 + 24*48*48), 2 * 9 * 5 * 24 * 128 * 48 * 48, false},
		{"conv_weight_16", "128 × 96, 16 of 24²", 4 * 128 * 24 * 24 * 112, 2 * 128 * 24 * 24 * 96 * 16, false},
		{"conv_weight_32", "128 × 45, 24 of 48²", 4 * (128*5*96*96 + 128*24*48*48), 2 * 128 * 48 * 48 * 45 * 24, false},
		{"conv_weight_64", "128 × 576, 144 of 6²", 4 * (128*36*720 + 144*576), 2 * 128 * 36 * 144 * 576, false},
		conv("pointwise_16", 512, 96, 24, 16, 24, 1, 4, false),
		conv("pointwise_32", 512, 96, 24, 24, 24, 1, 4, true),
		conv("pointwise_64", 512, 24, 48, 96, 48, 1, 4, false),
		conv("pointwise_64", 512, 144, 6, 576, 6, 1, 4, false),
		elements("pack_weights", "3·10⁶", all, 2, 0),
		depthwise("depthwise", 512, 96, 48, 24, 4),
		depthwise("depthwise_3x3", 512, 96, 48, 24, 4),
		depthwise("depthwise_bf16", 512, 96, 48, 24, 2),
		depthwise("depthwise_fp16", 512, 96, 48, 24, 2),
		depthwise("depthwise_bf16_3x3", 512, 96, 48, 24, 2),
		depthwise("depthwise_fp16_3x3", 512, 96, 48, 24, 2),
		{"depthwise_input", "128 × 96×48² ← 24²", 4 * (full + half), 18 * half, false},
		{"depthwise_weight", "128 × 96×48², 24²", 4 * (full + half), 18 * half, false},
		{"depthwise_weight_3x3", "128 × 96×48², 24²", 4 * (full + half), 18 * half, false},
		product("gemm_nn", 512, 512, 512, 4),
		product("gemm_nn", 4096, 4096, 4096, 4),
		product("gemm_nt", 512, 512, 512, 4),
		product("gemm_tn", 512, 512, 512, 4),
		product("gemm_bf16_nn", 512, 512, 512, 2),
		product("gemm_bf16_nt", 512, 512, 512, 2),
		product("gemm_bf16_nt", 4096, 4096, 4096, 2),
		product("gemm_bf16_tn", 512, 512, 512, 2),
		product("gemm_fp16_nn", 512, 512, 512, 2),
		product("gemm_fp16_nt", 512, 512, 512, 2),
		product("gemm_fp16_tn", 512, 512, 512, 2),
		{"attention", "512 × 16 steps × 4 heads × 24", 4 * (4*qkv + pair), 4 * 24 * pair, false},
		{"attention_query", "512 × 16 steps × 4 heads × 24", 4 * (4*qkv + 2*pair), 4 * 24 * pair, false},
		{"attention_key", "512 × 16 steps × 4 heads × 24", 4 * (4*qkv + 2*pair), 4 * 24 * pair, false},
		{"attention_pool", "512 × 16 steps × 192", 4 * 512 * (16*192 + 192 + 48), 512 * 16 * 192 * 2, false},
		{"attention_pool_backward", "512 × 16 steps × 192", 4 * 512 * (2*16*192 + 192 + 32), 512 * 16 * 192 * 3, false},
		{"lstm_step", "512 × 128", 4 * gate * 15, 60 * gate, false},
		{"lstm_step_backward", "512 × 128", 4 * gate * 13, 60 * gate, false},
		{"gru_step", "512 × 128", 4 * gate * 11, 50 * gate, false},
		{"gru_step_backward", "512 × 128", 4 * gate * 13, 30 * gate, false},
		elements("softmax", "16384 × 10", sum*10, 2, 20),
		elements("softmax_backward", "16384 × 10", sum*10, 3, 4),
		elements("layer_norm", "16384 × 128", sum*128, 2, 8),
		elements("layer_norm_input", "16384 × 128", sum*128, 3, 11),
		elements("layer_norm_sums", "16384 × 128", sum*128, 2, 5),
		elements("batch_moments", "128 × 96×24²", half, 1, 4),
		{"batch_finish", "96 channels, 6 parts", 4 * 96 * (12 + 6), 96 * 6 * 10, false},
		elements("batch_norm", "128 × 96×24²", half, 2, 4),
		elements("batch_norm_sums", "128 × 96×24²", half, 2, 8),
		elements("batch_norm_input", "128 × 96×24²", half, 3, 10),
		elements("fold", "32 parts of 83,000", 83e3, 33, 32),
		elements("unary", "128 × 96×24²", half, 2, 20),
		elements("unary_backward", "128 × 96×24²", half, 3, 20),
		elements("wave", "16384 × 128", sum*128, 2, 20),
		elements("binary", "128 × 96×24²", half, 3, 1),
		elements("affine", "512 × 96×24²", 4*half, 2, 2),
		elements("cut", "512 × 96×24²", 4*half, 2, 2),
		elements("cut_backward", "128 × 96×24²", half, 3, 2),
		elements("sum", "512 × 96×24²", 4*half, 3, 3),
		elements("plane_dot", "128 × 96×24²", half, 2, 2),
		elements("copy_strided", "128 × 96×24²", half, 2, 0),
		elements("pad", "128 × 96×24²", half, 2, 0),
		{"max_pool", "512 × 64×24² → 12²", 4 * 512 * 64 * (576 + 144), 512 * 64 * 144 * 9, false},
		{"max_pool_backward", "128 × 64×24² ← 12²", 4 * 128 * 64 * (2*576 + 2*144), 128 * 64 * 144 * 9, false},
		{"average_pool", "512 × 64×24² → 12²", 4 * 512 * 64 * (576 + 144), 512 * 64 * 144 * 9, false},
		{"average_pool_backward", "128 × 64×24² ← 12²", 4 * 128 * 64 * (576 + 144), 128 * 64 * 144 * 9, false},
		{"global_pool", "512 × 576 × 6²", 4 * 512 * 576 * 37, 512 * 576 * 36, false},
		{"global_pool_backward", "128 × 576 × 6²", 4 * 128 * 576 * 37, 128 * 576 * 36, false},
		elements("reduce", "512 × 16 steps × 192", 512*16*192, 1+1./16, 1),
		elements("reduce_rows", "16384 × 128", sum*128, 1+1./128, 1),
		{"resize_linear", "64 × 24×24×40 → 48×80", 4 * 64 * 24 * (960 + 2*3840), 64 * 24 * 3840 * 9, false},
		{"resize_nearest", "64 × 24×24×40 → 48×80", 4 * 64 * 24 * (960 + 3840), 0, false},
		{"to_half", "128 × 96×24²", 6 * half, 0, false},
		{"from_half", "128 × 96×24²", 6 * half, 0, false},
		{"pack_half", "3·10⁶", 6 * all, 0, false},
		{"last_half", "512 × 8×96²", 512 * 96 * 96 * (5*4 + 8*2), 0, false},
		{"first_float", "512 × 96×24²", 4 * 6 * half, 0, false},
		{"pool_half", "512 × 576 × 6²", 512 * 576 * (36*2 + 4), 512 * 576 * 36, false},
		elements("class_loss", "2048 × 10", 20480, 2, 80),
		elements("binary_loss", "2048", 2048, 4, 40),
		elements("point_loss", "2048 × 34", 2048*34, 5, 8),
		elements("cumulative", "2048 × 4", 2048*4, 1.25, 12),
		elements("cumulative_backward", "2048 × 4", 2048*4, 1.25, 2),
		elements("square_sum", "3·10⁶", all, 1, 2),
		{"step_control", "1024 parts", 4 * 1024, 1024, false},
		elements("sgd", "3·10⁶", all, 5, 5),
		elements("rmsprop", "3·10⁶", all, 5, 9),
		elements("adam", "3·10⁶", all, 7, 15),
		elements("average", "3·10⁶", all, 3, 3),
		{"clip", "512 crops to 96²", 512 * 96 * 96 * (5*4 + 3 + 8), 512 * 96 * 96 * 120, false},
		{"peaks", "64 × 48×80", 4 * 64 * 48 * 80, 9 * 64 * 48 * 80, false},
		{"frame_input", "1920×1080 to 1280×736", 3*1920*1080 + 4*3*1280*736, 2 * 3 * (9 + 3) * 1280 * 736, false},
		{"peak_values", "200 of 320×184, 34 channels", 4 * 2 * 200 * 34, 0, false},
		{"pose_points", "40 bodies, 17 points of 168×224", 4 * 40 * 17 * (41*41 + 8), 12 * 40 * 17 * 41 * 41, false},
		{"person_points", "32 pictures, 17 points of 64²", 4 * 32 * 64 * 64 * (1 + 17), 32 * 17 * 64 * 64 * 20, false},
		{"flow_gray", "128 of 320×180", 128 * 320 * 180 * (3 + 4), 5 * 128 * 320 * 180, false},
		{"flow_halve", "128 of 320×180", 4 * 128 * 320 * 180 * 1.25, 128 * 320 * 180, false},
		{"flow_patches", "64 pairs of 320×180, 4 levels", 8*grey + 8*patches + 2*grey, patches * 64 * (5*25 + 12*30), false},
		{"flow_dense", "64 pairs of 320×180, 4 levels", 16*grey + 8*patches, grey * 4 * 30, false},
	}
	return works
}

// columns of the table; the last three are from counts.tsv.
const rooflineHead = "| kernel | shape | MB | 10⁹ operations | µs at the limit | the limit | warp instructions a launch | replays | excess sectors |\n|---|---|---|---|---|---|---|---|---|\n"

// rooflineTable is the table of docs/performance.md.
func rooflineTable(counts map[string]count) string {
	var b strings.Builder
	b.WriteString(rooflineHead)
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
		c := counts[w.kernel]
		fmt.Fprintf(&b, "| %s | %s | %.1f | %.2f | %.1f | %s | %.0f | %.0f | %.0f |\n", w.kernel, w.shape, w.bytes/1e6, w.operations/1e9, max(memory, reckoning), limit, c.instructions, c.replays, c.sectors)
	}
	return b.String()
}

// performanceDoc has the table between its heading and the next empty line behind it.
const performanceDoc = "docs/performance.md"

// roofline prints the table, or puts it into docs/performance.md.
func roofline(write bool) error {
	counts, err := readCounts(countsFile)
	if err != nil {
		return err
	}
	table := rooflineTable(counts)
	if !write {
		fmt.Print(table)
		return nil
	}
	text, err := os.ReadFile(performanceDoc)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), "\n| kernel | shape ")
	if !ok {
		return fmt.Errorf("%s has no table that begins with | kernel | shape", performanceDoc)
	}
	_, after, _ := strings.Cut(rest, "\n\n")
	return safefile.WriteFile(performanceDoc, []byte(before+"\n"+table+"\n"+after))
}
