package classroom

import (
	"errors"
	"fmt"
	"testing"

	"classlens/model/alloctest"
	"classlens/model/pretrained"
)

// Each network, on one thread and on two, after what it was asked for was asked for before: pictures to embeddings and sequences to
// decisions, in the caller's memory, allocate nothing.
func TestNothingIsAllocated(t *testing.T) {
	for _, size := range Sizes {
		onnx, err := Shipped(size)
		if err != nil {
			t.Fatal(err)
		}
		for threads := 1; threads <= 2; threads++ {
			t.Run(fmt.Sprint(size, threads), func(t *testing.T) {
				n, err := Load(onnx, threads)
				if errors.Is(err, pretrained.ErrMissing) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer n.Close()
				pictures := 2 * partRows // of which each lane takes whole parts, whichever they are
				if n.ThroughPose() {
					pictures = 1 // takes as long as 50 others
				}
				rgb, uv := randomPictures(n, pictures)
				e := make([][]float32, len(rgb))
				alloctest.Nothing(t, "Embed", func() error { return n.EmbedInto(e, rgb, uv) })
				seqs := make([]Sequence, 2*partRows)
				direction := n.Direction(e)
				for i := range seqs {
					seqs[i] = Sequence{Embeddings: [][]float32{e[i%len(e)], nil, e[0]}, Offsets: []float32{-1, 0, float32(i)}, Direction: direction}
				}
				d := make([]Decision, len(seqs))
				alloctest.Nothing(t, "Decide", func() error { return n.DecideInto(d, seqs) })
				want, err := n.Decide(seqs)
				if err != nil || fmt.Sprint(d) != fmt.Sprint(want) {
					t.Errorf("in place %v, in fresh memory %v, %v", d, want, err)
				}
			})
		}
	}
}
