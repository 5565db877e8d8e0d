package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"classlens/cuda/driver"
	"classlens/vision/scene"
)

// clipNet is a small network of pictures.
func clipNet() *graphFile {
	s := newSmall(-1, 5, 12, 12).conv(5, 8, 3, 2, one4(1), 1).op("Relu", nil).conv(8, 3, 6, 1, one4(0), 1)
	return s.outputs(s.last)
}

// Every call of a run on crops fails in turn: the result is the same, from smaller batches where memory ran out, or it is said
// that the network went to the CPU, where it then works. Two runs of a batch, one of another: launched, recorded, and beside it.
func TestDeviceClipsFaults(t *testing.T) {
	needFaults(t)
	r := rand.New(rand.NewPCG(4, 4))
	frame := scene.Frame{Width: 40, Height: 30, Pix: make([]byte, 3*40*30)}
	for i := range frame.Pix {
		frame.Pix[i] = byte(r.Uint32())
	}
	flow := &scene.Flow{Width: 20, Height: 15, Scale: 2, Interval: .04, UV: randomTensor(r, -1, 1, 15, 20, 2).Data}
	var squares []Crop
	for i := range 7 {
		squares = append(squares, Crop{X: float64(3*i) - 4, Y: float64(i) * 2.5, Side: 8 + 2*float64(i)})
	}
	runs := func(n *Net) (out []Tensor, err error) {
		f, err := n.NewFrames(1 << 20)
		if err != nil {
			return nil, err
		}
		defer f.Close() // may fail, too: there is a result by then
		for _, count := range []int{5, 5, 7} {
			var held [2]HeldFrame
			for i := range held {
				w := flow
				if i > 0 {
					w = nil
				}
				if held[i], err = f.Put(frame, w); err != nil {
					return nil, err
				}
			}
			for i := range squares {
				squares[i].Frame = held[i%2]
			}
			run, err := n.StartClips(f, squares[:count], count+1)
			if err != nil {
				return nil, err
			}
			made, err := run.Finish()
			if err != nil {
				return nil, err
			}
			out = append(out, made...)
			f.Drop(held[0])
			f.Drop(held[1])
		}
		return out, nil
	}
	load := func() (*Net, error) { return load(clipNet(), Options{Threads: 1, Device: "cuda"}) }
	n, err := load()
	if err != nil {
		t.Fatal(err)
	}
	want, err := runs(n)
	if err != nil || n.DeviceError() != nil {
		t.Fatal(err, n.DeviceError())
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	halved := 0
	for _, code := range []int{1, 2, 700, 702} {
		step := 5 // the same calls fail, whatever the code: of most every fifth
		if code == 2 {
			step = 1
		}
		for call, none := 1, false; !none; call += step {
			t.Run(fmt.Sprintf("%d at call %d", code, call), func(t *testing.T) {
				t.Setenv(driver.FaultVariable, fmt.Sprintf("%d:%d", call, code))
				n, err := load()
				if err != nil {
					return
				}
				defer n.Close()
				got, err := runs(n)
				switch {
				case errors.Is(err, ErrNotOnDevice):
					if _, err := n.Run(NewTensor(2, 5, 12, 12)); err != nil {
						t.Errorf("afterwards, on the CPU: %v", err)
					}
					return
				case err != nil:
					t.Fatal(err)
				}
				if n.device != nil && n.device.most > 0 {
					halved++
				}
				for i := range want {
					if d := difference(t, got[i], want[i]); d > 1e-6 {
						t.Fatalf("output %d differs by %.2g", i, d)
					}
				}
				none = n.device != nil && n.device.most == 0 && call > 60 || call > 400
			})
		}
	}
	if halved == 0 {
		t.Error("no batch was halved")
	}
}
