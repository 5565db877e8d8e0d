package classroom

import (
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
)

func shippedNetwork(t testing.TB, threads int) *Network {
	t.Helper()
	n, err := Load(Default(), threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func randomPictures(n *Network, count int) ([][]byte, [][]float32) {
	r := rand.New(rand.NewPCG(3, 4))
	rgb, uv := make([][]byte, count), make([][]float32, count)
	for i := range rgb {
		rgb[i] = make([]byte, 3*n.Size()*n.Size())
		for k := range rgb[i] {
			rgb[i][k] = byte(r.Uint32())
		}
		if i%3 > 0 {
			uv[i] = make([]float32, 2*n.Size()*n.Size())
			for k := range uv[i] {
				uv[i][k] = r.Float32()*4 - 2
			}
		}
	}
	return rgb, uv
}

func TestDecisionsAreProbabilities(t *testing.T) {
	n := shippedNetwork(t, 2)
	rgb, uv := randomPictures(n, 7)
	e, err := n.Embed(rgb, uv)
	if err != nil {
		t.Fatal(err)
	}
	d, err := n.Decide([]Sequence{
		{Embeddings: [][]float32{e[0], e[1], e[2], e[3], e[4]}, Offsets: []float32{-2, -1, 0, 1, 2}},
		{Embeddings: [][]float32{nil, nil, e[5], nil, e[6]}, Offsets: []float32{-2, -1, 0, 1, 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range d {
		var b, g, m float64
		for _, p := range x.Behaviour {
			b += float64(p)
		}
		for _, p := range x.Engagement {
			if p < -1e-6 {
				t.Errorf("decision %d: level probabilities %v", i, x.Engagement)
			}
			g += float64(p)
		}
		for _, p := range x.Moments {
			m += float64(p)
		}
		if math.Abs(b-1) > 1e-4 || math.Abs(g-1) > 1e-4 || math.Abs(m-1) > 1e-4 || x.Attention < 0 || x.Attention > 1 {
			t.Errorf("decision %d: %+v", i, x)
		}
	}
	if m := d[1].Moments; m[0] > 1e-6 || m[1] > 1e-6 || m[3] > 1e-6 {
		t.Errorf("hidden steps weigh %v", m)
	}
}

// What is hidden must not change the decision, whatever its embedding was.
func TestHiddenStepsAreNotSeen(t *testing.T) {
	n := shippedNetwork(t, 1)
	rgb, uv := randomPictures(n, 3)
	e, err := n.Embed(rgb, uv)
	if err != nil {
		t.Fatal(err)
	}
	long, err := n.Decide([]Sequence{{Embeddings: [][]float32{nil, e[0], e[1], e[2], nil}, Offsets: []float32{-9, -1, 0, 1, 7}}})
	if err != nil {
		t.Fatal(err)
	}
	short, err := n.Decide([]Sequence{{Embeddings: e, Offsets: []float32{-1, 0, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range long[0].Behaviour {
		if d := math.Abs(float64(long[0].Behaviour[i] - short[0].Behaviour[i])); d > 1e-5 {
			t.Errorf("%s differs by %.2g", Behaviours[i], d)
		}
	}
}

// A student and step, of those networks that see the picture: processor time, since the
// clock tells also of the neighbours.
func BenchmarkEmbed32(b *testing.B) {
	for _, size := range []string{"s", "m"} {
		b.Run(size, func(b *testing.B) {
			onnx, err := Shipped(size)
			if err != nil {
				b.Fatal(err)
			}
			n, err := Load(onnx, 1)
			if err != nil {
				b.Fatal(err)
			}
			defer n.Close()
			rgb, uv := randomPictures(n, 32)
			used := func() float64 {
				var u syscall.Rusage
				if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
					b.Fatal(err)
				}
				return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6
			}
			count, start := 0, used()
			for b.Loop() {
				if _, err := n.Embed(rgb, uv); err != nil {
					b.Fatal(err)
				}
				count += len(rgb)
			}
			b.ReportMetric((used()-start)*1000/float64(count), "cpu-ms/student")
		})
	}
}

// BenchmarkDecide32 is the temporal part for 32 students at one step, of 16 steps around it.
func BenchmarkDecide32(b *testing.B) {
	n := shippedNetwork(b, 1)
	rgb, uv := randomPictures(n, 2)
	e, err := n.Embed(rgb, uv)
	if err != nil {
		b.Fatal(err)
	}
	seqs := make([]Sequence, 32)
	for i := range seqs {
		for k := range 16 {
			seqs[i].Embeddings, seqs[i].Offsets = append(seqs[i].Embeddings, e[(i+k)%2]), append(seqs[i].Offsets, float32(k-8))
		}
		seqs[i].Direction = n.Direction(e)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Decide(seqs); err != nil {
			b.Fatal(err)
		}
	}
}

// The networks that ship were trained without flow and say so; what flow they are given changes nothing.
func TestSeesFlow(t *testing.T) {
	for _, size := range []string{"s", "m"} {
		onnx, err := Shipped(size)
		if err != nil {
			t.Fatal(err)
		}
		n, err := Load(onnx, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		area := n.Size() * n.Size()
		rgb, uv := make([]byte, 3*area), make([]float32, 2*area)
		for i := range uv {
			uv[i] = .5
		}
		for i := range rgb {
			rgb[i] = byte(i)
		}
		e, err := n.Embed([][]byte{rgb, rgb}, [][]float32{nil, uv})
		if err != nil {
			t.Fatal(err)
		}
		if same := slices.Equal(e[0], e[1]); same == n.SeesFlow() {
			t.Errorf("%s: sees flow %v, embeddings the same %v", size, n.SeesFlow(), same)
		}
	}
}
