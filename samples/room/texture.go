package room

import (
	"bytes"
	"image"
	"image/draw"
	_ "image/png" // the sheets' format
	"math"
)

// texture is a picture wrapped around a mesh: RGBA bytes, top row first.
type texture struct {
	w, h int
	p    []uint8
}

// linear maps a byte of a picture to linear light.
var linear = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(math.Pow(float64(i)/255, 2.2))
	}
	return t
}()

func (a *Assets) texture(name string) (*texture, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, ok := a.tex[name]; ok {
		return t, nil
	}
	raw, err := a.read(name)
	if err != nil {
		return nil, err
	}
	im, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	r := image.NewNRGBA(im.Bounds())
	draw.Draw(r, r.Bounds(), im, im.Bounds().Min, draw.Src)
	t := &texture{r.Rect.Dx(), r.Rect.Dy(), r.Pix}
	a.tex[name] = t
	return t, nil
}

// at gives the nearest texel in linear light and its alpha; u and v wrap, v
// runs upwards.
func (t *texture) at(u, v float32) (Vec, uint8) {
	u -= float32(floor(u))
	v -= float32(floor(v))
	x, y := min(int(u*float32(t.w)), t.w-1), min(int((1-v)*float32(t.h)), t.h-1)
	o := (y*t.w + x) * 4
	return Vec{linear[t.p[o]], linear[t.p[o+1]], linear[t.p[o+2]]}, t.p[o+3]
}

// light is the brightness of a linear colour.
func light(c Vec) float32 { return c.X*.3 + c.Y*.59 + c.Z*.11 }
