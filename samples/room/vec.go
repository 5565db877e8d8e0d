package room

import "math"

// Vec is a point or direction in metres.
type Vec struct{ X, Y, Z float32 }

// Add, Sub, Mul, Dot and Cross are the usual operations.
func (a Vec) Add(b Vec) Vec     { return Vec{a.X + b.X, a.Y + b.Y, a.Z + b.Z} }
func (a Vec) Sub(b Vec) Vec     { return Vec{a.X - b.X, a.Y - b.Y, a.Z - b.Z} }
func (a Vec) Mul(s float32) Vec { return Vec{a.X * s, a.Y * s, a.Z * s} }
func (a Vec) Dot(b Vec) float32 { return a.X*b.X + a.Y*b.Y + a.Z*b.Z }
func (a Vec) Cross(b Vec) Vec {
	return Vec{a.Y*b.Z - a.Z*b.Y, a.Z*b.X - a.X*b.Z, a.X*b.Y - a.Y*b.X}
}

// times multiplies part by part: a colour under a light.
func (a Vec) times(b Vec) Vec { return Vec{a.X * b.X, a.Y * b.Y, a.Z * b.Z} }

// Len is the length.
func (a Vec) Len() float32 { return sqrt(a.Dot(a)) }

// Lerp is a at t = 0 and b at t = 1.
func (a Vec) Lerp(b Vec, t float32) Vec { return a.Mul(1 - t).Add(b.Mul(t)) }

// Unit has length 1; of a zero vector it is straight up.
func (a Vec) Unit() Vec {
	l := a.Len()
	if l < 1e-9 {
		return Vec{0, 1, 0}
	}
	return a.Mul(1 / l)
}

// Mat is a 3x3 matrix, rows first.
type Mat [9]float32

// V applies the matrix to a vector.
func (m *Mat) V(a Vec) Vec {
	return Vec{m[0]*a.X + m[1]*a.Y + m[2]*a.Z, m[3]*a.X + m[4]*a.Y + m[5]*a.Z, m[6]*a.X + m[7]*a.Y + m[8]*a.Z}
}

// M is the product m·b.
func (m Mat) M(b Mat) (r Mat) {
	for i := 0; i < 3; i++ {
		for j := 0; j < 3; j++ {
			r[i*3+j] = m[i*3]*b[j] + m[i*3+1]*b[3+j] + m[i*3+2]*b[6+j]
		}
	}
	return r
}

// T is the transpose, the inverse of a rotation.
func (m Mat) T() Mat { return Mat{m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]} }

// rot turns by deg around a unit axis (Rodrigues).
func rot(axis Vec, deg float32) Mat {
	s64, c64 := math.Sincos(float64(deg) * math.Pi / 180)
	s, c := float32(s64), float32(c64)
	x, y, z := axis.X, axis.Y, axis.Z
	t := 1 - c
	return Mat{t*x*x + c, t*x*y - s*z, t*x*z + s*y, t*x*y + s*z, t*y*y + c, t*y*z - s*x, t*x*z - s*y, t*y*z + s*x, t*z*z + c}
}

func rx(d float32) Mat { return rot(Vec{1, 0, 0}, d) }
func ry(d float32) Mat { return rot(Vec{0, 1, 0}, d) }
func rz(d float32) Mat { return rot(Vec{0, 0, 1}, d) }

// turn is ry applied to one vector.
func turn(d float32, v Vec) Vec { m := ry(d); return m.V(v) }

// frameOf is the rotation whose columns are dir, the part of side normal to
// dir, and their cross product.
func frameOf(dir, side Vec) Mat {
	d := dir.Unit()
	s := side.Sub(d.Mul(side.Dot(d))).Unit()
	n := d.Cross(s)
	return Mat{d.X, s.X, n.X, d.Y, s.Y, n.Y, d.Z, s.Z, n.Z}
}

func clamp(x, a, b float32) float32 { return min(max(x, a), b) }
func sqrt(x float32) float32        { return float32(math.Sqrt(float64(x))) }
func sin(x float64) float32         { return float32(math.Sin(x)) }
func floor(x float32) int           { return int(math.Floor(float64(x))) }
func mixf(a, b, t float32) float32  { return a + (b-a)*t }

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}

// smooth is the smoothstep curve from 0 to 1.
func smooth(t float32) float32 {
	t = clamp(t, 0, 1)
	return t * t * (3 - 2*t)
}

// degrees is the direction of (x, z) seen from above: 0 along z, 90 along x.
func degrees(x, z float32) float32 {
	return float32(math.Atan2(float64(x), float64(z)) * 180 / math.Pi)
}

// nearTurn is the angle a plus whole turns, within half a turn of b.
func nearTurn(a, b float32) float32 {
	for a-b > 180 {
		a -= 360
	}
	for a-b < -180 {
		a += 360
	}
	return a
}
