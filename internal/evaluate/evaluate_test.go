package evaluate

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/model/classroom"
	"classlens/model/train"
	"classlens/vision/people"
	"classlens/vision/scene"
)

func labels(t *testing.T) config.Labels {
	t.Helper()
	l, err := config.LoadLabels("")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestMapping(t *testing.T) {
	var p [10]float32
	p[0], p[2], p[4], p[8] = 0.4, 0.3, 0.2, 0.1 // look_forward, write, turn, head_down
	tests := []struct {
		name    string
		classes []string
		want    []float64
		warned  bool
	}{
		{"clabehavior", []string{"write", "lookup", "turn_head"}, []float64{3. / 9, 4. / 9, 2. / 9}, false},
		{"cctv", []string{"down", "up", "lookaround", "phone"}, []float64{.4, .4, .2, 0}, false}, // down may be writing
		{"cctv's down where another class writes", []string{"down", "up", "write"}, []float64{.1 / .8, .4 / .8, .3 / .8}, false},
		{"behaviours themselves", []string{"turn", "write"}, []float64{0.4, 0.6}, false},
		{"two classes, one behaviour", []string{"lookup", "up", "write"}, []float64{2. / 7, 2. / 7, 3. / 7}, false},
		{"other spellings", []string{"Writing", "TURN-HEAD", "bowing the head"}, []float64{3. / 6, 2. / 6, 1. / 6}, false},
		{"by their words", []string{"Head Down", "looking around", "Looking forward"}, []float64{.4, .2, .4}, true},
		{"one and all that is not it", []string{"writing", "not writing"}, []float64{.3, .7}, true},
		{"one unknown", []string{"write", "juggle", "turn"}, []float64{0.6, 0, 0.4}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			warned := false
			m, err := newMapping(&dataset.Set{Classes: test.classes}, labels(t), func(string, ...any) { warned = true })
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range m.classes(p) {
				if math.Abs(v-test.want[i]) > 1e-6 {
					t.Errorf("%s: %g, want %g", test.classes[i], v, test.want[i])
				}
			}
			if warned != test.warned {
				t.Errorf("warned %v", warned)
			}
		})
	}
	if _, err := newMapping(&dataset.Set{Classes: []string{"juggle"}}, labels(t), func(string, ...any) {}); err == nil {
		t.Error("a set with unknown classes only was taken")
	}
}

// folder is a YOLO set of one picture with two heads.
func folder(t *testing.T) *dataset.Set {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"images", "labels"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	im := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for y := range 240 {
		for x := range 320 {
			im.Set(x, y, color.RGBA{byte(x), byte(y), byte(x ^ y), 255})
		}
	}
	f, err := os.Create(filepath.Join(dir, "images", "007.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := jpeg.Encode(f, im, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "labels", "007.txt"), []byte("3 0.25 0.5 0.1 0.125\n0 0.75 0.5 0.1 0.125\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a set cannot hold is left out before a room's boxes teach anything.
func TestMappingCan(t *testing.T) {
	for want, classes := range map[string][]string{"look_forward read": {"read", "look_forward"}, strings.Join(classroom.Behaviours[:], " "): nil} {
		m, err := newMapping(&dataset.Set{Classes: classes}, labels(t), func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		var can []string
		for k, name := range classroom.Behaviours {
			if m.can(k) {
				can = append(can, name)
			}
		}
		if got := strings.Join(can, " "); got != want {
			t.Errorf("classes %v can hold %q, want %q", classes, got, want)
		}
	}
}

// Weights that classlens train wrote are attacked; those of others are refused.
func TestAttack(t *testing.T) {
	s := folder(t)
	n, err := train.NewNetwork[float32](train.Plan{Size: 32, Stem: 16, Stages: []train.Stage{{Expand: 32, Out: 16, Stride: 2, Repeat: 1}}, Top: 32, Embedding: 16, Temporal: train.Mean}, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Weights: n.ONNX(train.Heat{Behaviour: 1, Attention: 1, Engagement: 1}), Labels: labels(t), Warn: t.Logf}
	for _, steps := range []int{1, 3} {
		r, err := Attack(context.Background(), s, o, AttackOptions{Steps: steps, Size: 8})
		if err != nil || r.N != 2 || r.Accuracy > r.Before || r.Size != 8 {
			t.Errorf("%d steps: %+v, %v", steps, r, err)
		}
	}
	o.Weights, o.Threads = classroom.Default(), 1 // of another trainer
	predicted, err := Run(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, p := range predicted {
		if p.Class == s.Samples[p.Sample].Label {
			right++
		}
	}
	r, err := Attack(context.Background(), s, o, AttackOptions{Steps: 3, Size: 8})
	if err != nil || r.N != 2 || r.Before != float64(right)/2 || r.Accuracy > r.Before {
		t.Errorf("the network that ships: %+v, %v; %d right as Run sees it", r, err, right)
	}
	o.Weights = []byte("no weights")
	if _, err := Attack(context.Background(), s, o, AttackOptions{Steps: 1, Size: 8}); !errors.Is(err, train.ErrWeights) {
		t.Errorf("noise: %v", err)
	}
}

// A picture that cannot be read is left out and told; the others are judged.
func TestUnreadablePicture(t *testing.T) {
	s := folder(t)
	s.Samples = append(s.Samples, dataset.Sample{Media: "images/gone.jpg", Box: scene.Box{W: 9, H: 9}, Level: -1, Attention: -1})
	var told []string
	got, err := Run(context.Background(), s, Options{Threads: 1, Labels: labels(t), Warn: func(f string, a ...any) { told = append(told, fmt.Sprintf(f, a...)) }})
	if err != nil || len(got) != 2 || len(told) != 2 || !strings.Contains(told[0], "gone.jpg") || !strings.Contains(told[1], "1 of 3 samples") {
		t.Errorf("%d predictions, %v, told %q", len(got), err, told)
	}
}

// From a folder to the predictions file: its columns are fixed.
func TestPredictionsFile(t *testing.T) {
	s := folder(t)
	got, err := Run(context.Background(), s, Options{Threads: 1, Labels: labels(t)})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "p.csv")
	if err := WritePredictions(name, s, got); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rows[0], []string{"image", "x", "y", "w", "h", "label", "predicted", "p", "down", "lookaround", "phone", "up"}) || len(rows) != 3 {
		t.Fatalf("rows %v", rows)
	}
	if !slices.Equal(rows[1][:6], []string{"007.jpg", "64", "105", "32", "30", "up"}) || rows[2][5] != "down" {
		t.Errorf("rows %v", rows)
	}
	for _, row := range rows[1:] {
		sum, best := 0.0, 0.0
		for _, v := range row[8:] {
			p, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum, best = sum+p, max(best, p)
		}
		said, err := strconv.ParseFloat(row[7], 64)
		if err != nil || math.Abs(sum-1) > 1e-5 || math.Abs(best-said) > 1e-9 || row[8+slices.Index(s.Classes, row[6])] != row[7] {
			t.Errorf("probabilities of %v", row)
		}
	}
}

func TestJudge(t *testing.T) {
	s := &dataset.Set{Name: "made <b>", Classes: []string{"a", "b"}}
	var predictions []Prediction
	for i := range 40 {
		x := dataset.Sample{Media: strconv.Itoa(i/4) + ".jpg", Box: scene.Box{W: 5, H: 5}, Label: i % 2, Level: i % 4, Attention: i % 2, Room: strconv.Itoa(i / 20)}
		s.Samples = append(s.Samples, x)
		class := x.Label
		if i%8 == 0 {
			class = 1 - class
		}
		p := Prediction{Sample: i, P: []float64{0.2, 0.8}, Class: class, Attention: float64(x.Attention)}
		if class == 0 {
			p.P = []float64{0.8, 0.2}
		}
		p.Engagement[x.Level] = 1
		predictions = append(predictions, p)
	}
	j, err := Judge(s, predictions)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(j.Behaviour.Accuracy-35./40) > 1e-12 || j.Confusion[0][1] != 5 || j.Engagement.Kappa != 1 || j.Attention.AUC != 1 || j.Grouped != "media" || len(j.Parts) != 2 {
		t.Errorf("%+v", j)
	}
	if i := j.Intervals["accuracy"]; len(i) != 2 || i[0] >= 0.875 || i[1] <= 0.875 {
		t.Errorf("interval %v", i)
	}
	// Another network, wrong in one sample of four where this one is wrong in one of eight.
	others := append([]Prediction(nil), predictions...)
	for i, p := range others {
		if i%8 == 4 {
			others[i].Class, others[i].P = 1-p.Class, []float64{p.P[1], p.P[0]}
		}
	}
	if err := j.Compare(s, predictions, others, "other.onnx"); err != nil {
		t.Fatal(err)
	}
	if d := j.Against.Figures[0]; d.Figure != "accuracy" || math.Abs(d.This-d.Other-0.125) > 1e-12 || len(d.Interval) != 2 || d.Interval[0] < 0 || d.Interval[1] < 0.125 || d.NotAbove > 0.05 {
		t.Errorf("against: %+v", d)
	}
	if same := new(Judgement); same.Compare(s, predictions, predictions, "itself") != nil || same.Against.Figures[2].NotAbove != 1 || same.Against.Figures[2].Interval[1] != 0 {
		t.Errorf("against itself: %+v", same.Against)
	}
	heat, n := FitTemperature(s, predictions) // says 0.8, is right in 0.875: too modest
	j.Scale(s, predictions, heat, "made samples")
	if n != 40 || heat >= 1 || j.Scaled.ECE > 0.02 || j.ECE < 0.07 || j.Scaled.LogLoss >= j.LogLoss {
		t.Errorf("temperature %v on %d: %+v, before %v", heat, n, j.Scaled, j.ECE)
	}
	if j.MeanAUC < 0.8 || *j.AUC[0] != *j.AUC[1] || len(j.Intervals["balanced_accuracy"]) != 2 || len(j.Engagement.Intervals["mean_class_mse"]) != 2 || len(j.Attention.Intervals["macro_f1"]) != 2 {
		t.Errorf("AUC %v %v, intervals %v %v %v", j.MeanAUC, j.AUC, j.Intervals, j.Engagement.Intervals, j.Attention.Intervals)
	}
	j.Attacks = append(j.Attacks, Robustness{Method: "fgsm", Size: 4, N: 40, Before: 0.9, Accuracy: 0.5})
	for _, want := range []string{"against other.onnx, paired, 40 boxes", "fitted on made samples", "attacked by fgsm of 4/255", "mean-class MSE", "over 10 pictures"} {
		if !strings.Contains(j.Text(), want) {
			t.Errorf("the text lacks %q:\n%s", want, j.Text())
		}
	}
	dir := t.TempDir()
	if err := j.WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "eval.json"))
	if err != nil || !json.Valid(raw) {
		t.Errorf("eval.json: %v", err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "eval.html"))
	if err != nil || strings.Contains(string(page), "made <b>") || !strings.Contains(string(page), "0.875") || !strings.Contains(string(page), "</html>") {
		t.Errorf("eval.html: %v", err)
	}
}

// Labelled boxes are looked at where a set has them in pictures; the wanted ones are
// predicted, though all of a picture are looked at.
func TestLabelledBoxes(t *testing.T) {
	s := folder(t)
	if !CanLookAtBoxes(s) {
		t.Fatal("boxes in pictures cannot be looked at")
	}
	for name, change := range map[string]func(c *dataset.Set){
		"whole clips":   func(c *dataset.Set) { c.Boxes = dataset.NoBox },
		"a recording":   func(c *dataset.Set) { c.Samples[1].Media = "lesson.mp4" },
		"a lacking box": func(c *dataset.Set) { c.Samples[0].Box = scene.Box{} },
	} {
		c := *s
		c.Samples = slices.Clone(s.Samples)
		if change(&c); CanLookAtBoxes(&c) {
			t.Errorf("%s can be looked at", name)
		}
		if _, err := Run(context.Background(), &c, Options{Look: LabelledBoxes, Labels: labels(t)}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := classroom.BoxesCanRun(); err != nil {
		t.Skip(err)
	}
	s.Samples = append(s.Samples, dataset.Sample{Media: "images/gone.jpg", Box: scene.Box{W: 9, H: 9}, Level: -1, Attention: -1})
	var told []string
	got, err := Run(context.Background(), s, Options{Look: LabelledBoxes, Threads: 1, Labels: labels(t), Include: func(i int) bool { return i != 0 }, Warn: func(f string, a ...any) { told = append(told, fmt.Sprintf(f, a...)) }})
	if err != nil || len(got) != 1 || got[0].Sample != 1 || len(told) != 2 || !strings.Contains(told[0], "gone.jpg") {
		t.Fatalf("%+v, %v, told %q", got, err, told)
	}
	sum, levels := 0.0, 0.0
	for _, p := range got[0].P {
		sum += p
	}
	for _, p := range got[0].Engagement {
		levels += p
	}
	if math.Abs(sum-1) > 1e-5 || math.Abs(levels-1) > 1e-4 || got[0].Attention <= 0 || got[0].Attention >= 1 {
		t.Errorf("%+v", got[0])
	}
}

// What the boxes of the public sets hold is found out whatever their form's custom.
func TestDetectBoxKind(t *testing.T) {
	boxes := []scene.Box{{X: 0, Y: 0, W: 10, H: 10}, {X: 100, Y: 100, W: 40, H: 40}, {X: 300, Y: 0, W: 10, H: 10}}
	found := []scene.Person{{Head: scene.Box{X: 1, Y: 1, W: 9, H: 9}}, {Head: scene.Box{X: 0, Y: 0, W: 4, H: 4}}, {Head: scene.Box{X: 110, Y: 100, W: 16, H: 16}}, {Head: scene.Box{X: 320, Y: 0, W: 10, H: 10}}}
	if got := headShares(boxes, found); len(got) != 2 || math.Abs(got[0]-.9) > 1e-9 || math.Abs(got[1]-.4) > 1e-9 {
		t.Errorf("shares %v", got)
	}
	newHeads := func() (*people.Detector, error) { return people.NewDetector(people.Options{Threads: 1}) }
	d, err := newHeads()
	if err != nil {
		t.Skip(err)
	}
	d.Close()
	for name, is := range map[string]dataset.BoxKind{"clabehavior": dataset.UpperBox, "cctv": dataset.HeadBox} {
		dir := filepath.Join("..", "..", "..", "shared", "data", name)
		if _, err := os.Stat(dir); err != nil {
			t.Skip(err)
		}
		s, err := dataset.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, was := range []dataset.BoxKind{dataset.HeadBox, dataset.UpperBox} {
			told := 0
			s.Boxes = was
			if err := DetectBoxKind(context.Background(), s, newHeads, func(string, ...any) { told++ }); err != nil || s.Boxes != is || told != map[bool]int{true: 1}[was != is] {
				t.Errorf("%s, said to be %s: %s, told %d times, %v", name, was, s.Boxes, told, err)
			}
		}
	}
}
