package classroom

import (
	"bytes"
	"fmt"
	"math"

	"classlens/model"
)

// besideLarge is the network whose decisions are averaged with those of the shipped large one: it sees the
// picture, not points, and makes other mistakes. docs/measured.md says what that gains.
const besideLarge = "m"

// besideOf is the ONNX file of the second network for a given one; nil for all but the shipped large one.
func besideOf(onnx []byte) ([]byte, error) {
	large, err := Shipped("l")
	if err != nil || !bytes.Equal(onnx, large) {
		return nil, err
	}
	return Shipped(besideLarge)
}

// attachBeside loads the second network, if there is one.
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

// halves gives the pictures at half their side, and nil flow for each; they are valid until the next call.
func (n *Network) halves(rgb [][]byte) ([][]byte, [][]float32) {
	for len(n.half) < len(rgb) {
		n.half, n.noFlow = append(n.half, make([]byte, 3*n.beside.Size()*n.beside.Size())), append(n.noFlow, nil)
	}
	for i, p := range rgb {
		halve(n.half[i], p, n.Size())
	}
	return n.half[:len(rgb)], n.noFlow[:len(rgb)]
}

// joined concatenates two networks' embeddings of each picture.
func joined(own, other [][]float32) [][]float32 {
	both := make([][]float32, len(own))
	for i := range own {
		both[i] = append(append(make([]float32, 0, len(own[i])+len(other[i])), own[i]...), other[i]...)
	}
	return both
}

// halve shrinks a picture (side, side, 3) to half its side, by means of two by two pixels.
func halve(out, rgb []byte, side int) {
	half := side / 2
	for y := range half {
		for x := range half {
			for c := range 3 {
				i := 3*(2*y*side+2*x) + c
				sum := int(rgb[i]) + int(rgb[i+3]) + int(rgb[i+3*side]) + int(rgb[i+3*side+3])
				out[3*(y*half+x)+c] = byte((sum + 2) / 4)
			}
		}
	}
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

// decideBoth averages the decisions of both networks: behaviour by the geometric mean, the rest by the arithmetic mean.
func (n *Network) decideBoth(to []Decision, seqs []Sequence) error {
	whole := n.dim + n.beside.dim
	if err := n.decide(to, seqs, portion{whole: whole}); err != nil {
		return err
	}
	if more := len(seqs) - len(n.others); more > 0 {
		n.others = append(n.others, make([]Decision, more)...)
	}
	others := n.others[:len(seqs)]
	if err := n.beside.decide(others, seqs, portion{n.dim, n.directions, whole}); err != nil {
		return err
	}
	for i := range to {
		to[i] = between(to[i], others[i])
	}
	return nil
}

// between averages two decisions. surelyNot is added to probabilities before their geometric mean, so that neither
// network can veto a behaviour.
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
