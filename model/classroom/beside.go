package classroom

import (
	"bytes"
	"fmt"
	"math"

	"classlens/model"
)

// besideLarge is the network that the large one that ships decides together with: it sees the
// picture, not points, and errs elsewhere. docs/measured.md has what that brings.
const besideLarge = "m"

// besideOf is the ONNX file of the network that one decides together with; nil: it decides alone, as all but the large one that ships do.
func besideOf(onnx []byte) ([]byte, error) {
	large, err := Shipped("l")
	if err != nil || !bytes.Equal(onnx, large) {
		return nil, err
	}
	return Shipped(besideLarge)
}

// attachBeside loads the network beside this one, where there is one.
func (n *Network) attachBeside(onnx []byte, o model.Options) error {
	other, err := besideOf(onnx)
	if err != nil || other == nil {
		return err
	}
	if n.beside, err = LoadOn(other, o); err != nil {
		return err
	}
	if n.Size() != 2*n.beside.Size() {
		return fmt.Errorf("pictures of %d pixels are not twice those of %d", n.Size(), n.beside.Size())
	}
	return nil
}

// embedBeside appends to each embedding the other network's, of the same picture at half its side.
func (n *Network) embedBeside(e [][]float32, rgb [][]byte) ([][]float32, error) {
	half := make([][]byte, len(rgb))
	for i, p := range rgb {
		half[i] = halved(p, n.Size())
	}
	other, err := n.beside.Embed(half, make([][]float32, len(half)))
	if err != nil {
		return nil, err
	}
	return joined(e, other), nil
}

// joined are two networks' embeddings of the same pictures one after the other.
func joined(own, other [][]float32) [][]float32 {
	both := make([][]float32, len(own))
	for i := range own {
		both[i] = append(append(make([]float32, 0, len(own[i])+len(other[i])), own[i]...), other[i]...)
	}
	return both
}

// halved is a picture (side, side, 3) at half its side: means of two by two pixels.
func halved(rgb []byte, side int) []byte {
	half := side / 2
	out := make([]byte, 3*half*half)
	for y := range half {
		for x := range half {
			for c := range 3 {
				i := 3*(2*y*side+2*x) + c
				sum := int(rgb[i]) + int(rgb[i+3]) + int(rgb[i+3*side]) + int(rgb[i+3*side+3])
				out[3*(y*half+x)+c] = byte((sum + 2) / 4)
			}
		}
	}
	return out
}

// part gives the embeddings' numbers from one on, to another.
func part(embeddings [][]float32, from, to int) [][]float32 {
	out := make([][]float32, len(embeddings))
	for i, e := range embeddings {
		if e != nil {
			out[i] = e[from:to]
		}
	}
	return out
}

// ofBoth tells whether embeddings are this network's and the one's beside it (Embed), not its own alone (EmbedSights).
func (n *Network) ofBoth(embeddings [][]float32) bool {
	if n.beside == nil {
		return false
	}
	for _, e := range embeddings {
		if e != nil {
			return len(e) == n.dim+n.beside.dim
		}
	}
	return false
}

// decideBoth is Decide by both networks: the geometric mean of what they say of behaviour, of the rest the mean.
func (n *Network) decideBoth(seqs []Sequence) ([]Decision, error) {
	halves := [2][]Sequence{make([]Sequence, len(seqs)), make([]Sequence, len(seqs))}
	for i, s := range seqs {
		own, other := s, s
		if own.Direction = nil; s.Direction != nil {
			own.Direction, other.Direction = s.Direction[:n.directions], s.Direction[n.directions:]
		}
		own.Embeddings, other.Embeddings = part(s.Embeddings, 0, n.dim), part(s.Embeddings, n.dim, n.dim+n.beside.dim)
		halves[0][i], halves[1][i] = own, other
	}
	out, err := n.Decide(halves[0])
	if err != nil {
		return nil, err
	}
	others, err := n.beside.Decide(halves[1])
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = between(out[i], others[i])
	}
	return out, nil
}

// between is what two networks say together. A probability that one of them holds for nothing
// (surelyNot) does not silence the other.
func between(a, b Decision) Decision {
	const surelyNot = 1e-3
	sum := 0.0
	for k := range a.Behaviour {
		p := math.Sqrt((float64(a.Behaviour[k]) + surelyNot) * (float64(b.Behaviour[k]) + surelyNot))
		a.Behaviour[k] = float32(p)
		sum += p
	}
	for k := range a.Behaviour {
		a.Behaviour[k] = float32(float64(a.Behaviour[k]) / sum)
	}
	a.Attention = (a.Attention + b.Attention) / 2
	for k := range a.Engagement {
		a.Engagement[k] = (a.Engagement[k] + b.Engagement[k]) / 2
	}
	for k := range a.Moments {
		a.Moments[k] = (a.Moments[k] + b.Moments[k]) / 2
	}
	return a
}
