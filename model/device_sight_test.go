package model

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"classlens/cuda/driver"
)

// sightNet is a small network whose outputs are a map to look for peaks in and another of the same size.
func sightNet() *graphFile {
	s := newSmall(-1, 3, 12, 16).conv(3, 4, 3, 2, one4(1), 1)
	heat := s.last
	s.op("Relu", nil).conv(4, 6, 1, 1, one4(0), 1)
	return s.outputs(heat, s.last)
}

// sightOf takes a frame as it is, one place to a pixel, but for the gain.
func sightOf(seek Seek) *Sight {
	s := &Sight{Width: 16, Height: 12, PartWidth: 16, PartHeight: 12, Gain: 1 / 127.5, Bias: -1, Seek: []Seek{seek}, Name: fmt.Sprint(seek)}
	for i := range 16 {
		if s.Columns = append(s.Columns, Taps{First: i, Weights: []float32{1}}); i < 12 {
			s.Rows = append(s.Rows, Taps{First: i, Weights: []float32{1}})
		}
	}
	return s
}

// Cells found on the device are those of the whole maps, in their order, with what the other map holds there; with room for fewer
// than there are, too.
func TestDeviceSight(t *testing.T) {
	needDevice(t)
	r := rand.New(rand.NewPCG(6, 1))
	frame := make([]byte, 3*16*12)
	for i := range frame {
		frame[i] = byte(r.Uint32())
	}
	in := NewTensor(1, 3, 12, 16)
	for i := range in.Data {
		in.Data[i] = float32(frame[i%(16*12)*3+i/(16*12)])/127.5 - 1
	}
	maps := plainGraph(t, sightNet(), Options{}, in)
	h, w := maps[0].Shape[2], maps[0].Shape[3]
	heat := func(c, y, x int) float32 { return maps[0].Data[(c*h+y)*w+x] }
	n, err := load(sightNet(), Options{Threads: 1, Device: "cuda"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, c := range []struct {
		seek Seek
		room int
	}{
		{Seek{Planes: 4, Above: -1, Values: []Values{{Map: 1, Channels: 1, N: 1}}}, 512},
		{Seek{Planes: 4, Above: -1}, 3}, // more than there is room for
		{Seek{Planes: 1, Reach: 1, Above: 0, Values: []Values{{Map: 1, Channels: 6, First: 2, N: 3}, {Map: 0, Channels: 4, N: 4}}}, 512},
		{Seek{Planes: 2, Reach: 1, Above: .1, Paired: true, Values: []Values{{Map: 0, Channels: 2, N: 2}, {Map: 1, Channels: 3, First: 1, N: 2}}}, 1},
		{Seek{Planes: 4, Above: 1e9}, 512},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			k := c.seek
			level := func(p, y, x int) float32 {
				if k.Paired {
					return heat(2*p+1, y, x) - heat(2*p, y, x)
				}
				return heat(p, y, x)
			}
			var want []Found
			for i := range k.Planes * h * w {
				p, y, x := i/(h*w), i/w%h, i%w
				v := level(p, y, x)
				top := v > k.Above
				for j := max(0, y-k.Reach); j <= min(h-1, y+k.Reach); j++ {
					for l := max(0, x-k.Reach); l <= min(w-1, x+k.Reach); l++ {
						top = top && level(p, j, l) <= v
					}
				}
				if top {
					f := Found{Plane: p, Y: y, X: x, Value: v}
					for _, v := range k.Values {
						for q := range v.N {
							f.Values = append(f.Values, maps[v.Map].Data[((p*v.Channels+v.First+q)*h+y)*w+x])
						}
					}
					want = append(want, f)
				}
			}
			s := sightOf(k)
			s.most = []int{c.room}
			for range 3 { // launched, recorded, replayed
				found, err := n.Look(s, frame, 0, 0)
				if err != nil {
					t.Fatal(err)
				}
				near := func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-5 }
				if !slices.EqualFunc(found[0], want, func(a, b Found) bool {
					return a.Plane == b.Plane && a.Y == b.Y && a.X == b.X && near(a.Value, b.Value) && slices.EqualFunc(a.Values, b.Values, near)
				}) {
					t.Fatalf("found %v, want %v", found[0], want)
				}
			}
			if len(want) > c.room == (s.most[0] == c.room) || s.most[0] < len(want) {
				t.Errorf("%d found, room for %d became %d", len(want), c.room, s.most[0])
			}
		})
	}
	for _, k := range []Seek{{Map: 2, Planes: 1}, {Map: 0, Planes: 5}, {Map: 0, Planes: 3, Paired: true}, {Planes: 1, Values: []Values{{Map: 1, Channels: 7, N: 1}}}} {
		if found, err := n.Look(sightOf(k), frame, 0, 0); err == nil || errors.Is(err, ErrNotOnDevice) {
			t.Errorf("%+v: found %v, error %v", k, found, err)
		}
	}
	if err := n.DeviceError(); err != nil {
		t.Error(err)
	}
}

// Every call of three looks fails in turn: what is found is the same, or it is said that the network went to the CPU, where it then works.
func TestDeviceSightFaults(t *testing.T) {
	needFaults(t)
	frame := make([]byte, 3*16*12)
	for i := range frame {
		frame[i] = byte(i * i)
	}
	seek := Seek{Planes: 4, Reach: 1, Above: -9, Values: []Values{{Map: 1, Channels: 1, N: 1}}}
	looks := func() (n *Net, found [][]Found, err error) {
		if n, err = load(sightNet(), Options{Threads: 1, Device: "cuda"}); err != nil {
			return nil, nil, err
		}
		s := sightOf(seek)
		s.most = []int{4}
		for range 3 {
			if found, err = n.Look(s, frame, 0, 0); err != nil {
				return n, nil, err
			}
		}
		return n, found, nil
	}
	n, want, err := looks()
	if err != nil || len(want[0]) < 5 {
		t.Fatal(want, err)
	}
	n.Close()
	same, lost := 0, 0
	for _, code := range []int{1, 2, 700, 702} {
		for call, none := 1, false; !none; call++ {
			t.Run(fmt.Sprintf("%d at call %d", code, call), func(t *testing.T) {
				t.Setenv(driver.FaultVariable, fmt.Sprintf("%d:%d", call, code))
				n, got, err := looks()
				if n == nil {
					return // loading failed, in an error
				}
				defer n.Close()
				if errors.Is(err, ErrNotOnDevice) {
					lost++
					if n.DeviceError() == nil || n.Device() != CPU {
						t.Errorf("the network is on %s, error %v", n.Device(), n.DeviceError())
					}
					if _, err := n.Run(NewTensor(1, 3, 12, 16)); err != nil {
						t.Errorf("afterwards, on the CPU: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				same++
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("found %v, want %v", got, want)
				}
				none = call > 60 && n.DeviceError() == nil
			})
			if call > 400 {
				t.Fatal("there is no end of calls")
			}
		}
	}
	if same < 4 || lost < 20 {
		t.Errorf("%d looks were the same, %d went to the CPU", same, lost)
	}
}
