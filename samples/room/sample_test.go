package room

import (
	"os"
	"testing"
)

// The committed sample is what this code draws: some frames' truth is drawn
// again and compared.
func TestSampleIsCurrent(t *testing.T) {
	f, err := os.Open("../lesson/truth.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := ReadTruth(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != LessonSeconds*5 {
		t.Fatalf("%d frames, want one each 0.2 s", len(all))
	}
	s, err := NewLesson(testAssets(t), testSeed, 640, 360, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{3, 170, 322} {
		want := all[k]
		s.Frame(want.Time)
		got := s.Truth(want.Time)
		if len(got) != len(want.People) {
			t.Fatalf("frame %d: %d people, the table has %d", want.Frame, len(got), len(want.People))
		}
		for i, p := range got {
			w := want.People[i]
			if p.ID != w.ID || p.Behaviour != w.Behaviour || p.Attention != w.Attention || p.Engagement != w.Engagement {
				t.Errorf("frame %d: %s %s, the table has %s %s", want.Frame, p.ID, p.Behaviour, w.ID, w.Behaviour)
			}
			for j, q := range p.Points {
				if abs(q.X-w.Points[j].X) > .3 || abs(q.Y-w.Points[j].Y) > .3 || q.Seen != w.Points[j].Seen {
					t.Errorf("frame %d, %s: %s is at %.1f, %.1f (%d), the table has %+v", want.Frame, p.ID, PointNames[j], q.X, q.Y, q.Seen, w.Points[j])
				}
			}
		}
	}
}
