package room

import (
	"math"
	"math/rand"
	"sort"
)

// hash3 is a fixed pseudo-random number in 0..1 of a lattice point.
func hash3(x, y, z int) float32 {
	h := uint32(x*73856093) ^ uint32(y*19349663) ^ uint32(z*83492791)
	h ^= h >> 13
	h *= 0x5bd1e995
	h ^= h >> 15
	return float32(h&0xffff) / 65535
}

// noise2 is smooth value noise in 0..1 with one lattice point a unit.
func noise2(x, y float32) float32 {
	xi, yi := floor(x), floor(y)
	fx, fy := smooth(x-float32(xi)), smooth(y-float32(yi))
	a := mixf(hash3(xi, yi, 1), hash3(xi+1, yi, 1), fx)
	b := mixf(hash3(xi, yi+1, 1), hash3(xi+1, yi+1, 1), fx)
	return mixf(a, b, fy)
}

// noiseSource is a small fast generator of sensor noise (splitmix64); the sum
// of four uniform bytes-wide numbers stands for a normal one.
type noiseSource uint64

func (s *noiseSource) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// normal has mean 0 and variance 1.
func (s *noiseSource) normal() float32 {
	z := s.next()
	sum := int32(z&0xffff) + int32(z>>16&0xffff) + int32(z>>32&0xffff) + int32(z>>48)
	return float32(sum-131070) * (1.7320508 / 65536)
}

// derive gives a generator for the n-th thing made from a seed, so that things
// do not depend on how many numbers others drew before.
func derive(seed int64, n int) *rand.Rand {
	s := noiseSource(uint64(seed)*0x9e3779b97f4a7c15 + uint64(n)*0xd1b54a32d192ed03)
	return rand.New(rand.NewSource(int64(s.next())))
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.Intn(len(of))] }

func uniform(r *rand.Rand, a, b float32) float32 { return a + (b-a)*r.Float32() }

func side(r *rand.Rand) float32 { return float32(1 - 2*r.Intn(2)) }

// sorted lists a map's keys in order: ranging over the map itself would draw
// random numbers in another order each run.
func sorted[T any](m map[string]T) []string {
	k := make([]string, 0, len(m))
	for n := range m {
		k = append(k, n)
	}
	sort.Strings(k)
	return k
}

// hsv is a linear colour of hue, saturation and value, each 0..1.
func hsv(h, s, v float32) Vec {
	h -= float32(math.Floor(float64(h)))
	i := int(h * 6)
	f := h*6 - float32(i)
	p, q, t := v*(1-s), v*(1-s*f), v*(1-s*(1-f))
	switch i % 6 {
	case 0:
		return Vec{v, t, p}
	case 1:
		return Vec{q, v, p}
	case 2:
		return Vec{p, v, t}
	case 3:
		return Vec{p, q, v}
	case 4:
		return Vec{t, p, v}
	}
	return Vec{v, p, q}
}
