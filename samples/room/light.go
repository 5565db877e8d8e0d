package room

import (
	"math"
	"math/rand"
)

// Light is the room's state at one moment, each about 0..1.
type Light struct {
	Window float32 // daylight
	Lamp   float32
	Gain   float32 // the camera's exposure
}

// disk is sixteen places spread over the unit disk.
var disk = func() (d [16][2]float32) {
	r := rand.New(rand.NewSource(7))
	for i := range d {
		a, l := r.Float64()*2*math.Pi, math.Sqrt((float64(i)+.5)/16)
		d[i] = [2]float32{float32(math.Cos(a) * l), float32(math.Sin(a) * l)}
	}
	return d
}()

// shader turns a buffer into a picture in linear light.
type shader struct {
	b        *buffer
	c        *Camera
	win, top *shadow
	to       Vec // where the windows' light comes from
	l        Light
	x0       float32 // the window wall
	ao       []float32
	m        Mat
	wl, tl   Vec
}

// pos is the place seen at a sample.
func (s *shader) pos(x, y int) Vec {
	z := s.b.z[y*s.b.w+x]
	q := Vec{(float32(x) + .5 - float32(s.b.w)/2) / s.c.F * z, (float32(s.b.h)/2 - float32(y) - .5) / s.c.F * z, z}
	return s.c.Pos.Add(s.m.V(q))
}

// shade gives the picture in linear light, (h, w) without lens: one pixel of
// Over by Over samples.
func (s *shader) shade(out []Vec) {
	o := s.c.Over
	w, h := s.b.w/o, s.b.h/o
	s.m = s.c.R.T()
	s.wl, s.tl = Vec{1.0, .97, .90}.Mul(s.l.Window), Vec{1, .96, .88}.Mul(s.l.Lamp)
	if len(s.ao) != w*h {
		s.ao = make([]float32, w*h)
	}
	s.occlusion(w, h)
	share := 1 / float32(o*o) * s.l.Gain
	for y := range h {
		for x := range w {
			a := s.smoothOcclusion(x, y, w, h)
			if col, ok := s.flat(x, y, a); ok {
				out[y*w+x] = col.Mul(s.l.Gain)
				continue
			}
			var sum Vec
			for k := range o * o {
				sum = sum.Add(s.sample(x*o+k%o, y*o+k/o, a, k))
			}
			out[y*w+x] = sum.Mul(share)
		}
	}
}

// occlusion is how much of the sky over a pixel is free, from ten looks around
// within .3 m.
func (s *shader) occlusion(w, h int) {
	o := s.c.Over
	for y := range h {
		for x := range w {
			i := y*o*s.b.w + x*o
			R := clamp(.3*s.c.F/s.b.z[i], 3, 90)
			P, N := s.pos(x*o, y*o), s.b.n[i]
			occ := float32(0)
			rp := (x&3)*4 + y&3
			for k := range 10 {
				d := disk[(k*3+rp)&15]
				r := R * (.15 + .85*float32((k+rp)%10)/10)
				sx, sy := o*x+int(d[0]*r), o*y+int(d[1]*r)
				if sx < 0 || sy < 0 || sx >= s.b.w || sy >= s.b.h {
					continue
				}
				v := s.pos(sx, sy).Sub(P)
				if l := v.Dot(v); l < .36 && l > 1e-6 {
					l = sqrt(l)
					occ += max(v.Dot(N)/l-.12, 0) * (1 - l/.6)
				}
			}
			s.ao[y*w+x] = clamp(1-occ/10*2.6, .15, 1)
		}
	}
}

// smoothOcclusion is a 4x4 mean, kept to the same surface.
func (s *shader) smoothOcclusion(x, y, w, h int) float32 {
	o := s.c.Over
	z0 := s.b.z[y*o*s.b.w+x*o]
	sum, n := float32(0), float32(0)
	for yy := max(y-1, 0); yy <= min(y+2, h-1); yy++ {
		for xx := max(x-1, 0); xx <= min(x+2, w-1); xx++ {
			if abs(s.b.z[yy*o*s.b.w+xx*o]-z0) < .15 {
				sum += s.ao[yy*w+xx]
				n++
			}
		}
	}
	return sum / max(n, 1)
}

// flat lights a pixel once where all its samples are of one surface: most are.
func (s *shader) flat(x, y int, ao float32) (Vec, bool) {
	o := s.c.Over
	i := y*o*s.b.w + x*o
	id, kind, z := s.b.id[i], s.b.kind[i], s.b.z[i]
	var al, n Vec
	for k := range o * o {
		j := i + k/o*s.b.w + k%o
		if s.b.id[j] != id || s.b.kind[j] != kind || abs(s.b.z[j]-z) > .04*z || s.b.n[j].Dot(s.b.n[i]) < .8 {
			return Vec{}, false
		}
		al, n = al.Add(s.b.albedo[j]), n.Add(s.b.n[j])
	}
	return s.lit(s.pos(x*o, y*o), n.Unit(), al.Mul(1/float32(o*o)), kind, ao, scatter(x, y)), true
}

func (s *shader) sample(x, y int, ao float32, k int) Vec {
	i := y*s.b.w + x
	return s.lit(s.pos(x, y), s.b.n[i], s.b.albedo[i], s.b.kind[i], ao, scatter(x, y)+k)
}

// lit is the light that a surface sends to the camera: sky and ground, the
// windows' and the lamps' directed light with shadows, and a shine.
func (s *shader) lit(P, N, al Vec, kind uint8, ao float32, px int) Vec {
	k := kind &^ headBit
	if k == kindGlow {
		return al.Mul(.25 + .75*s.l.Window)
	}
	wrap := float32(.05)
	if k == kindSkin {
		wrap = .25
	}
	V := s.c.Pos.Sub(P).Unit()
	sky, ground := Vec{.44, .45, .47}, Vec{.27, .245, .21}
	e := ground.Lerp(sky, N.Y*.5+.5).Mul((.9 + .35*max(N.Dot(V), 0)) * ao * (.42*s.l.Window + .5*s.l.Lamp))
	nw := clamp((N.Dot(s.to)+wrap)/(1+wrap), 0, 1)
	nt := clamp((N.Y+.35+wrap)/(1.35+wrap), 0, 1)
	lw, lt := float32(0), float32(0)
	if nw > 0 { // falls off into the room
		lw = s.win.lit(P, N, .12, px) * nw * clamp(1.15-.10*(P.X-s.x0-.5), .35, 1.2)
	}
	if nt > 0 {
		lt = nt * s.top.lit(P, N, .18, px+5)
	}
	e = e.Add(s.wl.Mul(lw * (.35 + .65*ao))).Add(s.tl.Mul(lt * .5 * (.35 + .65*ao)))
	col := al.times(e)
	shine, sharp := float32(0), 0
	switch k {
	case kindSkin:
		shine, sharp = .05, 24
		col.X *= 1.05
	case kindHair:
		shine, sharp = .06, 40
	case kindEye, kindGlass:
		shine, sharp = .5, 80
	}
	if shine > 0 {
		hw, ht := V.Add(s.to).Unit(), V.Add(Vec{0, 1, 0}).Unit()
		col = col.Add(s.wl.Mul(shine * lw * power(max(N.Dot(hw), 0), sharp))).Add(s.tl.Mul(shine * lt * power(max(N.Dot(ht), 0), sharp)))
	}
	return Vec{min(col.X, 2), min(col.Y, 2), min(col.Z, 2)}
}

// scatter is a number that differs from pixel to pixel without a pattern, so
// that coarse shadow taps show as grain.
func scatter(x, y int) int {
	h := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77
	h ^= h >> 15
	h *= 0x2c1b3c6d
	return int(h >> 20)
}

// power is x to a whole power.
func power(x float32, n int) float32 {
	r := float32(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			r *= x
		}
		x *= x
	}
	return r
}
