package kernels

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	parameter = regexp.MustCompile(`\.param \.(\w+) \w+_param_\d+`)
	threads   = regexp.MustCompile(`\.maxntid (\d+), 1, 1`)
)

// sumsOfNothing are the kernels that write where nothing goes in: a sum of no parts is 0, a mean of none is no number.
var sumsOfNothing = map[string]string{
	"batch_moments":        "the moments of no picture",
	"batch_norm_sums":      "sums over no picture",
	"depthwise_weight":     "a sum over no picture",
	"depthwise_weight_3x3": "sums over no picture",
	"square_sum":           "the sum of a block's share",
	"step_control":         "the norm of no gradients is 0, and the step counts",
}

// Every kernel, launched with all its sizes 0, reads nothing that is not there and changes nothing.
func TestEmpty(t *testing.T) {
	onEach(t, func(t *testing.T, d *dev) {
		for _, m := range Modules() {
			for _, k := range m.Kernels {
				_, rest, _ := strings.Cut(m.PTX, ".entry "+k+"(")
				head, _, _ := strings.Cut(rest, "{")
				block, err := strconv.Atoi(threads.FindStringSubmatch(head)[1])
				if err != nil {
					t.Fatal(err)
				}
				var args []any
				var buffers []*result
				for _, p := range parameter.FindAllStringSubmatch(head, -1) {
					switch p[1] {
					case "u64":
						v := make([]float32, 4096)
						for i := range v {
							v[i] = 7
						}
						buffers = append(buffers, inout(v))
						args = append(args, buffers[len(buffers)-1])
					case "u32", "s32":
						args = append(args, 0)
					case "f32":
						args = append(args, float32(0))
					default:
						t.Fatalf("%s has a parameter of kind %s", k, p[1])
					}
				}
				d.run(t, k, [3]int{1, 1, 1}, block, args...)
				changed := 0
				for _, b := range buffers {
					for _, v := range b.got {
						if v != 7 {
							changed++
						}
					}
				}
				if why := sumsOfNothing[k]; (changed > 0) != (why != "") {
					t.Errorf("%s of nothing changes %d numbers (%s)", k, changed, why)
				}
			}
		}
	})
}
