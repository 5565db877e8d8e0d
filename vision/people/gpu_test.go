package people

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os/exec"
	"testing"

	"classlens/cuda/driver"
	"classlens/model"
	"classlens/model/pretrained"
	"classlens/vision/scene"
)

func needDevice(t *testing.T) driver.Info {
	t.Helper()
	all, err := driver.Devices()
	if err != nil || len(all) == 0 {
		t.Skip("no CUDA device, real or simulated: ", err)
	}
	return all[0]
}

// pictureOf is a second's frame of the sample, four students of it at 480 x 272.
func pictureOf(t *testing.T) scene.Frame {
	t.Helper()
	const w, h = 480, 272
	raw, err := exec.Command("ffmpeg", "-v", "error", "-ss", "20", "-i", "../../samples/lesson.mp4", "-frames:v", "1", "-vf", "crop=240:136:384:120,scale=480:272:flags=bicubic", "-f", "rawvideo", "-pix_fmt", "rgb24", "-").Output()
	if err != nil || len(raw) != 3*w*h {
		t.Fatalf("ffmpeg: %v, %d bytes", err, len(raw))
	}
	return scene.Frame{Width: w, Height: h, Pix: raw}
}

// What comes back from the device is what the CPU reads out of whole maps: the same heads in the same order. The nets' outputs differ by some
// 1e-5 (docs/measured.md), and the resized input by what another order of sums gives; so do places and scores, in pixels of the frame.
// A point of a body may lie in another cell where two are as good to 1e-5, which these pictures do not have.
func TestDeviceFindsTheSameHeads(t *testing.T) {
	needDevice(t)
	f := pictureOf(t)
	for _, c := range []struct {
		net   string
		width int
		part  scene.Box
		least float64 // score: low, so that many cells count
		heads int     // at least, that the comparison says something
	}{
		{ownNet, 480, scene.Box{}, .05, 4},
		{ownNet, 480, scene.Box{X: 130, Y: 70, W: 180, H: 120}, .05, 1},
		{"centerface", 480, scene.Box{}, .05, 3},
		{"movenet-multipose", 320, scene.Box{}, 0, 3},
		{"faceboxes", 480, scene.Box{}, .05, 1},
	} {
		t.Run(fmt.Sprint(c.net, " ", c.part), func(t *testing.T) {
			find := func(device string) ([]head, *Detector) {
				d, err := NewDetector(Options{Net: c.net, Width: c.width, Threads: 1, Device: device, MinScore: c.least})
				if errors.Is(err, pretrained.ErrMissing) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				r, err := d.runner(c.net, c.width, 0, f)
				if err != nil {
					t.Fatal(err)
				}
				p := pass{net: c.net, width: c.width, runner: r, part: r.part(c.part)}
				if p.run(f); p.err != nil {
					t.Fatal(p.err)
				}
				return p.heads, d
			}
			want, cpu := find("cpu")
			got, gpu := find("cuda")
			defer cpu.Close()
			defer gpu.Close()
			if err := gpu.DeviceError(); err != nil {
				t.Fatal(err)
			}
			for _, r := range gpu.runs {
				if len(r.sights) != 1 || len(r.memory.in[0].Data) > 0 {
					t.Fatal("whole maps were brought back")
				}
			}
			if len(got) != len(want) || len(want) < c.heads {
				t.Fatalf("%d heads, the CPU has %d, at least %d wanted", len(got), len(want), c.heads)
			}
			worst := 0.0
			for i, w := range want {
				g := got[i]
				all := [][2]float64{{g.x, w.x}, {g.y, w.y}, {g.w, w.w}, {g.h, w.h}, {100 * g.score, 100 * w.score}}
				if (g.body == nil) != (w.body == nil) || g.own != w.own {
					t.Fatal("head", i, "is of another kind")
				}
				if w.body != nil {
					for k, p := range w.body.points {
						q := g.body.points[k]
						all = append(all, [2]float64{q.X, p.X}, [2]float64{q.Y, p.Y}, [2]float64{100 * q.Score, 100 * p.Score})
					}
				}
				for _, pair := range all {
					worst = math.Max(worst, math.Abs(pair[0]-pair[1]))
				}
			}
			if !(worst <= .01) {
				t.Errorf("places differ by up to %.2g pixels, scores by that of a hundred", worst)
			}
			t.Logf("%d heads, largest difference %.2g pixels or hundredths of a score", len(want), worst)
		})
	}
}

// A frame resized on the device is what the CPU's resizer makes, but for the order of sums: 2e-6, two steps of float32 at 255 after the gain.
func TestDeviceResizesTheSame(t *testing.T) {
	needDevice(t)
	net, err := model.Load(identity(), model.Options{Threads: 1, Device: "cuda"})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		fw, fh, w, h, pw, ph int
		part                 image.Rectangle
	}{
		{64, 36, 96, 64, 96, 64, image.Rect(0, 0, 96, 64)},    // enlarged
		{150, 90, 64, 40, 64, 64, image.Rect(0, 0, 64, 64)},   // reduced, a border below
		{97, 55, 70, 90, 128, 96, image.Rect(32, 32, 96, 96)}, // narrower and higher; a part that reaches beyond the picture
		{3, 2, 32, 32, 32, 32, image.Rect(0, 0, 32, 32)},
	} {
		f := scene.Frame{Width: c.fw, Height: c.fh, Pix: make([]byte, 3*c.fw*c.fh)}
		for i := range f.Pix {
			f.Pix[i] = byte(r.Uint32())
		}
		const gain, bias = 1 / 127.5, -1
		want := make([]float32, 3*c.part.Dx()*c.part.Dy())
		resize := newResizer(c.fw, c.fh, c.w, c.h, c.pw, c.ph)
		resize.into(want, f, c.part, gain, bias)
		s := model.Sight{Width: c.fw, Height: c.fh, Columns: resize.cols.onDevice(), Rows: resize.rows.onDevice(), PartWidth: c.part.Dx(), PartHeight: c.part.Dy(), Gain: gain, Bias: bias,
			Seek: []model.Seek{{Planes: 3, Above: -2}}, Name: fmt.Sprint(c)} // every pixel is brought back
		found, err := net.Look(&s, f.Pix, c.part.Min.X, c.part.Min.Y)
		if err != nil {
			t.Fatal(err)
		}
		if len(found[0]) != len(want) {
			t.Fatalf("%+v: %d values, want %d", c, len(found[0]), len(want))
		}
		for i, v := range found[0] {
			if at := (v.Plane*c.part.Dy()+v.Y)*c.part.Dx() + v.X; at != i || !(math.Abs(float64(v.Value-want[i])) <= 2e-6) {
				t.Fatalf("%+v: value %d is number %d, %v, want %v", c, at, i, v.Value, want[i])
			}
		}
	}
}

// identity is an ONNX file whose output y is its input x, (1, 3, h, w).
func identity() []byte {
	field := func(number byte, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append([]byte{number<<3 | 2, byte(len(body))}, body...)
	}
	number := func(field, v byte) []byte { return []byte{field << 3, v} }
	dim := func(n byte) []byte { return field(1, number(1, n)) }
	free := func(name string) []byte { return field(1, field(2, []byte(name))) }
	port := func(name string) []byte {
		shape := field(2, dim(1), dim(3), free("h"), free("w"))
		return bytes.Join([][]byte{field(1, []byte(name)), field(2, field(1, number(1, 1), shape))}, nil)
	}
	node := field(1, field(1, []byte("x")), field(2, []byte("y")), field(4, []byte("Identity")))
	return bytes.Join([][]byte{number(1, 7), field(7, node, field(2, []byte("g")), field(11, port("x")), field(12, port("y"))), field(8, number(2, 13))}, nil)
}
