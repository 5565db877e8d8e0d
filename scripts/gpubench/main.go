// Command gpubench times the networks on a CUDA device, and PyTorch on the same card beside them. One line a row:
//
//	gpubench: infer-32 ours_ms 1.23 clips_s 26000 limit_ms 0.40 share 0.33
//	gpubench: infer-32 pytorch_ms 1.90 variant compiled-fp16 ratio 1.54
//
// A clip is five steps of one student. Times are medians of whole runs, results copied back. The classroom network's pictures are on the card, where an analysis
// cuts them, as float32, for ours and for PyTorch; infer-N is in fp16, infer-N-float32 in float32; a detector's
// picture and a training step's are copied there. limit is the roofline of the launched ops, share what of it is reached; ratio is the fastest
// PyTorch variant's time over ours. Without a card it says so and measures nothing; -small runs tiny rows, also on a simulated device: a dry run, whose lines say so and have four times the
// limit in the place of a time.
package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"classlens/cuda/driver"
	"classlens/model"
	"classlens/model/classroom"
	"classlens/model/pretrained"
	"classlens/model/train"
)

const steps = 5

// bench is one run of the command.
type bench struct {
	device  model.Choice
	small   bool
	seconds time.Duration // of a row
	ours    map[string]float64
}

func main() {
	small := flag.Bool("small", false, "tiny rows, also on a simulated device: tries the program, measures nothing")
	python := flag.String("python", os.Getenv("CLASSLENS_BENCH_PYTHON"), "a Python with torch, numpy and onnx; without one PyTorch is left out")
	seconds := flag.Float64("seconds", 1, "least time a row is measured for")
	list := flag.Bool("list", false, "name the devices and end, with an error where none is a card that the kernels run on")
	flag.Parse()
	if *list {
		if !listDevices() {
			os.Exit(1)
		}
		return
	}
	if err := run(*small, *python, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "gpubench:", err)
		os.Exit(1)
	}
}

func run(small bool, python string, seconds float64) error {
	all, err := driver.Devices()
	if err != nil || len(all) == 0 || (all[0].Simulated && !small) {
		fmt.Println("gpubench: no GPU here: nothing was measured")
		return nil
	}
	c, err := classroom.ChooseDevice("cuda", "auto", classroom.Default())
	if err != nil {
		return err
	}
	if c.Device == model.CPU {
		return fmt.Errorf("%s", c.Note)
	}
	fmt.Println("gpubench: on", c)
	b := &bench{device: c, small: small, seconds: time.Duration(seconds * float64(time.Second)), ours: map[string]float64{}}
	counts := []int{1, 32, 512}
	if small {
		counts = []int{1}
	}
	var first []float32
	for _, clips := range counts {
		said, err := b.inference(clips)
		if err != nil {
			return fmt.Errorf("%d clips: %w", clips, err)
		}
		if first == nil {
			first = said
		}
	}
	if err := b.detectors(); err != nil {
		return err
	}
	if err := b.training(); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	if python == "" {
		fmt.Println("gpubench: no PyTorch given (CLASSLENS_BENCH_PYTHON): no comparison")
		return nil
	}
	return b.compare(python, counts, first)
}

// listDevices says what there is, and whether a card is among it that the kernels run on.
func listDevices() (usable bool) {
	all, err := driver.Devices()
	if err != nil {
		fmt.Println("gpubench:", err)
	} else if len(all) == 0 {
		fmt.Println("gpubench: no NVIDIA driver, or no GPU that it sees")
	}
	for _, d := range all {
		text := "usable"
		if err := d.Unfit(); err != nil {
			text = err.Error()
		} else if d.Simulated {
			text = "simulated"
		} else {
			usable = true
		}
		fmt.Printf("gpubench: %s, %s, compute %d.%d, driver for CUDA %d.%d: %s\n", d.Name, d.UUID, d.ComputeMajor, d.ComputeMinor, d.DriverVersion/1000, d.DriverVersion%1000/10, text)
	}
	return usable
}

// madeUp is a pattern in -1..1, the same that theirs.py makes.
func madeUp(v []float32) {
	for i := range v {
		v[i] = float32(uint64(i)*2654435761&0xffff)/32768 - 1
	}
}

// median runs f for the row's time and gives the median in milliseconds.
func (b *bench) median(f func() error) (float64, error) {
	for range 2 { // launched, then recorded and replayed
		if err := f(); err != nil {
			return 0, err
		}
	}
	if b.small {
		return 0, nil // see dryTime
	}
	var times []float64
	for begin := time.Now(); len(times) < 5 || (time.Since(begin) < b.seconds && len(times) < 1000); {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start).Seconds()*1e3)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// row times a network on one input, which is kept on the card or copied there each time, and prints its line.
func (b *bench) row(name string, net *model.Net, kept bool, clips int, in ...model.Tensor) ([]model.Tensor, error) {
	out := make([]model.Tensor, len(net.Outputs()))
	run := func() error { return net.RunInto(in, out) }
	if kept {
		if err := run(); err != nil {
			return nil, err
		}
		run = func() error { return net.Again(out) }
	}
	ms, err := b.median(run)
	if err == nil {
		err = net.DeviceError()
	}
	if err != nil {
		return nil, err
	}
	limit, err := net.Limit(in...)
	if err != nil {
		return nil, err
	}
	b.say(name, ms, clips, "clips", limit*1e3, "")
	return out, nil
}

// dryTime stands for a time, in multiples of the limit, where nothing is measured.
const dryTime = 4

// say prints a row, times in milliseconds; without a limit there is no share of it.
func (b *bench) say(name string, ms float64, n int, unit string, limit float64, most string) {
	fmt.Println(b.line(name, ms, n, unit, limit, most))
}

func (b *bench) line(name string, ms float64, n int, unit string, limit float64, most string) string {
	head := "gpubench: "
	if b.small {
		ms, head = dryTime*limit, "gpubench: dry run, times made up: "
	}
	b.ours[name] = ms
	text := fmt.Sprintf("%s%s ours_ms %.4f %s_s %.0f limit_ms %.4f share %.3f", head, name, ms, unit, float64(n)/ms*1e3, limit, limit/ms)
	if most != "" {
		text += " most_of_it " + most
	}
	return text
}

// inference is the classroom network, whole, on so many clips, in float32 and in fp16; it gives what float32 says.
func (b *bench) inference(clips int) (said []float32, err error) {
	name := fmt.Sprintf("infer-%d", clips)
	if said, err = b.infer(name+"-float32", clips, model.Float32); err == nil {
		_, err = b.infer(name, clips, model.FP16)
	}
	return said, err
}

func (b *bench) infer(name string, clips int, p model.Precision) ([]float32, error) {
	net, err := model.Load(classroom.Default(), model.Options{Threads: 1, Device: b.device.Device, Precision: p, Keep: true, Outputs: []string{"behaviour", "attention", "engagement"}})
	if err != nil {
		return nil, err
	}
	defer net.Close()
	side := net.Inputs()[0].Shape[3]
	picture, offset, seen := model.NewTensor(clips*steps, train.Channels, side, side), model.NewTensor(clips, steps), model.NewTensor(clips, steps)
	madeUp(picture.Data)
	for i := range seen.Data {
		offset.Data[i], seen.Data[i] = float32(i%steps-steps/2), 1
	}
	out, err := b.row(name, net, true, clips, picture, offset, seen)
	if err != nil {
		return nil, err
	}
	return out[0].Data, nil
}

// detectors are the people nets that presets use, on one picture.
func (b *bench) detectors() error {
	for _, d := range []struct {
		name string
		h, w int
	}{{"centerface", 736, 1280}, {"movenet-multipose", 512, 896}} {
		if b.small {
			if d.h, d.w = 64, 64; d.name != "centerface" {
				continue
			}
		}
		path, err := pretrained.Path(d.name)
		if err != nil {
			fmt.Printf("gpubench: %s left out: %v\n", d.name, err)
			continue
		}
		net, err := model.LoadFile(path, model.Options{Threads: 1, Device: b.device.Device})
		if err != nil {
			return err
		}
		in := model.NewTensor(1, 3, d.h, d.w)
		madeUp(in.Data)
		_, err = b.row(fmt.Sprintf("%s-%dx%d", d.name, d.w, d.h), net, false, 1, in)
		net.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

// plan is the network that is trained: that of configs/train-s.yaml, or a tiny one.
func (b *bench) plan() (train.Plan, int) {
	if b.small {
		return train.Plan{Size: 16, Stem: 8, Stages: []train.Stage{{Expand: 16, Out: 8, Stride: 2, Repeat: 1}}, Top: 16, Embedding: 16, Width: 8, Heads: 2}, 2
	}
	return train.Plan{Size: 96, Stem: 16, Stages: []train.Stage{{Expand: 48, Out: 32, Stride: 2, Repeat: 1}, {Expand: 64, Out: 32, Stride: 1, Repeat: 1}, {Expand: 96, Out: 48, Stride: 2, Repeat: 1},
		{Expand: 192, Out: 48, Stride: 1, Repeat: 2}, {Expand: 192, Out: 80, Stride: 2, Repeat: 1}, {Expand: 320, Out: 80, Stride: 1, Repeat: 2}}, Top: 320, Embedding: 128, Width: 64, Heads: 4}, 32
}

// training times a step on stills, and holds ten losses to the CPU's.
func (b *bench) training() error {
	plan, batch := b.plan()
	in := train.Batch[float32]{Pictures: make([]float32, batch*train.Channels*plan.Size*plan.Size), Steps: steps}
	madeUp(in.Pictures)
	var y train.Targets[float32]
	for i := range batch {
		y.Behaviour, y.Attention, y.Level = append(y.Behaviour, i%10), append(y.Attention, i%2), append(y.Level, 3)
		for k := range steps {
			in.Index, in.Offsets, in.Seen = append(in.Index, i), append(in.Offsets, float32(k-steps/2)), append(in.Seen, 1)
		}
	}
	losses := train.Losses[float32]{Attention: .3, Engagement: .3}
	var all [2][]float64
	for i := range all {
		net, err := train.NewNetwork[float32](plan, 1)
		if err != nil {
			return err
		}
		rule, err := train.NewOptimizer[float32](train.AdamW, 0.02)
		if err != nil {
			return err
		}
		s := train.NewCPU(net, rule, nil, 5)
		if i == 1 {
			if s, err = train.NewDevice(b.device.Device, net, rule, nil, 5, "float32"); err != nil {
				return err
			}
		}
		for range 10 {
			l, err := s.Step(in, losses, y, 1e-3)
			if err != nil {
				return err
			}
			all[i] = append(all[i], l)
		}
		if i == 1 {
			name := fmt.Sprintf("train-%d", batch)
			ms, err := b.median(func() error { _, err := s.Step(in, losses, y, 1e-3); return err })
			if err != nil {
				return err
			}
			limit, most := limitOf(s.(*train.Device))
			b.say(name, ms, batch, "samples", limit, most)
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	worst := 0.0
	for k := range all[0] {
		worst = max(worst, (all[1][k]-all[0][k])/all[0][k], (all[0][k]-all[1][k])/all[0][k])
	}
	fmt.Printf("gpubench: ten training steps: loss %.4f to %.4f, worst difference from the CPU %.2g of the loss\n", all[1][0], all[1][9], worst)
	if !(worst <= train.DeviceBound) {
		return fmt.Errorf("the losses differ by %.2g of the CPU's, more than %.0e", worst, train.DeviceBound)
	}
	return nil
}

// limitOf is the roofline of a training step in milliseconds, and the three kernels that are most of it.
func limitOf(d *train.Device) (ms float64, most string) {
	limits := d.Limits()
	for _, s := range limits {
		ms += 1e3 * s
	}
	kernels := slices.SortedFunc(maps.Keys(limits), func(a, b string) int { return cmp.Compare(limits[b], limits[a]) })
	for i, k := range kernels[:min(3, len(kernels))] {
		most += fmt.Sprintf("%s%s:%.2f", []string{"", ",", ","}[i], k, 1e3*limits[k]/ms)
	}
	return ms, most
}

// planFile writes the plan for theirs.py.
func planFile(p train.Plan, name string) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(name, raw, 0o600)
}
