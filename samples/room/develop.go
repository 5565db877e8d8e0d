package room

import "math"

// film maps linear light 0..4 in 1/1024 steps to a byte: a filmic curve (the
// ACES fit of Narkowicz), then gamma 2.2.
var film = func() (t [4096]float32) {
	for i := range t {
		v := float64(i) / 1024
		v = v * (2.51*v + .03) / (v*(2.43*v+.59) + .14)
		t[i] = float32(255 * math.Pow(min(max(v, 0), 1), 1/2.2))
	}
	return t
}()

// develop makes 8-bit RGB, (h, w, 3): the lens, a slight blur, a vignette, the
// film and the sensor's noise, sd in grey levels.
func develop(c *Camera, in []Vec, seed uint64, sd float32) []uint8 {
	w, h := c.W, c.H
	src := in
	if c.lens != nil {
		src = make([]Vec, w*h)
		for i, at := range c.lens {
			x, y := int(at)%(w*c.Over)/c.Over, int(at)/(w*c.Over)/c.Over
			src[i] = in[y*w+x]
		}
	}
	noise := noiseSource(seed)
	out := make([]uint8, w*h*3)
	for y := range h {
		up, down := max(y-1, 0)*w, min(y+1, h-1)*w
		for x := range w {
			i := y*w + x
			l, r := i-min(x, 1), i+min(w-1-x, 1)
			p := src[i].Mul(.68).Add(src[l].Add(src[r]).Add(src[up+x]).Add(src[down+x]).Mul(.08))
			dx, dy := float32(x)/float32(w)-.5, float32(y)/float32(h)-.5
			p = p.Mul((1 - .45*(dx*dx+dy*dy)) * 1024)
			grey := noise.normal() * sd
			out[i*3] = byteOf(film[index(p.X)] + grey + noise.normal()*sd*.5)
			out[i*3+1] = byteOf(film[index(p.Y)] + grey + noise.normal()*sd*.5)
			out[i*3+2] = byteOf(film[index(p.Z)] + grey + noise.normal()*sd*.5)
		}
	}
	return out
}

func index(v float32) int { return int(clamp(v, 0, 4095)) }

func byteOf(v float32) uint8 { return uint8(clamp(v+.5, 0, 255)) }
