package train

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"classlens/model"

	"gopkg.in/yaml.v3"
)

// plans are the sizes in configs/.
func planOf(t testing.TB, size string) Plan {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "configs", "train-"+size+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Network Plan }
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c.Network
}

// BenchmarkStep is forward, backward and the optimizer's step on 32 stills: samples/s is
// what counts.
func BenchmarkStep(b *testing.B) {
	for _, size := range []string{"s", "m", "l"} {
		b.Run(size, func(b *testing.B) {
			p := planOf(b, size)
			n, err := NewNetwork[float32](p, 1)
			if err != nil {
				b.Fatal(err)
			}
			const count, steps = 32, 5
			r := rand.New(rand.NewPCG(1, 1))
			batch := Batch[float32]{Pictures: make([]float32, count*Channels*p.Size*p.Size), Steps: steps, Index: make([]int, count*steps), Offsets: make([]float32, count*steps), Seen: make([]float32, count*steps)}
			for i := range batch.Pictures {
				batch.Pictures[i] = r.Float32()*2 - 1
			}
			labels := make([]int, count)
			for i := range batch.Seen {
				batch.Seen[i], batch.Index[i] = 1, i/steps
			}
			o, err := NewOptimizer[float32](AdamW, 0.01)
			if err != nil {
				b.Fatal(err)
			}
			tape := &Tape[float32]{}
			before := used(b)
			for b.Loop() {
				tape.Reset()
				tape.Backward(total(tape, n.Forward(tape, batch, Train), labels))
				ClipNorm(n.Params, 5)
				o.Step(n.Params, 1e-3)
			}
			b.ReportMetric(float64(count*b.N)/b.Elapsed().Seconds(), "samples/s")
			b.ReportMetric(1e3*(used(b)-before)/float64(count*b.N), "cpu-ms/sample")
		})
	}
}

// used is this process's processor time in seconds: what a busy machine leaves alone.
func used(b *testing.B) float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}

// BenchmarkEngine is what a student and step cost at run time, on one thread.
func BenchmarkEngine(b *testing.B) {
	for _, size := range []string{"s", "m", "l"} {
		b.Run(size, func(b *testing.B) {
			p := planOf(b, size)
			n, err := NewNetwork[float32](p, 1)
			if err != nil {
				b.Fatal(err)
			}
			net, err := model.Load(n.ONNX(Heat{1, 1, 1}), model.Options{Threads: 1, Inputs: []string{"picture"}, Outputs: []string{"embedding"}})
			if err != nil {
				b.Fatal(err)
			}
			defer net.Close()
			const count = 32
			in := model.NewTensor(count, Channels, p.Size, p.Size)
			if _, err := net.Run(in); err != nil { // plans
				b.Fatal(err)
			}
			before := used(b)
			for b.Loop() {
				if _, err := net.Run(in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(1e3*(used(b)-before)/float64(count*b.N), "cpu-ms/picture")
		})
	}
}
