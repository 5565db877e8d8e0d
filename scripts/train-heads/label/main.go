// Command label says where the pretrained nets see heads in pictures, upright
// and mirrored, for train.py to take pseudo-labels from: what both looks agree on is a
// head, what one alone shows is not judged.
//
//	label PICTURES... > heads.json
//	label -net centerface -width 1280 PICTURES... > found.json
//
// With -net the boxes are those of that net alone at that input's width, for judge.py.
//
// Each line holds one picture: {"file", "heads": [[x, y, w, h, score], ...], "mirrored": [...]}, boxes in the
// picture's pixels, those of the mirrored look mirrored back.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"

	"classlens/vision/people"
	"classlens/vision/scene"
)

func main() {
	net := flag.String("net", "", fmt.Sprintf("one of %v: that net alone", people.Nets()))
	width := flag.Int("width", 1280, "that net's input, pixels")
	least := flag.Float64("score", 0.1, "least score")
	flag.Parse()
	o := people.Options{Preset: "pretrained", MinScore: *least, Threads: 1}
	if *net != "" {
		o = people.Options{Net: *net, Width: *width, MinScore: *least, Threads: 1}
	}
	if err := run(o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "label:", err)
		os.Exit(1)
	}
}

func run(o people.Options, paths []string) error {
	d, err := people.NewDetector(o)
	if err != nil {
		return err
	}
	defer d.Close()
	out := json.NewEncoder(os.Stdout)
	for _, path := range paths {
		f, err := read(path)
		if err != nil {
			return err
		}
		d.Begin()
		plain, err := look(d, f)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		// The second look of the preset is at another scale.
		d.Reset()
		m := mirror(f)
		m.Time = 60
		mirrored, err := look(d, m)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for i := range mirrored {
			mirrored[i][0] = float64(f.Width) - mirrored[i][0] - mirrored[i][2]
		}
		line := struct {
			File            string `json:"file"`
			Heads, Mirrored [][5]float64
		}{filepath.Base(path), plain, mirrored}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func look(d *people.Detector, f scene.Frame) ([][5]float64, error) {
	found, err := d.Detect(f)
	out := make([][5]float64, len(found))
	for i, p := range found {
		out[i] = [5]float64{p.Head.X, p.Head.Y, p.Head.W, p.Head.H, p.Score}
	}
	return out, err
}

func read(path string) (scene.Frame, error) {
	file, err := os.Open(path)
	if err != nil {
		return scene.Frame{}, err
	}
	defer file.Close()
	img, _, err := image.Decode(file)
	if err != nil {
		return scene.Frame{}, fmt.Errorf("%s: %w", path, err)
	}
	b := img.Bounds()
	f := scene.Frame{Width: b.Dx(), Height: b.Dy(), Pix: make([]byte, 0, 3*b.Dx()*b.Dy())}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			f.Pix = append(f.Pix, byte(r>>8), byte(g>>8), byte(bl>>8))
		}
	}
	return f, nil
}

func mirror(f scene.Frame) scene.Frame {
	m := f
	m.Pix = make([]byte, len(f.Pix))
	for y := range f.Height {
		for x := range f.Width {
			copy(m.Pix[3*(y*f.Width+x):][:3], f.Pix[3*(y*f.Width+f.Width-1-x):][:3])
		}
	}
	return m
}
