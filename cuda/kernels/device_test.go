package kernels

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"classlens/cuda/driver"
)

// dev is a device under test with the project's kernels.
type dev struct {
	*driver.Device
	kernels map[string]*driver.Kernel
	modules map[string]*driver.Module
	ptx     map[string]Module // by kernel
}

// devices are opened once for all tests.
var devices []*dev

func TestMain(m *testing.M) {
	found, err := driver.Devices()
	if err != nil {
		fmt.Fprintln(os.Stderr, "devices:", err)
	}
	for _, info := range found {
		d, err := driver.Open(info.UUID)
		if err != nil {
			fmt.Fprintln(os.Stderr, "open:", err)
			os.Exit(1)
		}
		devices = append(devices, newDev(d))
	}
	code := 0
	if os.Getenv(mutantsVariable) == "" {
		code = m.Run()
		if f := flag.Lookup("test.run"); code == 0 && len(devices) > 0 && f.Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
			for _, fault := range missing() {
				fmt.Fprintln(os.Stderr, fault)
				code = 1
			}
		}
	} else if err := mutationRun(m); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		code = 1
	}
	for _, d := range devices {
		d.Close()
	}
	os.Exit(code)
}

func newDev(d *driver.Device) *dev {
	v := &dev{Device: d, kernels: map[string]*driver.Kernel{}, modules: map[string]*driver.Module{}, ptx: map[string]Module{}}
	for _, m := range Modules() {
		for _, k := range m.Kernels {
			v.ptx[k] = m
		}
	}
	return v
}

// onEach runs a test body on every device found; without one it is skipped.
func onEach(t *testing.T, body func(t *testing.T, d *dev)) {
	t.Helper()
	if len(devices) == 0 {
		t.Skip("no CUDA device, real or simulated")
	}
	for _, d := range devices {
		t.Run(d.Info().Name, func(t *testing.T) { body(t, d) })
	}
}

func (d *dev) kernel(t *testing.T, name string) *driver.Kernel {
	t.Helper()
	if k := d.kernels[name]; k != nil {
		return k
	}
	m, ok := d.ptx[name]
	if !ok {
		t.Fatalf("no kernel is called %s", name)
	}
	if d.modules[m.Name] == nil {
		loaded, err := d.Load([]byte(m.PTX))
		if err != nil {
			t.Fatal(err)
		}
		d.modules[m.Name] = loaded
	}
	k, err := d.modules[m.Name].Function(name)
	if err != nil {
		t.Fatal(err)
	}
	d.kernels[name] = k
	return k
}

// result is a buffer that a kernel fills; it begins as NaN. start, when given, is what
// it begins as instead.
type result struct {
	n     int
	start []float32
	got   []float32
}

func out(n int) *result { return &result{n: n} }

func inout(v []float32) *result { return &result{n: len(v), start: v} }

// guardWords of NaN lie before and behind every buffer on a real device. The
// simulated one knows every buffer's end itself and tells of one byte too far.
const guardWords = 64

const guardBits = 0x7fc0dead

// held is one argument's memory.
type held struct {
	buffer *driver.Buffer
	guard  int // bytes on each side
	words  []uint32
	result *result
}

// run launches a kernel: slices are copied in, results come back, nil is a null
// pointer. Afterwards inputs must be unchanged and guards whole.
func (d *dev) run(t *testing.T, name string, grid [3]int, block int, args ...any) {
	t.Helper()
	note(name, block, args)
	var all []held
	defer func() {
		for _, h := range all {
			h.buffer.Free()
		}
	}()
	real := make([]any, len(args))
	for i, a := range args {
		var words []uint32
		var r *result
		switch v := a.(type) {
		case nil:
			real[i] = driver.Ptr(0)
			continue
		case []float32:
			for _, x := range v {
				words = append(words, math.Float32bits(x))
			}
		case []int32:
			for _, x := range v {
				words = append(words, uint32(x))
			}
		case []uint16:
			words = make([]uint32, (len(v)+1)/2)
			for k, x := range v {
				words[k/2] |= uint32(x) << (k % 2 * 16)
			}
		case []uint8:
			words = make([]uint32, (len(v)+3)/4)
			for k, x := range v {
				words[k/4] |= uint32(x) << (k % 4 * 8)
			}
		case *result:
			r = v
			for k := range v.n {
				if v.start != nil {
					words = append(words, math.Float32bits(v.start[k]))
				} else {
					words = append(words, 0x7fc00000)
				}
			}
		default:
			real[i] = a
			continue
		}
		h := d.hold(t, words)
		h.result = r
		all = append(all, h)
		real[i] = h.buffer.At(h.guard)
	}
	if mutation != nil {
		mutation.launch(t, d, name, grid, block, real, all)
		return
	}
	if err := d.kernel(t, name).Launch(nil, grid, [3]int{block, 1, 1}, 0, real...); err != nil {
		t.Fatal(err)
	}
	if err := d.Synchronize(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i, h := range all {
		h.check(t, fmt.Sprintf("%s, buffer %d", name, i))
	}
}

func (d *dev) hold(t *testing.T, words []uint32) held {
	t.Helper()
	h := held{words: words}
	whole := words
	if !d.Info().Simulated {
		h.guard = 4 * guardWords
		whole = make([]uint32, guardWords+len(words)+guardWords)
		for i := range whole {
			whole[i] = guardBits
		}
		copy(whole[guardWords:], words)
	}
	var err error
	if h.buffer, err = driver.Upload(d.Device, whole); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h held) check(t *testing.T, what string) {
	t.Helper()
	whole, err := driver.Download[uint32](h.buffer, len(h.words)+h.guard/2)
	if err != nil {
		t.Fatal(err)
	}
	g := h.guard / 4
	for i, w := range whole {
		if (i < g || i >= g+len(h.words)) && w != guardBits {
			t.Fatalf("%s: the guard at word %d was overwritten", what, i-g)
		}
	}
	whole = whole[g : g+len(h.words)]
	if h.result == nil {
		for i, w := range whole {
			if w != h.words[i] {
				t.Fatalf("%s: word %d of an input was changed", what, i)
			}
		}
		return
	}
	h.result.got = make([]float32, len(whole))
	for i, w := range whole {
		h.result.got[i] = math.Float32frombits(w)
	}
}

// near compares with what float64 says: |got - want| <= tolerance · (1 + |want|); Inf and
// NaN must agree in kind.
func near(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := float64(got[i])
		if float64(float32(w)) == g || (w != w && g != g) {
			continue
		}
		if math.IsInf(w, 0) || !(math.Abs(g-w) <= tolerance*(1+math.Abs(w))) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, g, w)
		}
	}
}

// nearSum is near for sums whose parts may cancel: |got - want| <= tolerance · (1 + size) where size is the sum of the parts' sizes.
func nearSum(t *testing.T, what string, got []float32, want, size []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := float64(got[i])
		if float64(float32(w)) == g || (w != w && g != g) {
			continue
		}
		if w != w || math.IsInf(w, 0) || !(math.Abs(g-w) <= tolerance*(1+size[i])) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, g, w)
		}
	}
}

// random gives n normal values; the same seed gives the same ones.
func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 77))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// spiky has values of very different sizes, some of them huge.
func spiky(seed uint64, n int) []float32 {
	v := random(seed, n)
	for i := range v {
		if i%7 == 3 {
			v[i] *= 1e4
		}
		if i%11 == 5 {
			v[i] *= 1e-6
		}
	}
	return v
}

// odd puts NaN and both infinities into random values.
func odd(seed uint64, n int) []float32 {
	v := random(seed, n)
	for i, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if n > 0 {
			v[(i*5+1)%n] = float32(x)
		}
	}
	return v
}

// wild has everything: values of very different sizes, NaN and both infinities.
func wild(seed uint64, n int) []float32 {
	v := spiky(seed, n)
	for i, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if at := i*4 + 2; at < n {
			v[at] = float32(x)
		}
	}
	return v
}

// within is near for sums of values of very different sizes: the tolerance is for the product of the greatest of each input.
func within(t *testing.T, what string, got []float32, want []float64, tolerance float64, inputs ...[]float32) {
	t.Helper()
	scale := 1.0
	for _, v := range inputs {
		most := 1.0
		for _, x := range v {
			if a := math.Abs(float64(x)); a > most && !math.IsInf(a, 0) {
				most = a
			}
		}
		scale *= most
	}
	size := make([]float64, len(want))
	for i := range size {
		size[i] = scale
	}
	nearSum(t, what, got, want, size, tolerance)
}

func ceil(a, b int) int { return (a + b - 1) / b }

// cut is the kernels' clamp: it keeps NaN.
func cut(x, lo, hi float64) float64 {
	if x < lo {
		return lo
	}
	if x > hi {
		return hi
	}
	return x
}

var inf = float32(math.Inf(1))
