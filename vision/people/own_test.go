package people

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"

	"classlens/model"
)

// The shipped weights of the head detector on the engine against what ONNX Runtime made of the
// same input (scripts/train-heads/golden.py). Float32 sums in another order differ by some
// 1e-6; 1e-4 leaves room for depth.
func TestOwnNetEqualsONNXRuntime(t *testing.T) {
	for file, preset := range map[string]string{"testdata/heads.bin": "default", "testdata/heads-large.bin": "best"} {
		t.Run(preset, func(t *testing.T) { equalsONNXRuntime(t, file, presets[preset].weights()) })
	}
}

func equalsONNXRuntime(t *testing.T, file string, weights []byte) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(raw)
	read := func(v any) {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	var h, w, cells int32
	read(&h)
	read(&w)
	read(&cells)
	coarse := make([]byte, 3*cells*cells)
	read(coarse)
	picture := model.NewTensor(1, 3, int(h), int(w))
	for i := range picture.Data {
		c, y, x := i/int(h*w), i/int(w)%int(h), i%int(w)
		picture.Data[i] = float32(coarse[(c*int(cells)+y/int(h/cells))*int(cells)+x/int(w/cells)])/ownGain - ownBias
	}
	net, err := model.Load(weights, model.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	out, err := net.Run(picture)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 1 || len(out[0].Data) != int(5*h/stride*w/stride) {
		t.Fatalf("outputs %d, the first of shape %v", len(out), out[0].Shape)
	}
	want := make([]float32, len(out[0].Data))
	read(want)
	for i, v := range out[0].Data {
		if d := math.Abs(float64(v - want[i])); !(d <= 1e-4*(1+math.Abs(float64(want[i])))) {
			t.Fatalf("value %d is %v, ONNX Runtime has %v", i, v, want[i])
		}
	}
}

func TestDecodeHeads(t *testing.T) {
	m := blank(5, 16, 32)
	for i := range 16 * 32 {
		m.v[i] = -9
	}
	put := func(y, x int, logit, h, w, dy, dx float64) {
		for c, v := range []float64{logit, math.Log(h / stride), math.Log(w / stride), dy, dx} {
			m.set(c, y, x, v)
		}
	}
	put(4, 6, 2, 40, 32, 0.25, -0.5)
	put(4, 7, 1, 40, 32, 0.25, -1.5) // beside a peak
	put(6, 6, 1.5, 38, 31, 0, -0.5)  // a peak of its own, but the same head
	put(12, 6, 1, 38, 31, 0, 0)      // the head behind
	put(8, 20, -2, 40, 32, 0, 0)     // below the threshold
	put(10, 28, 3, 1e9, 1e9, 0, 0)   // a size nobody believes
	got := decodeHeads(m, toSource{0.5, 0.25}, 0.25, 3)
	if len(got) != 3 {
		t.Fatalf("%d heads: %+v", len(got), got)
	}
	if got[0].h > 4*math.Exp(mostLogSize)*0.25+1e-3 {
		t.Errorf("the boundless head is %v high", got[0].h)
	}
	a := got[1]
	for i, c := range []struct{ got, want float64 }{{a.x, 12}, {a.y, 4.75}, {a.w, 16}, {a.h, 10}, {a.score, sigmoid(2*ownSlope + ownShift)}} {
		if math.Abs(c.got-c.want) > 1e-4 {
			t.Errorf("value %d is %v, want %v", i, c.got, c.want)
		}
	}
	if a.source != 3 {
		t.Errorf("source %d", a.source)
	}
}

func TestCoarser(t *testing.T) {
	sized := func(small, large float64) area {
		a := area{looks: areaLooks}
		for i := range sizeHeads {
			a.heights = append(a.heights, small+(large-small)*float64(i)/(sizeHeads-1))
		}
		return a
	}
	for _, c := range []struct {
		name         string
		a            area
		width        int
		fw, fh, want int
	}{
		{"sizes unknown", area{}, 1280, 640, 360, 426},
		{"all in range", sized(12, 34), 1280, 640, 360, 0},
		{"some larger", sized(12, 60), 1280, 640, 360, 426},
		{"larger, but the input is small already", sized(200, 400), 320, 640, 360, 0},
	} {
		if got := c.a.coarser(c.width, c.fw, c.fh); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

// TestOneNet: a net chosen alone looks at every frame with that net only; what does not exist is refused.
func TestOneNet(t *testing.T) {
	d, err := NewDetector(Options{Net: ownNet, Width: 320, Threads: 1, Path: func(string) (string, error) { return "", os.ErrNotExist }})
	if err != nil {
		t.Fatal(err) // the own net needs no set-up
	}
	defer d.Close()
	f := gradient(320, 192)
	for i := range 3 {
		f.Time = float64(i) / 10
		found, err := d.Detect(f)
		if err != nil || len(found) > 0 {
			t.Fatalf("%d people in a slope of colours, error %v", len(found), err)
		}
	}
	if got := d.Counts(); len(got) != 1 || got["heads-320"] != 3 {
		t.Errorf("looks made: %v", got)
	}
	for _, o := range []Options{{Net: "none", Width: 640}, {Net: ownNet}, {Net: ownNet, Width: 64}} {
		if _, err := NewDetector(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestHeadsThatOnlyTheOwnNetHasSeen(t *testing.T) {
	at := func(x, score float64, own bool) head {
		return head{x: x, y: 50, w: 20, h: 24, score: score, surest: score, own: own}
	}
	var c confirmed
	alone := at(100, 0.9, true)
	diluted := at(200, 0.9, true) // two other nets looked and saw nothing
	diluted.score = 0.6
	heads := []head{alone, diluted, at(300, 0.9, false)}
	c.weigh(heads, false)
	for i, want := range []float64{unconfirmed * 0.9, ownLeast * 0.9, 0.9} {
		if math.Abs(heads[i].score-want) > 1e-12 {
			t.Errorf("head %d counts %v, want %v", i, heads[i].score, want)
		}
	}
	later := []head{at(302, 0.9, true)} // where another net has seen one
	if c.weigh(later, false); later[0].score != 0.9 {
		t.Errorf("a head at a confirmed place counts %v, want 0.9", later[0].score)
	}
}

// TestPlaceOfTheNearestHead: where another net has seen a head, it has not seen the hair or the hand beside that head.
func TestPlaceOfTheNearestHead(t *testing.T) {
	for _, c := range []struct {
		nearest bool
		beside  float64 // what the find beside the head counts
	}{{false, 1}, {true, unconfirmed}} {
		c0 := confirmed{places: []xy{{100, 50}}}
		heads := []head{{x: 102, y: 51, w: 20, h: 24, score: 0.9}, {x: 110, y: 63, w: 20, h: 24, score: 0.8, surest: 0.8, own: true}}
		c0.weigh(heads, c.nearest)
		if want := c.beside * 0.8; math.Abs(heads[1].score-want) > 1e-12 {
			t.Errorf("nearest %v: the find beside the head counts %v, want %v", c.nearest, heads[1].score, want)
		}
		alone := heads[1:]
		alone[0].score = 0.8
		if c0.weigh(alone, c.nearest); alone[0].score != 0.8 {
			t.Errorf("nearest %v: alone at the place it counts %v, want 0.8", c.nearest, alone[0].score)
		}
	}
}
