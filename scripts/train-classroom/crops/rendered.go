package main

import (
	"encoding/json"
	"fmt"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strconv"

	"classlens/vision/scene"
)

// renderedSet is what `synthroom crops` writes, as far as it is needed here.
type renderedSet struct {
	Images []struct {
		ID       int     `json:"id"`
		File     string  `json:"file_name"`
		FlowFile string  `json:"flow_file"`
		Room     int     `json:"room"`
		Camera   string  `json:"camera"`
		Sequence int     `json:"sequence"`
		Time     float64 `json:"time_s"`
	} `json:"images"`
	Annotations []struct {
		Image     int        `json:"image_id"`
		Head      [4]float64 `json:"head_bbox"`
		Upper     [4]float64 `json:"upper_bbox"`
		Behaviour string     `json:"behaviour"`
		Posture   string     `json:"posture"`
		Student   string     `json:"student"`
		Hidden    float64    `json:"head_hidden"`
		ClassYaw  float64    `json:"class_yaw"`
	} `json:"annotations"`
}

// mostHidden is the share of a head that may be covered: students hidden more are
// not seen at run time either.
const mostHidden = 0.7

// rendered reads a set of made-up students.
func (o *output) rendered(dir string) error {
	var j renderedSet
	raw, err := os.ReadFile(filepath.Join(dir, "annotations.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	set := filepath.Base(dir)
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	of := map[int][]labelled{}
	for _, a := range j.Annotations {
		if a.Hidden < mostHidden {
			box, head := a.Head, true
			if o.boxes && a.Upper[2] > 0 && a.Upper[3] > 0 {
				box, head = a.Upper, false
			}
			of[a.Image] = append(of[a.Image], labelled{box: scene.Box{X: box[0], Y: box[1], W: box[2], H: box[3]}, label: a.Behaviour, head: head,
				extra: []string{"", a.Posture, a.Student, "", n(a.Hidden), n(a.ClassYaw)}})
		}
	}
	for _, img := range j.Images {
		f, err := load(filepath.Join(dir, "images", filepath.Base(img.File)))
		if err != nil {
			return err
		}
		var flow *scene.Flow
		if img.FlowFile != "" {
			if flow, err = loadFlow(filepath.Join(dir, "flow", filepath.Base(img.FlowFile))); err != nil {
				return err
			}
		}
		for _, b := range of[img.ID] {
			b.extra[0], b.extra[2], b.extra[3] = img.Camera, fmt.Sprintf("%s-%d-%s", set, img.Sequence, b.extra[2]), n(img.Time)
			if err := o.add(f, flow, b, nil, "rendered", fmt.Sprintf("R-%s-%d", set, img.Room), img.File); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadFlow reads exact flow: a picture of half size, red and green 128 + 16 times
// the way in source pixels since 1/25 s before.
func loadFlow(path string) (*scene.Flow, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	img, _, err := image.Decode(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b := img.Bounds()
	f := &scene.Flow{Width: b.Dx(), Height: b.Dy(), Scale: 2, Interval: 0.04}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, _, _ := img.At(x, y).RGBA()
			f.UV = append(f.UV, (float32(r>>8)-128)/16, (float32(g>>8)-128)/16)
		}
	}
	return f, nil
}
