// Command crops cuts the training pictures of the classroom network from the
// development data, with the very geometry of vision/clip: a head box where the
// people detector finds one in a labelled box, else one of the usual proportion.
//
//	go run ./scripts/train-classroom/crops [-boxes] SHARED_DATA OUT [RENDERED...]
//
// With -boxes the squares are those of evaluate.LabelledBox instead: cut round the
// labelled boxes, as `classlens eval` looks where a box is given; and OUT/heads.bin
// holds (H, 2, 1764) float32, the histograms of oriented gradients of the H boxes that
// are heads and of their mirror images.
//
// RENDERED are folders that `synthroom crops` made; SHARED_DATA - leaves the real
// sets out.
//
// OUT/pixels.bin holds (N, 160, 160, 3) bytes, each picture 1.25 times as wide as
// what the network sees, so that training can shift and scale; OUT/pose.bin holds
// (N, 256, 256, 3) bytes, what the pose net sees of the same; OUT/crops.csv has
// one line a picture; OUT/flow.bin holds (M, 60, 60, 2) signed bytes, 1/64 of the
// square's side a second, for the M pictures whose column flow is not -1.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"classlens/internal/safefile"
	"classlens/vision/clip"
	"classlens/vision/people"
	"classlens/vision/scene"
)

const (
	size     = 160 // of the stored picture, margin times the network's square
	margin   = 1.25
	flowSize = 60
	poseSize = 256 // of the picture that the pose net sees: the square itself
)

func main() {
	boxes := flag.Bool("boxes", false, "cut round the labelled boxes")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: crops [-boxes] SHARED_DATA OUT [RENDERED...]")
		os.Exit(2)
	}
	if err := run(*boxes, flag.Arg(0), flag.Arg(1), flag.Args()[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "crops:", err)
		os.Exit(1)
	}
}

// labelled is one box of a picture with what it is said to show.
type labelled struct {
	box   scene.Box
	label string
	head  bool // the box is a head, not head and upper body
	extra []string
}

// columns of crops.csv; the last six are of rendered students only.
var columns = []string{"set", "room", "image", "label", "x", "y", "w", "h", "square_x", "square_y", "square_side", "found", "flow",
	"camera", "posture", "clip", "time", "hidden", "class_yaw"}

type output struct {
	boxes                     bool
	pixels, pose, flow, heads *bufio.Writer
	table                     *csv.Writer
	n, flows                  int
}

func run(boxes bool, data, out string, rendered []string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var files [5]*safefile.File
	for i, name := range []string{"pixels.bin", "pose.bin", "flow.bin", "heads.bin", "crops.csv"} {
		f, err := safefile.Create(filepath.Join(out, name))
		if err != nil {
			return err
		}
		defer f.Abort()
		files[i] = f
	}
	o := &output{boxes: boxes, pixels: bufio.NewWriter(files[0]), pose: bufio.NewWriter(files[1]), flow: bufio.NewWriter(files[2]), heads: bufio.NewWriter(files[3]), table: csv.NewWriter(files[4])}
	if err := o.table.Write(columns); err != nil {
		return err
	}
	if data != "-" {
		if err := errors.Join(o.claBehavior(filepath.Join(data, "clabehavior")), o.cctv(filepath.Join(data, "cctv"))); err != nil {
			return err
		}
	}
	for _, dir := range rendered {
		if err := o.rendered(dir); err != nil {
			return err
		}
	}
	o.table.Flush()
	fmt.Println(o.n, "pictures")
	if err := o.table.Error(); err != nil {
		return err
	}
	if err := errors.Join(o.pixels.Flush(), o.pose.Flush(), o.flow.Flush(), o.heads.Flush()); err != nil {
		return err
	}
	// The table goes first and comes last: where it is, it tells of these pictures.
	if err := os.Remove(filepath.Join(out, "crops.csv")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range files {
		if err := f.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) claBehavior(dir string) error {
	var j struct {
		Images []struct {
			ID   int    `json:"id"`
			File string `json:"file_name"`
			Room string `json:"room"`
		} `json:"images"`
		Annotations []struct {
			Image    int        `json:"image_id"`
			Category int        `json:"category_id"`
			Box      [4]float64 `json:"bbox"`
		} `json:"annotations"`
		Categories []struct {
			ID   int    `json:"id"`
			Name string `json:"name"`
		} `json:"categories"`
	}
	raw, err := os.ReadFile(filepath.Join(dir, "annotations.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	names := map[int]string{}
	for _, c := range j.Categories {
		names[c.ID] = c.Name
	}
	d, err := people.NewDetector(people.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	for _, img := range j.Images {
		f, err := load(filepath.Join(dir, "images", img.File))
		if err != nil {
			return err
		}
		var found []scene.Person
		if d.Reset(); !o.boxes {
			if found, err = d.Detect(f); err != nil {
				return err
			}
		}
		for _, a := range j.Annotations {
			if a.Image != img.ID {
				continue
			}
			b := labelled{box: scene.Box{X: a.Box[0], Y: a.Box[1], W: a.Box[2], H: a.Box[3]}, label: names[a.Category]}
			if err := o.add(f, nil, b, found, "clabehavior", img.Room, img.File); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *output) cctv(dir string) error {
	classes := []string{"down", "lookaround", "phone", "up"}
	files, err := filepath.Glob(filepath.Join(dir, "images", "*.jpg"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, file := range files {
		f, err := load(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".jpg")
		raw, err := os.ReadFile(filepath.Join(dir, "labels", name+".txt"))
		if err != nil {
			return err
		}
		block := "1"
		if n, _ := strconv.Atoi(name); n > 36 { // file names are numbers; the break is after 36
			block = "2"
		}
		for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
			var class int
			var x, y, w, h float64
			if _, err := fmt.Sscan(line, &class, &x, &y, &w, &h); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fw, fh := float64(f.Width), float64(f.Height)
			b := labelled{box: scene.Box{X: (x - w/2) * fw, Y: (y - h/2) * fh, W: w * fw, H: h * fh}, label: classes[class], head: true}
			if err := o.add(f, nil, b, nil, "cctv", block, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func load(path string) (scene.Frame, error) {
	r, err := os.Open(path)
	if err != nil {
		return scene.Frame{}, err
	}
	defer r.Close()
	img, _, err := image.Decode(r)
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

// headIn finds the head that belongs to a box of head and upper body: the one
// nearest the place where heads are, a quarter down the middle.
func headIn(b scene.Box, found []scene.Person) (scene.Box, bool) {
	var best scene.Box
	least := 0.35
	for _, p := range found {
		x, y := p.Head.Center()
		dx, dy := (x-b.X-b.W/2)/b.W, (y-b.Y-b.H*0.27)/b.H
		size := p.Head.H / b.H
		if d := dx*dx + dy*dy; p.Score > 0.25 && d < least*least && size > 0.15 && size < 0.9 {
			best, least = p.Head, d
		}
	}
	return best, !best.Empty()
}

func (o *output) add(f scene.Frame, flow *scene.Flow, b labelled, found []scene.Person, set, room, image string) error {
	head, ok := b.box, true
	if !b.head {
		if head, ok = headIn(b.box, found); !ok { // the usual head: two fifths of the box's height
			s := 0.42 * b.box.H
			head = scene.Box{X: b.box.X + b.box.W/2 - s/2, Y: b.box.Y + 0.27*b.box.H - s/2, W: s, H: s}
		}
	}
	q := clip.Around(head)
	if o.boxes {
		q = clip.Labelled(b.box, b.head)
	}
	wide := clip.Square{X: q.X - q.Side*(margin-1)/2, Y: q.Y - q.Side*(margin-1)/2, Side: q.Side * margin}
	if _, err := o.pixels.Write(clip.Picture(f, wide, size)); err != nil {
		return err
	}
	if _, err := o.pose.Write(clip.Picture(f, q, poseSize)); err != nil {
		return err
	}
	if o.boxes && b.head {
		for _, outlines := range clip.Outlines(clip.Picture(f, q, poseSize), poseSize) {
			if err := binary.Write(o.heads, binary.LittleEndian, outlines); err != nil {
				return err
			}
		}
	}
	o.n++
	number := -1
	if uv := clip.Flow(flow, wide, flowSize); uv != nil {
		number = o.flows
		o.flows++
		bytes := make([]byte, len(uv))
		for i, v := range uv {
			bytes[i] = byte(int8(min(max(v*margin*64, -127), 127)))
		}
		if _, err := o.flow.Write(bytes); err != nil {
			return err
		}
	}
	n := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	row := []string{set, room, image, b.label, n(b.box.X), n(b.box.Y), n(b.box.W), n(b.box.H), n(q.X), n(q.Y), n(q.Side), strconv.FormatBool(ok), strconv.Itoa(number)}
	if b.extra == nil {
		b.extra = []string{"", "", "", "", "", ""}
	}
	return o.table.Write(append(row, b.extra...))
}
