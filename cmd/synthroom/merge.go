package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"path/filepath"
	"strconv"

	"classlens/samples/room"
)

// dataset is annotations.json: COCO's person key points with the labels of
// room.Label.
type dataset struct {
	Info struct {
		Description string   `json:"description"`
		License     string   `json:"license"`
		Behaviours  []string `json:"behaviours"`
	} `json:"info"`
	Images      []room.Picture `json:"images"`
	Annotations []room.Label   `json:"annotations"`
	Categories  []category     `json:"categories"`
}

type category struct {
	ID        int      `json:"id"`
	Name      string   `json:"name"`
	Keypoints []string `json:"keypoints"`
	Skeleton  [][2]int `json:"skeleton"`
}

// merge puts the scenes' shards together.
func merge(out string, scenes int) error {
	var d dataset
	d.Info.Description = "made-up classrooms, drawn by synthroom; no likeness of a real person"
	d.Info.License = "CC0-1.0"
	d.Info.Behaviours = room.Behaviours
	d.Categories = []category{{1, "student", room.PointNames[:], room.Skeleton()}}
	for n := range scenes {
		s, err := readShard(shardPath(out, n))
		if err != nil {
			return err
		}
		d.Images = append(d.Images, s.Images...)
		d.Annotations = append(d.Annotations, s.Annotations...)
	}
	if err := writeFile(filepath.Join(out, "annotations.json"), func(w io.Writer) error { return json.NewEncoder(w).Encode(d) }); err != nil {
		return err
	}
	return writeFile(filepath.Join(out, "students.csv"), func(w io.Writer) error { return writeStudents(w, &d) })
}

// writeStudents writes a row a label, for those who do not read COCO.
func writeStudents(w io.Writer, d *dataset) error {
	c := csv.NewWriter(w)
	head := []string{"image", "room", "layout", "camera", "sequence", "step", "time_s", "student", "behaviour", "posture", "attention", "engagement",
		"head_x", "head_y", "head_w", "head_h", "upper_x", "upper_y", "upper_w", "upper_h", "head_hidden", "body_hidden", "head_yaw", "head_pitch", "gaze_yaw", "gaze_pitch", "class_yaw"}
	for _, n := range room.PointNames {
		head = append(head, n+"_x", n+"_y", n+"_seen")
	}
	if err := c.Write(head); err != nil {
		return err
	}
	images := map[int]*room.Picture{}
	for i := range d.Images {
		images[d.Images[i].ID] = &d.Images[i]
	}
	num := func(x float32) string { return strconv.FormatFloat(float64(x), 'f', -1, 32) }
	for i := range d.Annotations {
		l := &d.Annotations[i]
		im := images[l.ImageID]
		row := []string{im.File, strconv.Itoa(im.Room), im.Layout, im.Camera, strconv.Itoa(im.Sequence), strconv.Itoa(im.Step), strconv.FormatFloat(im.Time, 'f', -1, 64),
			l.Student, l.Behaviour, l.Posture, l.Attention, strconv.Itoa(l.Engagement)}
		for _, b := range [][4]float32{l.Head, l.Upper} {
			row = append(row, num(b[0]), num(b[1]), num(b[2]), num(b[3]))
		}
		for _, v := range []float32{l.HeadHidden, l.BodyHidden, l.HeadYaw, l.HeadPitch, l.GazeYaw, l.GazePitch, l.ClassYaw} {
			row = append(row, num(v))
		}
		for _, v := range l.Keypoints {
			row = append(row, num(v))
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
