package exec

import "fmt"

// Taps are the source places from which one place along an axis is computed: the first of them, and one weight for each.
type Taps struct {
	First   int
	Weights []float32
}

// FrameInput makes a detector's input, Y (1, 3, ph, pw), from a frame of (Height, Width, 3) bytes in Frame, whose size is counted in
// words of 4 bytes. Rows and Columns say from which pixels the whole input is computed; At (2) holds two integers, the column and
// row of the whole input at which Y begins. Each value v becomes v·Gain + Bias; outside the picture, Y is 0.
type FrameInput struct {
	Frame, At, Y  int
	Width, Height int
	Rows, Columns []Taps
	Gain, Bias    float32
}

func (f *FrameInput) reads() []int { return []int{f.Frame, f.At} }
func (f *FrameInput) writes() int  { return f.Y }

func (f *FrameInput) emit(b *builder) error {
	y := b.shape(f.Y)
	if len(y) != 4 || y[0] != 1 || y[1] != 3 || len(f.Rows) == 0 || len(f.Columns) == 0 {
		return fmt.Errorf("an input of shape %v from %d x %d places, want (1, 3, H, W)", y, len(f.Columns), len(f.Rows))
	}
	if words := FrameWords(f.Width, f.Height); b.program.size(f.Frame) != words {
		return fmt.Errorf("a frame of %d x %d is %d words, not %d", f.Width, f.Height, words, b.program.size(f.Frame))
	}
	var firsts []int32
	var weights []float32
	var most [2]int
	for axis, taps := range [][]Taps{f.Rows, f.Columns} {
		for _, t := range taps {
			most[axis] = max(most[axis], len(t.Weights))
		}
		for _, t := range taps {
			firsts = append(firsts, int32(t.First))
			weights = append(weights, fill(t.Weights, 1, most[axis])...)
		}
	}
	where, err := b.net.ints("", func() []int32 { return firsts })
	if err != nil {
		return err
	}
	shares, err := b.net.floats(weights)
	if err != nil {
		return err
	}
	b.launch("frame_input", [3]int{ceil(y[2]*y[3], 128), 1, 1}, 128, b.at(f.Frame), b.at(f.At), where, shares, b.at(f.Y),
		f.Height, f.Width, len(f.Rows), len(f.Columns), most[0], most[1], y[2], y[3], f.Gain, f.Bias)
	return nil
}

// FrameWords is how many words of 4 bytes a frame with three bytes per pixel takes.
func FrameWords(width, height int) int { return ceil(3*width*height, 4) }

// Peaks finds the cells above Above in the first Planes planes of Heat, (.., h, w), that are the highest within Reach (0: all of them).
// Y (2·Most + 1) receives pairs of a place and its value, then their number, which may exceed Most: see Found.
type Peaks struct {
	Heat, Y       int
	Planes, Reach int
	Above         float32
	Most          int
}

func (p *Peaks) reads() []int { return []int{p.Heat} }
func (p *Peaks) writes() int  { return p.Y }

func (p *Peaks) emit(b *builder) error {
	x := b.shape(p.Heat)
	if len(x) != 4 || x[0] != 1 || p.Planes < 1 || p.Planes > x[1] || b.program.size(p.Y) != 2*p.Most+1 {
		return fmt.Errorf("peaks in %d planes of shape %v, at most %d", p.Planes, x, p.Most)
	}
	count := offset{p.Y, 2 * p.Most}
	b.zero(count, 1)
	b.launch("peaks", [3]int{p.Planes, ceil(x[2]*x[3], 128), 1}, 128, b.at(p.Heat), b.at(p.Y), count, x[2], x[3], p.Reach, p.Above, p.Most)
	return nil
}

// PeakValues takes N channels, from First on, of the Channels of Map that belong to a peak's plane: Y (Most, N).
type PeakValues struct {
	Peaks              *Peaks
	Map, Y             int
	Channels, First, N int
}

func (v *PeakValues) reads() []int { return []int{v.Peaks.Y, v.Map} }
func (v *PeakValues) writes() int  { return v.Y }

func (v *PeakValues) emit(b *builder) error {
	heat, x := b.shape(v.Peaks.Heat), b.shape(v.Map)
	if len(x) != 4 || x[0] != 1 || x[2] != heat[2] || x[3] != heat[3] || v.First < 0 || v.First+v.N > v.Channels || v.Peaks.Planes*v.Channels > x[1] {
		return fmt.Errorf("values %d to %d of %d channels from a map of shape %v at peaks of %v", v.First, v.First+v.N, v.Channels, x, heat)
	}
	b.launch("peak_values", [3]int{ceil(v.Peaks.Most*v.N, 128), 1, 1}, 128, b.at(v.Map), b.at(v.Peaks.Y), offset{v.Peaks.Y, 2 * v.Peaks.Most}, b.at(v.Y),
		v.Channels, v.First, v.N, x[2]*x[3], v.Peaks.Most)
	return nil
}

// PosePoints finds a body's points, see the kernel: Heat (1, points, h, w), Regress and Offset (1, 2·points, h, w), Y (Most, points, 4).
type PosePoints struct {
	Peaks                    *Peaks
	Regress, Heat, Offset, Y int
}

func (p *PosePoints) reads() []int { return []int{p.Peaks.Y, p.Regress, p.Heat, p.Offset} }
func (p *PosePoints) writes() int  { return p.Y }

func (p *PosePoints) emit(b *builder) error {
	middle, heat := b.shape(p.Peaks.Heat), b.shape(p.Heat)
	for i, t := range []int{p.Heat, p.Regress, p.Offset} {
		if s := b.shape(t); len(s) != 4 || s[0] != 1 || s[1] != heat[1]*min(i+1, 2) || s[2] != middle[2] || s[3] != middle[3] || p.Peaks.Planes != 1 {
			return fmt.Errorf("points from maps of shapes %v and %v about peaks of %v", heat, s, middle)
		}
	}
	b.launch("pose_points", [3]int{heat[1], p.Peaks.Most, 1}, 128, b.at(p.Peaks.Y), offset{p.Peaks.Y, 2 * p.Peaks.Most}, b.at(p.Regress), b.at(p.Heat), b.at(p.Offset), b.at(p.Y),
		middle[2], middle[3], p.Peaks.Most)
	return nil
}

// PersonPoints finds the points of the one person in each picture, see the kernel: Middle (N, 1, h, w), Near (h, w), Heat (N, points, h, w), Regress and
// Offset (N, 2·points, h, w), Y (N, 5·points + 1).
type PersonPoints struct {
	Middle, Near, Heat, Regress, Offset, Y int
	Slack                                  float32
}

func (p *PersonPoints) reads() []int { return []int{p.Middle, p.Near, p.Heat, p.Regress, p.Offset} }
func (p *PersonPoints) writes() int  { return p.Y }

func (p *PersonPoints) emit(b *builder) error {
	heat := b.shape(p.Heat)
	if len(heat) != 4 || b.program.size(p.Near) != heat[2]*heat[3] || b.program.size(p.Y) != heat[0]*(5*heat[1]+1) {
		return fmt.Errorf("points of maps of shape %v, weights %v, results %v", heat, b.shape(p.Near), b.shape(p.Y))
	}
	for t, channels := range map[int]int{p.Middle: 1, p.Regress: 2 * heat[1], p.Offset: 2 * heat[1]} {
		if s := b.shape(t); len(s) != 4 || s[0] != heat[0] || s[1] != channels || s[2] != heat[2] || s[3] != heat[3] {
			return fmt.Errorf("points of maps of shape %v with %v, want %d channels", heat, s, channels)
		}
	}
	b.launch("person_points", [3]int{heat[1], heat[0], 1}, 128, b.at(p.Middle), b.at(p.Near), b.at(p.Heat), b.at(p.Regress), b.at(p.Offset), b.at(p.Y), heat[2], heat[3], p.Slack)
	return nil
}
