//go:build bench

// Command bench times the engine beside ONNX Runtime: the same nets, sizes and
// threads, turn by turn in one run. One line a row:
//
//	bench: multipose-448x320-1t ours_ms 34.2 onnxruntime_ms 41.6 ratio 1.22
//
// The times are medians of 15 to 75 runs; ratio is theirs over ours. Before it is timed, each side runs
// untimed until the other side's threads, which spin on for a while after a run,
// have gone to sleep: otherwise the two sides would take each other's cores. ONNX
// Runtime comes from the npm package onnxruntime-node, fetched for this command only.
//
// -processor compares processor time, which other programs disturb less; the ratios
// on two threads then count spinning too. -rows takes the rows whose names contain it.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"classlens/model"
	"classlens/model/classroom"
	"classlens/model/pretrained"

	ort "github.com/yalue/onnxruntime_go"
)

// row is one comparison.
type row struct {
	name    string
	net     string // of set-up; "" is the classroom network, whole
	shape   []int64
	outputs []string
}

var rows = []row{
	{"multipose-448x320", "movenet-multipose", []int64{1, 3, 320, 448}, []string{"center", "box_size", "box_offset", "point_heatmap", "point_regress", "point_offset"}},
	{"multipose-1280x736", "movenet-multipose", []int64{1, 3, 736, 1280}, []string{"center", "box_size", "box_offset", "point_heatmap", "point_regress", "point_offset"}},
	{"faceboxes-1280x640", "faceboxes", []int64{1, 3, 640, 1280}, []string{"class_0", "class_1", "class_2", "box_0", "box_1", "box_2"}},
	{"centerface-1280x736", "centerface", []int64{1, 3, 736, 1280}, []string{"heatmap", "log_size", "offset", "landmarks"}},
	{"crops-32x80x80", "", []int64{32, 5, 80, 80}, []string{"behaviour", "attention", "engagement", "moments"}},
}

const (
	leastRounds, mostRounds = 15, 75
	// enough is about how long one row is timed: short runs are repeated more often.
	enough = 3 * time.Second
	// settle is how long a side runs untimed: ONNX Runtime's threads spin 2^20 times
	// after a run before they sleep.
	settle = 80 * time.Millisecond
)

var (
	processor = flag.Bool("processor", false, "processor time in place of wall-clock time")
	only      = flag.String("rows", "", "only rows whose names contain this")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	library, err := fetchRuntime()
	if err != nil {
		return err
	}
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return err
	}
	defer ort.DestroyEnvironment()
	for _, r := range rows {
		onnx := classroom.Default()
		if r.net != "" {
			path, err := pretrained.Path(r.net)
			if err != nil {
				return err
			}
			if onnx, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		for _, threads := range []int{1, 2} {
			if !strings.Contains(fmt.Sprintf("%s-%dt", r.name, threads), *only) {
				continue
			}
			if err := compare(r, onnx, threads); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	return nil
}

func compare(r row, onnx []byte, threads int) error {
	in := pictures(r.shape)
	ours, err := ourRunner(r, onnx, threads, in)
	if err != nil {
		return err
	}
	defer ours.close()
	theirs, err := theirRunner(r, onnx, threads, in)
	if err != nil {
		return err
	}
	defer theirs.close()
	var a, b []float64
	rounds := mostRounds
	for i := -2; i < rounds; i++ { // the first two warm up
		x, err := timed(ours.run, threads)
		if err != nil {
			return err
		}
		y, err := timed(theirs.run, threads)
		if err != nil {
			return err
		}
		if i >= 0 {
			a, b = append(a, x), append(b, y)
		} else {
			rounds = min(max(int(enough.Seconds()*1e3/(x+y)), leastRounds), mostRounds) | 1
		}
	}
	slices.Sort(a)
	slices.Sort(b)
	x, y := a[len(a)/2], b[len(b)/2]
	fmt.Printf("bench: %s-%dt ours_ms %.1f onnxruntime_ms %.1f ratio %.2f\n", r.name, threads, x, y, y/x)
	return nil
}

// timed is how long a run takes, in milliseconds. On several threads the side runs
// untimed first.
func timed(f func() error, threads int) (ms float64, err error) {
	if threads > 1 {
		for until := time.Now().Add(settle); time.Now().Before(until); {
			if err := f(); err != nil {
				return 0, err
			}
		}
	}
	t, used := time.Now(), processorTime()
	err = f()
	if *processor {
		return (processorTime() - used).Seconds() * 1e3, err
	}
	return time.Since(t).Seconds() * 1e3, err
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// pictures is random input in 0..1 or so.
func pictures(shape []int64) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()
	}
	return x
}

// input is one input of a net.
type input struct {
	name  string
	shape []int64
	data  []float32
}

// inputsOf are the pictures, and for the classroom network one step each with
// its time offset and that it was seen.
func inputsOf(r row, pictures []float32) []input {
	all := []input{{"picture", r.shape, pictures}}
	if r.net == "" {
		n := r.shape[0]
		seen := make([]float32, n)
		for i := range seen {
			seen[i] = 1
		}
		all = append(all, input{"offset", []int64{n, 1}, make([]float32, n)}, input{"seen", []int64{n, 1}, seen})
	}
	return all
}

type runner struct {
	run   func() error
	close func()
}

func ourRunner(r row, onnx []byte, threads int, in []float32) (runner, error) {
	net, err := model.Load(onnx, model.Options{Threads: threads, Outputs: r.outputs})
	if err != nil {
		return runner{}, err
	}
	var input []model.Tensor
	for _, x := range inputsOf(r, in) {
		t := model.Tensor{Data: x.data}
		for _, d := range x.shape {
			t.Shape = append(t.Shape, int(d))
		}
		input = append(input, t)
	}
	out := make([]model.Tensor, len(r.outputs))
	return runner{func() error { return net.RunInto(input, out) }, func() { net.Close() }}, nil
}

func theirRunner(r row, onnx []byte, threads int, in []float32) (runner, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return runner{}, err
	}
	defer o.Destroy()
	if err := o.SetIntraOpNumThreads(threads); err != nil {
		return runner{}, err
	}
	var names []string
	var inputs []ort.Value
	for _, x := range inputsOf(r, in) {
		t, err := ort.NewTensor(ort.NewShape(x.shape...), x.data)
		if err != nil {
			return runner{}, err
		}
		names, inputs = append(names, x.name), append(inputs, t)
	}
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(onnx, names, r.outputs, o)
	if err != nil {
		return runner{}, err
	}
	once := func() error {
		out := make([]ort.Value, len(r.outputs))
		if err := s.Run(inputs, out); err != nil {
			return err
		}
		for _, v := range out {
			v.Destroy()
		}
		return nil
	}
	return runner{once, func() {
		s.Destroy()
		for _, v := range inputs {
			v.Destroy()
		}
	}}, nil
}
