package training

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/model/train"
)

// folder is a YOLO set of n pictures with two heads each: write is bright above,
// turn bright below. It comes with a split by picture.
func folder(t *testing.T, n int) (dir, split string) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{"images", "labels"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "classes.txt"), []byte("write\nturn\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		im := image.NewRGBA(image.Rect(0, 0, 128, 64))
		labels := ""
		for k := range 2 {
			class := r.IntN(2)
			labels += fmt.Sprintf("%d %g 0.5 %g %g\n", class, 0.25+0.5*float64(k), 16./128, 16./64)
			for y := range 64 {
				for x := range 64 {
					v := 60 + r.IntN(60)
					if (y < 36) == (class == 0) {
						v += 100
					}
					im.Set(64*k+x, y, color.RGBA{byte(v), byte(v), byte(v), 255})
				}
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{fmt.Sprintf("images/%03d.png", i): b.Bytes(), fmt.Sprintf("labels/%03d.txt", i): []byte(labels)} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	set, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := dataset.MakeSplit(set, "media", 0.3, 0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	split = filepath.Join(dir, "split.json")
	if err := p.Save(split); err != nil {
		t.Fatal(err)
	}
	return dir, split
}

func small(t *testing.T) Config {
	t.Helper()
	c, err := LoadConfig(filepath.Join("..", "..", "configs", "train-s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Split = folder(t, 30)
	c.Epochs, c.Batch, c.Patience, c.Average, c.Steps = 8, 8, 0, 0.5, 3
	c.Schedule.Warm, c.Schedule.Rate = 2, 5e-3
	c.Augment.Rotate = 3
	c.Plan = train.Plan{Size: 16, Stem: 8, Stages: []train.Stage{{Expand: 16, Out: 16, Stride: 2, Repeat: 2}}, Top: 16, Embedding: 16, Width: 8, Heads: 2}
	return c
}

func options(t *testing.T, dir string) Options {
	t.Helper()
	labels, err := config.LoadLabels("")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Out: dir, Labels: labels, Say: t.Logf}
}

// From a folder of pictures to weights that tell the classes apart; stopped in the
// middle and resumed it ends where the whole run ends.
func TestRunAndResume(t *testing.T) {
	c := small(t)
	whole := t.TempDir()
	if _, err := Run(context.Background(), c, options(t, whole)); err != nil {
		t.Fatal(err)
	}
	state, err := train.LoadCheckpoint(filepath.Join(whole, checkpointFile))
	if err != nil || state.Best < 0.9 {
		t.Errorf("best validation macro-F1 %v, %v", state.Best, err)
	}
	for _, name := range []string{configFile, environmentFile, metricsFile, curvesFile, WeightsFile, SafeFile} {
		if info, err := os.Stat(filepath.Join(whole, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	parts := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	o := options(t, parts)
	o.Say = func(format string, a ...any) {
		if strings.HasPrefix(format, "epoch %d of %d: loss") && a[0] == 3 {
			stop()
		}
	}
	if _, err := Run(ctx, c, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped run: %v", err)
	}
	o = options(t, parts)
	o.Resume = true
	if _, err := Run(context.Background(), c, o); err != nil {
		t.Fatal(err)
	}
	again, err := train.LoadCheckpoint(filepath.Join(parts, checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range state.Values {
		for j := range v {
			if v[j] != again.Values[i][j] {
				t.Fatalf("parameter %d, value %d: %v in one go, %v resumed", i, j, v[j], again.Values[i][j])
			}
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for text, want := range map[string]string{"data: x\nspeed: 3\n": "speed", "epochs: 3\n": "data is missing", "data: x\nepochs: 0\n": "epochs"} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
