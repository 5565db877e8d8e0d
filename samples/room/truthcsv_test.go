package room

import (
	"bytes"
	"encoding/csv"
	"testing"
)

func sampleTruth() []FrameTruth {
	var all []FrameTruth
	for k := range 16 {
		p := Truth{ID: "S01", Behaviour: "write", Posture: "write", Attention: "on_task", Engagement: 2, Head: Rect{10, 20, 14, 15}, SeenHead: Rect{10, 20, 14, 15}, Pixels: 500}
		p.Points[0] = PointTruth{17, 30, 2}
		if k >= 13 {
			p.Behaviour, p.HiddenHead, p.Engagement = "read", .9, -1
		}
		all = append(all, FrameTruth{Frame: k * 5, Time: float64(k) * .25, People: []Truth{p}})
	}
	return all
}

func TestWriteBoxes(t *testing.T) {
	var b bytes.Buffer
	if err := WriteBoxes(&b, sampleTruth()); err != nil {
		t.Fatal(err)
	}
	want := "time_s,student_id,x,y,w,h,visibility\n0.0,s01,10,20,14,15,full\n1.0,s01,10,20,14,15,full\n2.0,s01,10,20,14,15,full\n3.0,s01,10,20,14,15,full\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestWriteBehaviour(t *testing.T) {
	var b bytes.Buffer
	if err := WriteBehaviour(&b, sampleTruth()); err != nil {
		t.Fatal(err)
	}
	want := "start_s,end_s,student_id,label,confidence\n0.0,3.0,s01,write,sure\n3.0,6.0,s01,not_visible,sure\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestWriteTruth(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTruth(&b, sampleTruth()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 17 || len(rows[0]) != len(rows[1]) {
		t.Fatalf("%d rows, %d names, %d values", len(rows), len(rows[0]), len(rows[1]))
	}
	at := map[string]int{}
	for i, n := range rows[0] {
		at[n] = i
	}
	if rows[1][at["nose_x"]] != "17.0" || rows[1][at["engagement"]] != "2" || rows[16][at["engagement"]] != "" || rows[16][at["head_hidden"]] != "0.90" {
		t.Errorf("values %v and %v", rows[1], rows[16])
	}
}

func TestReadTruth(t *testing.T) {
	var b bytes.Buffer
	want := sampleTruth()
	if err := WriteTruth(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadTruth(&b)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || got[2].Frame != 10 || got[2].People[0].Points[0] != want[2].People[0].Points[0] || got[15].People[0].Engagement != -1 {
		t.Errorf("read back %+v", got[2])
	}
	if _, err := ReadTruth(bytes.NewBufferString("a,b\n1,2\n")); err == nil {
		t.Error("a table of something else passes")
	}
}
