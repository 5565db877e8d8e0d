// Package lucas follows points from one grey frame to the next: pyramidal
// Lucas-Kanade (Lucas and Kanade 1981; pyramids after Bouguet 2001), checked
// forward and backward. It reads small windows only, keeps the coarse levels of the last
// frames and needs no OpenCV.
package lucas

/*
#cgo CFLAGS: -O3 -ffast-math -Wall
#cgo LDFLAGS: -lm
#include "lucas.h"
*/
import "C"

import (
	"runtime"
	"unsafe"

	"classlens/vision/scene"
	"classlens/vision/track"
)

// Parameters: a window of 13 x 13 pixels on three levels follows about 12
// pixels of motion; a point counts when it comes back within a pixel.
const (
	levels = 3
	back   = 1.0
	least  = 32 // pixels of a level's shorter side
	kept   = 24 // frames whose coarse levels are remembered: heads are followed back over some steps
)

// Follower keeps the coarse levels of the frames it saw last. The zero value is
// ready; not for several goroutines.
type Follower struct {
	recent []pyramid
	next   int
}

// pyramid is a frame with its coarse levels, the finest first.
type pyramid struct {
	level []plane
}

type plane struct {
	w, h int
	pix  []byte // (h, w)
}

// plain makes all followers use the kernels that every machine has. For tests.
func plain(on bool) {
	C.cl_lucas_plain = 0
	if on {
		C.cl_lucas_plain = 1
	}
}

// Follow implements track.Follower. Frames of different sizes follow nothing.
func (f *Follower) Follow(a, b scene.Gray, pts []track.Point) ([]track.Point, []bool) {
	moved, ok := make([]track.Point, len(pts)), make([]bool, len(pts))
	copy(moved, pts)
	if len(pts) == 0 || a.Width != b.Width || a.Height != b.Height || min(a.Width, a.Height) < least || len(a.Pix) < a.Width*a.Height || len(b.Pix) < b.Width*b.Height {
		return moved, ok
	}
	from, to, sure := make([]C.float, 2*len(pts)), make([]C.float, 2*len(pts)), make([]C.uchar, len(pts))
	for i, p := range pts {
		from[2*i], from[2*i+1] = -1, -1 // outside: followed nowhere
		if p.X >= 0 && p.Y >= 0 && p.X < float64(a.Width) && p.Y < float64(a.Height) {
			from[2*i], from[2*i+1] = C.float(p.X), C.float(p.Y)
		}
	}
	pa, pb := f.of(a), f.of(b)
	var pin runtime.Pinner
	defer pin.Unpin()
	ca, cb := pa.planes(&pin), pb.planes(&pin)
	C.cl_lucas_follow(&ca[0], &cb[0], C.int(len(ca)), &from[0], C.int(len(pts)), back, &to[0], &sure[0])
	for i := range pts {
		if sure[i] == 0 {
			continue
		}
		moved[i], ok[i] = track.Point{X: float64(to[2*i]), Y: float64(to[2*i+1])}, true
	}
	return moved, ok
}

// planes are the levels as C sees them, for the length of one call.
func (p pyramid) planes(pin *runtime.Pinner) []C.cl_lucas_plane {
	out := make([]C.cl_lucas_plane, len(p.level))
	for i, l := range p.level {
		pin.Pin(&l.pix[0])
		out[i] = C.cl_lucas_plane{(*C.uchar)(unsafe.Pointer(&l.pix[0])), C.int(l.w), C.int(l.h)}
	}
	return out
}

// of gives a frame's pyramid, built once for the frames seen last. A frame is
// known by its memory, which nobody writes to again.
func (f *Follower) of(g scene.Gray) pyramid {
	for _, p := range f.recent {
		if &p.level[0].pix[0] == &g.Pix[0] {
			return p
		}
	}
	p := pyramid{[]plane{{g.Width, g.Height, g.Pix}}}
	for l := p.level[0]; len(p.level) < levels && min(l.w, l.h) >= 2*least; {
		half := plane{l.w / 2, l.h / 2, make([]byte, (l.w/2)*(l.h/2))}
		C.cl_lucas_halve((*C.uchar)(unsafe.Pointer(&l.pix[0])), C.int(l.w), C.int(l.h), (*C.uchar)(unsafe.Pointer(&half.pix[0])))
		p.level = append(p.level, half)
		l = half
	}
	if len(f.recent) < kept {
		f.recent = append(f.recent, p)
	} else {
		f.recent[f.next] = p
		f.next = (f.next + 1) % kept
	}
	return p
}
