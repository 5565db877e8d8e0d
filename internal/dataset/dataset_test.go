package dataset

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"classlens/vision/scene"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// put writes files below a folder; a name that ends in .jpg becomes a picture whose
// pattern follows from the text.
func put(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".jpg") {
			picture(t, p, text)
			continue
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func picture(t *testing.T, file, pattern string) {
	t.Helper()
	im := image.NewRGBA(image.Rect(0, 0, 200, 100))
	for y := range 100 {
		for x := range 200 {
			v := byte(128)
			for i, c := range []byte(pattern) {
				v += byte(40 * math.Sin(float64(int(c)*(x+i)+(i+3)*int(c)*y/2)/300))
			}
			im.Set(x, y, color.RGBA{v, v, v / 2, 255})
		}
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := jpeg.Encode(f, im, nil); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, files map[string]string) *Set {
	t.Helper()
	s, err := Open(put(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCOCO(t *testing.T) {
	s := open(t, map[string]string{"images/a.jpg": "a", "annotations.json": `{"images":[{"id":5,"file_name":"a.jpg","room":"A","published_split":"val"}],
		"annotations":[{"image_id":5,"category_id":3,"bbox":[10,20,30,40.5]}],"categories":[{"id":1,"name":"read"},{"id":3,"name":"write"}]}`})
	want := Sample{Media: "images/a.jpg", Image: "a.jpg", Box: scene.Box{X: 10, Y: 20, W: 30, H: 40.5}, Label: 1, Level: -1, Attention: -1, Room: "A", Part: "val"}
	if s.Form != "coco" || s.Boxes != UpperBox || len(s.Samples) != 1 || s.Samples[0] != want || s.Classes[1] != "write" {
		t.Errorf("got %+v", s)
	}
}

// Numbers as text, a box that is none, and a picture's size that the file has wrong cost
// no more than what they say.
func TestLooseCOCO(t *testing.T) {
	s := open(t, map[string]string{"images/a.jpg": "a", "annotations.json": `{"images":[{"id":"x","file_name":"images/a.jpg","width":1,"height":"1"}],"categories":[{"id":"1","name":"read"}],
		"annotations":[{"image_id":"x","category_id":1,"bbox":["10","20",30,"40.5"],"iscrowd":false},{"image_id":"x","category_id":1,"bbox":[1,"wide",3,4]},{"image_id":"x","category_id":1,"bbox":null},
		{"image_id":"x","category_id":1,"bbox":[-5,-5,20,20],"iscrowd":true},{"image_id":"x","category_id":1,"bbox":[-5,-5,20,20]},{"image_id":"x","category_id":1,"bbox":[500,20,20,20]}]}`})
	lines := strings.Join(s.ProblemLines(), "\n")
	if len(s.Samples) != 2 || s.Samples[0].Box != (scene.Box{X: 10, Y: 20, W: 30, H: 40.5}) || s.Samples[1].Box.X != -5 {
		t.Errorf("got %+v", s.Samples)
	}
	for _, want := range []string{"kept out: 2 boxes without area", "kept out: 1 crowd boxes", "500, 20 in a picture of 200 x 100"} {
		if !strings.Contains(lines, want) {
			t.Errorf("nothing says %q:\n%s", want, lines)
		}
	}
}

func TestYOLO(t *testing.T) {
	label := "2 0.5 0.5 0.1 0.2\n"
	tests := []struct {
		name, file, list, class string
	}{
		{"no list: the CCTV set's", "", "", "phone"},
		{"classes.txt", "classes.txt", "a\nb\nc\n", "c"},
		{"names in YAML", "data.yaml", "nc: 3\nnames: [x, y, z]\n", "z"},
		{"names in a file of another name", "my set.yml", "names: [x, y, q]\n", "q"},
		{"numbered names", "data.yaml", "names:\n  0: x\n  1: y\n  2: w\n", "w"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"images/040.jpg": "b", "labels/040.txt": label}
			if test.file != "" {
				files[test.file] = test.list
			}
			s := open(t, files)
			x := s.Samples[0]
			if s.Classes[x.Label] != test.class {
				t.Errorf("class %q, want %q", s.Classes[x.Label], test.class)
			}
			if d := math.Abs(x.Box.X-90) + math.Abs(x.Box.Y-40) + math.Abs(x.Box.W-20) + math.Abs(x.Box.H-20); d > 1e-9 || s.Boxes != HeadBox {
				t.Errorf("box %+v of kind %s", x.Box, s.Boxes)
			}
			if test.list == "" && (x.Recording != "block 2" || x.Start != 38*5+49*60) {
				t.Errorf("picture 40 is in %q at %g s", x.Recording, x.Start)
			}
		})
	}
}

// Pictures of other forms than JPEG, and what half transparent ones show.
func TestPictureForms(t *testing.T) {
	im := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range im.Pix {
		im.Pix[i] = 200
	}
	im16 := image.NewGray16(im.Rect)
	for i := range im16.Pix {
		im16.Pix[i] = 200
	}
	for name, encode := range map[string]func(w io.Writer) error{
		"half transparent.png": func(w io.Writer) error { return png.Encode(w, im) },
		"16 bits.png":          func(w io.Writer) error { return png.Encode(w, im16) },
		"colour.bmp":           func(w io.Writer) error { return bmp.Encode(w, im) },
		"colour.webp": func(w io.Writer) error { // 3 x 2 pixels of grey 200, lossless
			_, err := io.Copy(w, base64.NewDecoder(base64.StdEncoding, strings.NewReader("UklGRh4AAABXRUJQVlA4TBEAAAAvAkAAAAdQ5CIXuf+BiOh/AAA=")))
			return err
		},
		"colour.tif": func(w io.Writer) error { return tiff.Encode(w, im, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := encode(&b); err != nil {
				t.Fatal(err)
			}
			s := open(t, map[string]string{"images/" + name: b.String(), "labels/" + strings.TrimSuffix(name, filepath.Ext(name)) + ".txt": "0 .5 .5 .5 .5", "classes.txt": "read"})
			f, err := LoadPicture(s.Path(s.Samples[0]))
			if err != nil || f.Width != 3 || f.Height != 2 || f.Pix[0] != 200 || f.Pix[17] != 200 {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

// Data sets are often linked to from elsewhere.
func TestLinkedFolders(t *testing.T) {
	dir, links := put(t, map[string]string{"images/a.jpg": "a", "labels/a.txt": "1 .5 .5 .1 .1"}), t.TempDir()
	for _, d := range []string{"images", "labels"} {
		if err := os.Symlink(filepath.Join(dir, d), filepath.Join(links, d)); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	if s, err := Open(links); err != nil || len(s.Samples) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Tables as spreadsheets save them where the comma is the decimal sign, and with tabs, say the same.
func TestSemicolons(t *testing.T) {
	plain := map[string]string{"lesson.mp4": "", "intervals.csv": "start_s,end_s,student,kind,label,p\n0.5,4.25,S01,behaviour,write,0.9\n", "timeline.csv": "time_s,student,x,y,w,h,visible\n2,S01,10.5,20,5,6,1\n"}
	want := open(t, plain).Samples
	for name, change := range map[string]*strings.Replacer{"semicolons": strings.NewReplacer(",", ";", ".", ","), "tabs": strings.NewReplacer(",", "\t")} {
		files := map[string]string{"lesson.mp4": ""}
		for _, f := range []string{"intervals.csv", "timeline.csv"} {
			files[f] = "\ufeff" + strings.ReplaceAll(change.Replace(plain[f]), "\n", "\r\n")
		}
		if got := open(t, files).Samples; len(want) != 1 || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// Recordings as cameras name them, above the results.
func TestCameraNames(t *testing.T) {
	for _, name := range []string{"00012.MTS", "LESSON.MP4", "lesson.ts"} {
		own := strings.TrimSuffix(name, filepath.Ext(name))
		dir := put(t, map[string]string{name: "", "out/" + own + "/intervals.csv": "start_s,end_s,student,kind,label\n0,4,S01,behaviour,write\n"})
		if s, err := Open(filepath.Join(dir, "out", own)); err != nil || len(s.Samples) != 1 || s.Samples[0].Media != name {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// Folders are called all sorts of things, also such as mean something in a pattern.
func TestFolderNames(t *testing.T) {
	list := `{"images":[{"id":5,"file_name":"a.jpg"}],"annotations":[{"image_id":5,"category_id":3,"bbox":[10,20,30,40]}],"categories":[{"id":3,"name":"write"}]}`
	for name, files := range map[string]map[string]string{
		"csv":            {"labels.csv": "chunk,label,subject\nsub1.mp4,Engaged,sub1\n", "sub1.mp4": ""},
		"COCO":           {"images/a.jpg": "a", "my list.json": list},
		"COCO, by parts": {"train/a.jpg": "a", "train/_annotations.coco.json": list},
		"YOLO":           {"images/a.jpg": "a", "labels/a.txt": "11 .5 .5 .1 .1", "my.yaml": "names: [a, b, c, d, e, f, g, h, i, j, k, write]"},
		"results":        {"../a.mp4": "", "a/intervals.csv": "start_s,end_s,student,kind,label\n0,4,S01,behaviour,write\n"},
	} {
		dir := filepath.Join(t.TempDir(), "class [5b]*\\")
		for file, text := range files {
			file = filepath.Join(dir, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(file) == ".jpg" {
				picture(t, file, text)
			} else if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if s, err := Open(dir); err != nil || len(s.Samples) != 1 || s.Samples[0].Label >= 0 && s.Classes[s.Samples[0].Label] != "write" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// What is no folder is told as that.
func TestNoFolder(t *testing.T) {
	dir := put(t, map[string]string{"a.csv": ""})
	for name, want := range map[string]string{"none": "no such folder", "a.csv": "not a folder"} {
		if _, err := Open(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDAiSEE(t *testing.T) {
	s := open(t, map[string]string{"DataSet/Train/110001/1100011002/1100011002.avi": "", "DataSet/Test/500044/5000441001/5000441001.avi": "",
		"Labels/AllLabels.csv": "ClipID,Boredom,Engagement,Confusion,Frustration \n1100011002.avi,0,2,0,0\n5000441001.avi,1,3,0,0\n9999.avi,0,1,0,0\n"})
	if len(s.Samples) != 2 || s.Samples[0].Level != 2 || s.Samples[0].Subject != "110001" || s.Samples[0].Part != "train" || s.Samples[1].Part != "test" {
		t.Errorf("%+v", s.Samples)
	}
}

func TestTables(t *testing.T) {
	s := open(t, map[string]string{"train_labels.csv": "chunk,label,subject\nsub1_v1.mp4,Highly-Engaged,sub1\nsub2_v1.mp4,Not-Engaged,sub2\n", "videos/sub1_v1.mp4": ""})
	if x := s.Samples[0]; x.Level != 3 || x.Media != "videos/sub1_v1.mp4" || x.Subject != "sub1" || x.Part != "train" || s.Samples[1].Level != 0 {
		t.Errorf("EngageNet: %+v", s.Samples)
	}
	s = open(t, map[string]string{"ava.csv": "vid,0902,0.1,0.2,0.3,0.6,12,7\nvid,0903,0.1,0.2,0.3,0.6,80,7\n"})
	if x := s.Samples[1]; !s.Shares || len(s.Samples) != 2 || x.Start != 903 || x.Subject != "vid/7" || s.Classes[x.Label] != "80" || math.Abs(x.Box.H-0.4) > 1e-12 {
		t.Errorf("AVA: %+v", s)
	}
	s = open(t, map[string]string{"ava.csv": "\ufeff\"Vid-5Kq\",0902,0.1,0.2,0.3,0.6,Write,7\nVid-5Kq,0903,0.1,0.2,0.3,0.6,Write,7\n", "Vid-5Kq.mkv": ""})
	if a, b := s.Samples[0], s.Samples[1]; len(s.Classes) != 1 || a.Media != "Vid-5Kq.mkv" || a.Media != b.Media || a.Subject != b.Subject || a.Recording != b.Recording {
		t.Errorf("AVA's first row is read unlike the second: %+v", s)
	}
}

func TestIntervals(t *testing.T) {
	s := open(t, map[string]string{"lesson.mp4": "",
		"intervals.csv": "start_s,end_s,student,kind,label,p\n0,4,S01,behaviour,write,0.9\n0,4,S01,attention,on_task,0.9\n0,4,S01,attention,unknown,0.4\n4,6,S01,engagement,2,0.5\n",
		"timeline.csv":  "time_s,student,x,y,w,h,visible\n0,S01,1,1,5,5,1\n2,S01,10,20,5,6,1\n3,S01,,,,,0\n"})
	if len(s.Samples) != 3 {
		t.Fatalf("%d samples", len(s.Samples))
	}
	if x := s.Samples[0]; x.Box != (scene.Box{X: 10, Y: 20, W: 5, H: 6}) || x.Subject != "lesson/S01" || s.Classes[x.Label] != "write" {
		t.Errorf("%+v", x)
	}
	if s.Samples[1].Attention != 1 || s.Samples[2].Level != 2 {
		t.Errorf("%+v", s.Samples)
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing known", map[string]string{"readme": ""}, "no reader"},
		{"broken JSON", map[string]string{"annotations.json": "{"}, "as coco"},
		{"a picture outside", map[string]string{"annotations.json": `{"images":[{"id":1,"file_name":"../../etc/x.jpg"}],"annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,1,1]}],"categories":[{"id":1,"name":"a"}]}`}, "not in the folder"},
		{"no box", map[string]string{"annotations.json": `{"images":[{"id":1,"file_name":"x.jpg"}],"annotations":[{"image_id":1,"category_id":1}],"categories":[{"id":1,"name":"a"}]}`}, "0 box numbers"},
		{"words for numbers", map[string]string{"images/1.jpg": "a", "labels/1.txt": "0 a b c d"}, "labels/1.txt line 1"},
		{"labels without a picture", map[string]string{"images/1.jpg": "a", "labels/2.txt": "0 0 0 1 1"}, "no picture"},
		{"a level out of range", map[string]string{"Labels/AllLabels.csv": "ClipID,Engagement\na.avi,7\n", "DataSet/a.avi": ""}, "0 to 3"},
		{"our own, label out of range", map[string]string{"dataset.json": `{"classes":["a"],"samples":[{"media":"x.jpg","label":1}]}`}, "1 classes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Open(put(t, test.files)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// What strangers' folders hold besides: it is told, counted and kept out, and the
// rest is read.
func TestKeptOut(t *testing.T) {
	image := func(id, more string) string {
		return `{"id":` + id + `,"width":200,"height":100,"file_name":` + more + `}`
	}
	box := func(id, image, category, bbox, more string) string {
		return `{"id":` + id + `,"image_id":` + image + `,"category_id":` + category + `,"bbox":` + bbox + more + `}`
	}
	coco := `{"images":[` + image("1", `"a.jpg"`) + `,` + image("2", `"/home/x/set/images/b.jpg"`) + `,` + image("3", `"C:\\set\\sub\\c.jpg"`) + `,` + image("4", `"gone.jpg"`) + `],
	"categories":[{"id":1,"name":"read"}],"annotations":[` + box("10", "1", "1", "[1,2,30,40]", "") + `,` + box("11", "2", "1", "[1,2,30,40]", "") + `,` + box("12", "3", "1", "[1,2,30,40]", "") + `,` +
		box("13", "1", "1", "[1,2,0,40]", "") + `,` + box("14", "1", "1", "[1,2,30,40]", `,"iscrowd":1`) + `,` + box("15", "4", "1", "[1,2,30,40]", "") + `,` + box("16", "9", "1", "[1,2,30,40]", "") + `,` +
		box("17", "1", "5", "[1,2,30,40]", "") + `,` + box("18", "1", "1", "[300,2,30,40]", "") + `]}`
	tests := []struct {
		name   string
		files  map[string]string
		images []string // what the samples' pictures are called
		lines  []string
	}{
		{"coco", map[string]string{"annotations.json": coco, "images/a.jpg": "a", "images/b.jpg": "b", "images/sub/c.jpg": "c"}, []string{"a.jpg", "/home/x/set/images/b.jpg", `C:\set\sub\c.jpg`},
			[]string{"annotation 4 (id 13): a box of 0 x 40", "kept out: 1 boxes without area", "kept out: 1 crowd boxes", `"gone.jpg" is not in the folder`, `no picture has the id "9"`,
				"kept out: 2 boxes whose picture is missing", `no category has the id "5"`, "300, 2 in a picture of 200 x 100", "kept out: 1 boxes outside"}},
		{"yolo", map[string]string{"images/a.jpg": "a", "images/sub/b.jpg": "b", "images/none.jpg": "c", "labels/a.txt": "0 .5 .5 .1 .1\r\n1 .5 .5 0 .1\nx\n7 .5 .5 .1 .1\n1 50 60 10 10\n",
			"labels/sub/b.txt": "\ufeff1 .5 .5 .1 .1 0.9", "labels/gone.txt": "0 .5 .5 .1 .1", "obj.names": "\ufeffread\nwrite\n"}, []string{"a.jpg", "sub/b.jpg"},
			[]string{"labels/a.txt line 2: a box of 0 x 0.1", "labels/a.txt line 3", "labels/a.txt line 4: class 7, the list has 2", "labels/a.txt line 5: a box at 45, 55", "labels/gone.txt: no picture"}},
		{"a broken picture", map[string]string{"images/a.jpg": "a", "images/b.png": "no picture", "labels/a.txt": "0 .5 .5 .1 .1", "labels/b.txt": "0 .5 .5 .1 .1"}, []string{"a.jpg"},
			[]string{"labels/b.txt: images/b.png: image: unknown format"}},
		{"labels beside the pictures", map[string]string{"a.jpg": "a", "a.txt": "0 .5 .5 .1 .1", "b.jpg": "b", "classes.txt": "read"}, []string{"a.jpg"}, nil},
		{"COCO by another name", map[string]string{"annotations/instances_default.json": strings.ReplaceAll(coco, "images/b", "b"), "images/a.jpg": "a", "images/b.jpg": "b", "images/sub/c.jpg": "c", "notes.json": "{}"},
			[]string{"a.jpg", "/home/x/set/b.jpg", `C:\set\sub\c.jpg`}, []string{"kept out: 1 crowd boxes"}},
		{"CVAT", map[string]string{"obj_train_data/a.jpg": "a", "obj_train_data/a.txt": "0 .5 .5 .1 .1", "obj_train_data/train.txt": "obj_train_data/a.jpg", "obj.names": "read"}, []string{"a.jpg"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, test.files)
			var images []string
			for _, x := range s.Samples {
				images = append(images, x.Image)
				if !exists(s.Path(x)) {
					t.Errorf("%s is not there", x.Media)
				}
			}
			if !slices.Equal(images, test.images) {
				t.Errorf("samples of %q, want %q", images, test.images)
			}
			lines := strings.Join(s.ProblemLines(), "\n")
			for _, want := range test.lines {
				if !strings.Contains(lines, want) {
					t.Errorf("nothing says %q:\n%s", want, lines)
				}
			}
			if test.lines == nil && lines != "" {
				t.Errorf("kept out without reason: %s", lines)
			}
		})
	}
}

func TestSaveAndOpen(t *testing.T) {
	s := open(t, map[string]string{"images/a.jpg": "a", "labels/a.txt": "1 .5 .5 .1 .1"})
	if err := s.Save(s.Root); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.Root)
	if err != nil {
		t.Fatal(err)
	}
	if again.Form != "classlens" || len(again.Samples) != 1 || again.Samples[0] != s.Samples[0] || again.Boxes != HeadBox {
		t.Errorf("%+v became %+v", s, again)
	}
}

func TestHeadOf(t *testing.T) {
	box := scene.Box{X: 100, Y: 100, W: 80, H: 100}
	head := scene.Box{X: 120, Y: 105, W: 36, H: 40}
	found := []scene.Person{{Head: scene.Box{X: 300, Y: 100, W: 36, H: 40}, Score: 0.9}, {Head: head, Score: 0.9}}
	if got := HeadOf(box, UpperBox, found); got != head {
		t.Errorf("found head: %v", got)
	}
	if got := HeadOf(box, HeadBox, found); got != box {
		t.Errorf("a head box is the head: %v", got)
	}
	if got := HeadOf(box, UpperBox, nil); math.Abs(got.X-119) > 1e-9 || math.Abs(got.Y-106) > 1e-9 || got.W != 42 {
		t.Errorf("usual head: %v", got)
	}
}
