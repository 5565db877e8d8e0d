package evaluate

import (
	"context"
	"encoding/csv"
	"encoding/json"
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
		{"cctv", []string{"down", "up", "lookaround", "phone"}, []float64{1. / 7, 4. / 7, 2. / 7, 0}, false},
		{"behaviours themselves", []string{"turn", "write"}, []float64{0.4, 0.6}, false},
		{"two classes, one behaviour", []string{"lookup", "up", "write"}, []float64{2. / 7, 2. / 7, 3. / 7}, false},
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
