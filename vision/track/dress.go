package track

import (
	"math"

	"classlens/vision/scene"
)

// dress is what colours somebody wears: shares of brightness and of the two colour differences, in soft bins, of what lies
// below the chin. It is compared within a recording only, and never the face. The zero value says nothing.
type dress [dressLight + 2*dressColour]float32

const (
	dressLight  = 8 // bins of brightness, 0 to 255
	dressColour = 9 // bins of red and of blue less brightness, -dressRange to dressRange
	dressRange  = 80.0
	// Where it is read, in head sizes from the head's middle: from the chin to the chest, no wider than shoulders.
	dressFrom, dressTo, dressHalf = 0.7, 1.7, 0.8
	dressWide, dressHigh          = 10, 8 // places that are read
)

// dressOf reads the colours below a head; nothing where the frame has no picture or the chest is out of it.
func dressOf(f scene.Frame, head scene.Box) dress {
	var d dress
	if f.Width < 1 || f.Height < 1 || len(f.Pix) < 3*f.Width*f.Height {
		return d
	}
	cx, cy := head.Center()
	n := 0
	for j := range dressHigh {
		y := int(cy + head.H*(dressFrom+(dressTo-dressFrom)*float64(j)/(dressHigh-1)))
		if y < 0 || y >= f.Height {
			continue
		}
		for i := range dressWide {
			x := int(cx + head.W*dressHalf*(2*float64(i)/(dressWide-1)-1))
			if x < 0 || x >= f.Width {
				continue
			}
			p := f.Pix[3*(y*f.Width+x):]
			r, g, b := float64(p[0]), float64(p[1]), float64(p[2])
			light := 0.299*r + 0.587*g + 0.114*b
			soft(d[:dressLight], light/255)
			soft(d[dressLight:dressLight+dressColour], 0.5+(r-light)/(2*dressRange))
			soft(d[dressLight+dressColour:], 0.5+(b-light)/(2*dressRange))
			n++
		}
	}
	if 2*n < dressWide*dressHigh {
		return dress{}
	}
	for i := range d {
		d[i] /= float32(3 * n)
	}
	return d
}

// soft shares one among the two bins nearest to a value from 0 to 1.
func soft(bins []float32, v float64) {
	v = math.Min(math.Max(v, 0), 1) * float64(len(bins)-1)
	i := min(int(v), len(bins)-2)
	share := float32(v - float64(i))
	bins[i] += 1 - share
	bins[i+1] += share
}

// wears is the mean of what hits show.
func wears(hits []*hit) dress {
	var d dress
	n := float32(0)
	for _, h := range hits {
		if h.dress != (dress{}) {
			n++
			for i, v := range h.dress {
				d[i] += v
			}
		}
	}
	for i := range d {
		d[i] /= max(n, 1)
	}
	return d
}

// apartFrom is the Hellinger distance of what two wear, 0 to 1.
func (d *dress) apartFrom(e *dress) float64 {
	sum := 0.0
	for i, v := range d {
		sum += math.Sqrt(float64(v * e[i]))
	}
	return math.Sqrt(math.Max(1-sum, 0))
}

// wardrobe knows how far clothes of one person and of two lie apart in a recording: in some all wear the same.
type wardrobe struct {
	known         bool
	same, other   float64 // means of the distance
	sameSD, othSD float64
}

const (
	wardrobeHits  = 6 // of a tracklet whose halves are compared
	wardrobeLeast = 5 // pairs of each kind, before anything is said
	wardrobeMost  = 2000
	wardrobeSD    = 0.02 // the least, what noise makes
)

// learnDress compares finds of long tracklets: of one with each other, half its length apart, and of two at the same step.
func learnDress(all []*seat) wardrobe {
	var same, other []float64
	at := map[int][]*hit{}
	for _, s := range all {
		n := len(s.hits)
		if n < wardrobeHits {
			continue
		}
		for i, h := range s.hits {
			if h.dress == (dress{}) {
				continue
			}
			if g := s.hits[(i+n/2)%n]; i < n/2 && g.dress != (dress{}) && len(same) < wardrobeMost {
				same = append(same, h.dress.apartFrom(&g.dress))
			}
			for _, g := range at[h.step] {
				if len(other) < wardrobeMost {
					other = append(other, h.dress.apartFrom(&g.dress))
				}
			}
			at[h.step] = append(at[h.step], h)
		}
	}
	if len(same) < wardrobeLeast || len(other) < wardrobeLeast {
		return wardrobe{}
	}
	w := wardrobe{known: true}
	w.same, w.sameSD = normal(same)
	w.other, w.othSD = normal(other)
	return w
}

func normal(v []float64) (mean, sd float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, math.Max(math.Sqrt(sd), wardrobeSD)
}

// others is the log of how many times likelier two people wear the like than one, from -dressMost to dressMost; 0 where nothing is known.
func (w *wardrobe) others(a, b *dress) float64 {
	if !w.known || *a == (dress{}) || *b == (dress{}) || w.other <= w.same {
		return 0
	}
	d := math.Min(math.Max(a.apartFrom(b), w.same), w.other) // beyond the means likelihoods of tails would say the contrary
	s, o := (d-w.same)/w.sameSD, (d-w.other)/w.othSD
	return math.Min(math.Max((s*s-o*o)/2+math.Log(w.sameSD/w.othSD), -dressMost), dressMost)
}

const dressMost = 3.0
