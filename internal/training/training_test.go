package training

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/model/classroom"
	"classlens/model/pretrained"
	"classlens/model/train"

	"gopkg.in/yaml.v3"
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
	if err := set.Save(dir); err != nil { // which says that the boxes are heads: in noise there are none to tell it by
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

// fake is a stored picture whose red grows to the right and green downwards, moving to
// the right, with all points in one place.
func fake(side int) (rgb, flow []byte, points []float32) {
	rgb, flow = make([]byte, 3*side*side), make([]byte, side*side/2)
	for y := range side {
		for x := range side {
			rgb[3*(y*side+x)], rgb[3*(y*side+x)+1] = byte(2*x), byte(2*y)
		}
	}
	for i := 0; i < len(flow); i += 2 {
		flow[i] = 64 // half a side a second to the right
	}
	for range 17 {
		points = append(points, 0.6, 0.4, 2)
	}
	return rgb, flow, points
}

// Pictures, flow and points are turned, scaled and mirrored together: at the place where
// the points are then said to be lies the colour that they had, and flow turns along.
func TestViewsAgree(t *testing.T) {
	const side, size = 60, 48
	rgb, flow, points := fake(side)
	a := Augment{Mirror: true, Shift: 0.08, Scale: 0.2, Rotate: 20, Crop: 0.5}
	r := rand.New(rand.NewPCG(4, 4))
	flipped := 0
	for n := range 50 {
		v := straight
		if n > 0 {
			v = a.draw(r, size)
		}
		planes, at, weight := make([]float32, 5*size*size), make([]float32, 34), make([]float32, 34)
		v.picture(planes, rgb, flow, side, size)
		v.points(points, side, size, at, weight)
		if weight[0] == 0 {
			continue
		}
		x, y := (float64(at[0])+0.5)*size-0.5, (float64(at[1])+0.5)*size-0.5
		i := int(y+0.5)*size + int(x+0.5)
		red, green := (float64(planes[i])+1)*127.5/2, (float64(planes[size*size+i])+1)*127.5/2
		if math.Abs(red-(0.6*side-0.5)) > 1 || math.Abs(green-(0.4*side-0.5)) > 1 {
			t.Fatalf("view %+v: the point's colour says it was at %.1f, %.1f, want %.1f, %.1f", v, red, green, 0.6*side-0.5, 0.4*side-0.5)
		}
		u, w := float64(planes[3*size*size+i]), float64(planes[4*size*size+i])
		if long := 64. / 127 / v.scale; math.Abs(math.Hypot(u, w)-long) > 0.01 && long < 0.9 {
			t.Fatalf("view %+v: flow %.3f, %.3f, want a length of %.3f", v, u, w, long)
		}
		if v.flip {
			flipped++
		}
		if (u < 0) != v.flip {
			t.Fatalf("mirrored %v, but the flow goes %.2f to the right", v.flip, u)
		}
	}
	if flipped < 10 {
		t.Errorf("%d of 50 were mirrored", flipped)
	}
}

// Every way to change colours changes them, within -1..1, and leaves flow alone.
func TestLooks(t *testing.T) {
	const side, size = 60, 48
	rgb, flow, _ := fake(side)
	for name, a := range map[string]Augment{"brightness": {Brightness: 0.5}, "contrast": {Contrast: 0.5}, "colour": {Colour: 1}, "blur": {Blur: 3}, "jpeg": {JPEG: 1}, "noise": {Noise: 0.3}, "cutout": {Cutout: 1}} {
		planes := make([]float32, 5*size*size)
		straight.picture(planes, rgb, flow, side, size)
		was := slices.Clone(planes)
		r := rand.New(rand.NewPCG(2, 3))
		a.look(r, size).apply(planes, size, r)
		changed, moved := 0, 0
		for i, v := range planes {
			if v < -1 || v > 1 {
				t.Fatalf("%s: %v", name, v)
			}
			if v != was[i] && i < 3*size*size {
				changed++
			} else if v != was[i] {
				moved++
			}
		}
		if changed < 50 || (moved > 0) != (name == "cutout") {
			t.Errorf("%s: %d colours and %d flows changed", name, changed, moved)
		}
	}
}

// takes is a rendered-like COCO set: takes of three steps with flow, points, attention
// and engagement. What is done shows in the flow alone.
func takes(t *testing.T, n int) (dir, split string) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{"images", "flow"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	write := func(name string, w, h int, c func() color.RGBA) {
		im := image.NewRGBA(image.Rect(0, 0, w, h))
		for i := range w * h {
			im.SetRGBA(i%w, i/w, c())
		}
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var images, annotations []string
	for i := range n {
		what := []string{"write", "turn"}[i%2]
		for step := range 3 {
			id := 3*i + step
			write(fmt.Sprintf("images/%03d.png", id), 64, 64, func() color.RGBA { v := byte(r.IntN(256)); return color.RGBA{v, v, v, 255} })
			write(fmt.Sprintf("flow/%03d.png", id), 32, 32, func() color.RGBA { return color.RGBA{128, byte(128 + 8*(2*(i%2)-1)), 0, 255} })
			images = append(images, fmt.Sprintf(`{"id":%d,"file_name":"%03d.png","flow_file":"flow/%03d.png","room":%d,"sequence":%d,"time_s":%d}`, id, id, id, i, i, step))
			annotations = append(annotations, fmt.Sprintf(`{"id":%d,"image_id":%d,"category_id":1,"bbox":[20,20,20,20],"head_bbox":[24,16,16,16],"behaviour":%q,"student":"s","attention":"on_task","engagement":%d,"keypoints":[%s]}`,
				id, id, what, i%4, strings.TrimSuffix(strings.Repeat("30,30,2,", 17), ",")))
		}
	}
	text := `{"images":[` + strings.Join(images, ",") + `],"annotations":[` + strings.Join(annotations, ",") + `],"categories":[{"id":1,"name":"student"}]}`
	if err := os.WriteFile(filepath.Join(dir, "annotations.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := dataset.MakeSplit(set, "room", 0.3, 0.1, 1)
	if err != nil {
		t.Fatal(err)
	}
	split = filepath.Join(dir, "split.json")
	if err := p.Save(split); err != nil {
		t.Fatal(err)
	}
	return dir, split
}

// Takes are trained on as sequences with their flow: with it the classes are told
// apart, without it nothing can tell them apart.
func TestTakesWithFlow(t *testing.T) {
	for _, noFlow := range []bool{false, true} {
		c := small(t)
		c.Data, c.Split = takes(t, 24)
		c.Epochs, c.Plan.NoFlow, c.Plan.Temporal = 8, noFlow, train.GRU
		c.Losses.Points, c.Augment.Jitter = 1, 0.2
		got, err := Run(context.Background(), c, options(t, t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		if (got.Best > 0.9) == noFlow || got.Metric != "macro-F1" {
			t.Errorf("without flow %v: %+v", noFlow, got)
		}
	}
}

// Samples that label engagement alone teach it alone, and are what validation goes by.
func TestLevelsAlone(t *testing.T) {
	dir, split := takes(t, 16)
	set, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Samples {
		x := &set.Samples[i]
		x.Level, x.Label, x.Attention, x.Points = 3*(x.Label), -1, -1, nil // write 0, turn 3
	}
	set.Classes = nil
	if err := set.Save(dir); err != nil {
		t.Fatal(err)
	}
	c := small(t)
	c.Data, c.Split, c.Epochs = dir, split, 10
	got, err := Run(context.Background(), c, options(t, t.TempDir()))
	if err != nil || got.Metric != "engagement kappa" || got.Best < 0.8 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A search tries the grid, keeps its table, and writes a config that trains; attacks
// and another run's weights are part of it.
func TestSearchAndStart(t *testing.T) {
	c := small(t)
	c.Epochs, c.Adversarial = 2, Adversarial{Share: 0.5, Size: 0.03, Steps: 2}
	c.Tune = &Tune{Epochs: 2, Trials: 2, Values: map[string][]any{"schedule.rate": {0.00001, 0.005}, "network.temporal": {"attention", "mean"}}}
	dir := t.TempDir()
	if err := Search(context.Background(), c, options(t, dir)); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "tune.csv"))
	if err != nil || strings.Count(string(raw), "\n") != 3 || !strings.HasPrefix(string(raw), "trial,network.temporal,schedule.rate,metric,best,epoch\n1,") {
		t.Errorf("tune.csv: %q, %v", raw, err)
	}
	best, err := LoadConfig(filepath.Join(dir, bestConfig))
	if err != nil || best.Epochs != c.Epochs || best.Tune != nil {
		t.Fatalf("best.yaml: %+v, %v", best, err)
	}
	best.Init, best.Epochs, best.Plan.Temporal = filepath.Join(dir, "trial-01", SafeFile), 1, train.LSTM
	var said []string
	o := options(t, t.TempDir())
	o.Say = func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }
	if _, err := Run(context.Background(), best, o); err != nil || !strings.Contains(strings.Join(said, "\n"), "tensors taken over") {
		t.Errorf("%v; said %q", err, said)
	}
	c.Tune.Values = map[string][]any{"schedule.speed": {1}}
	if err := Search(context.Background(), c, options(t, t.TempDir())); err == nil || !strings.Contains(err.Error(), "speed") {
		t.Errorf("an unknown setting: %v", err)
	}
}

// A cache that is cut short is made anew.
func TestBrokenCache(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{"empty": nil, "short": []byte("x"), "no index": append(make([]byte, 100), magic...), "long index": append(append(make([]byte, 100), 255, 255, 255, 255, 0, 0, 0, 0), magic...)} {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if c, err := openCrops(file); err == nil {
			t.Errorf("%s: taken: %+v", name, c.index)
		}
	}
}

// The sizes in configs/ say all keys, and the same ones.
func TestShippedConfigs(t *testing.T) {
	for _, size := range []string{"s", "m", "l"} {
		c, err := LoadConfig(filepath.Join("..", "..", "configs", "train-"+size+".yaml"))
		if err != nil {
			t.Errorf("%s: %v", size, err)
			continue
		}
		raw, err := os.ReadFile(filepath.Join("..", "..", "configs", "train-"+size+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		all, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var says, can map[string]any
		if yaml.Unmarshal(raw, &says) != nil || yaml.Unmarshal(all, &can) != nil {
			t.Fatal("no YAML")
		}
		missing(t, size, says, can)
	}
}

// missing tells the keys that a config can have and does not.
func missing(t *testing.T, at string, says, can map[string]any) {
	t.Helper()
	for k, v := range can {
		said, ok := says[k]
		if !ok {
			t.Errorf("%s: %s is not there", at, k)
		}
		inner, isMap := v.(map[string]any)
		if saidMap, ok := said.(map[string]any); isMap && ok {
			missing(t, at+"."+k, saidMap, inner)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for text, want := range map[string]string{"data: x\nspeed: 3\n": "speed", "epochs: 3\n": "data is missing", "data: x\nepochs: 0\n": "epochs", "data: x\nepochs: 1\nbatch: 2\nsteps: 1\nclip: 1\nschedule: {kind: cosine, rate: -1}\n": "rate is -1", "data: x\nepochs: 1\nbatch: 2\nsteps: 1\nclip: 1\nschedule: {kind: constant, rate: 1}\noptimizer: adam\nnetwork: {width: 100000000}\n": "at most 8192", "data: x\nepochs: 1\nbatch: 2\nsteps: 1\nclip: 1\naugment:\n  rotate: .inf\n": "line 7: .inf", "data: x\nepochs: 1\nbatch: 2\nsteps: 1\nclip: 1\naugment: {rotate: 400}\n": "rotate 180", "data: x\nepochs: 1\nbatch: 2\nsteps: 1\nclip: 1\naugment: {jpeg: 2}\n": "chances", "data: x\nepochs: 1\nbatch: 2\nsteps: 1\nclip: 1\nschedule: {kind: constant, rate: 1}\noptimizer: lion\n": "lion"} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The networks that ship are trained on: what they could not tell apart they then do, stopped
// and resumed they end with the same weights, and those run and can be trained on again.
func TestTrainShippedOn(t *testing.T) {
	for _, size := range []string{"s", "l"} {
		t.Run(size, func(t *testing.T) {
			if size == "l" {
				if _, err := pretrained.Path(classroom.PoseNet); err != nil {
					t.Skip(err)
				}
			}
			c := small(t)
			c.Shipped, c.Epochs, c.Schedule.Rate = size, 3, 1e-3
			whole := t.TempDir()
			got, err := Run(context.Background(), c, options(t, whole))
			if err != nil || size == "s" && got.Best < 0.85 { // a pose net finds nobody in these pictures
				t.Fatalf("%+v, %v", got, err)
			}
			if first, last := lossOf(t, whole, 1), lossOf(t, whole, 3); last > .7*first {
				t.Errorf("training loss %g in the first epoch, %g in the last", first, last)
			}
			file, err := os.ReadFile(filepath.Join(whole, WeightsFile))
			if err != nil {
				t.Fatal(err)
			}
			shipped, err := classroom.Shipped(size)
			if err != nil || bytes.Equal(file, shipped) || len(file) < len(shipped)-64 {
				t.Errorf("%d bytes were written, %d ship: %v", len(file), len(shipped), err)
			}
			net, err := classroom.Load(file, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer net.Close()
			parts := t.TempDir()
			ctx, stop := context.WithCancel(context.Background())
			o := options(t, parts)
			o.Say = func(format string, a ...any) {
				if strings.HasPrefix(format, "epoch %d of %d: loss") && a[0] == 2 {
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
			again, err := os.ReadFile(filepath.Join(parts, WeightsFile))
			if err != nil || !bytes.Equal(again, file) {
				t.Errorf("resumed: %d bytes, in one go %d, not the same; %v", len(again), len(file), err)
			}
		})
	}
	c := small(t)
	c.Shipped = "xl"
	if c.check() == nil {
		t.Error("a size that does not ship was taken")
	}
}

// lossOf reads an epoch's training loss.
func lossOf(t *testing.T, dir string, epoch int) float64 {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) <= epoch {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	v, err := strconv.ParseFloat(rows[epoch][2], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
