package people

import (
	"testing"

	"classlens/vision/scene"
)

// A room whose heads are 10 pixels high at row 100 and 40 at row 400.
func seated(y, factor float64) scene.Person {
	h := y / 10 * factor
	return scene.Person{Score: 0.9, Head: scene.Box{X: 50, Y: y - h/2, W: h * 0.8, H: h}}
}

func TestPerspective(t *testing.T) {
	var p headPlane
	for k := range 4 {
		var people []scene.Person
		for i := range 30 {
			f := 1 + 0.1*float64((i*7+k*3)%5-2)/2
			if i%6 == 5 {
				f = 2.2 // a fifth of what is found is not seated heads
			}
			people = append(people, seated(100+float64(i)*10, f))
		}
		if got := p.plausible(people); len(got) != len(people) {
			t.Fatalf("look %d: %d of %d were kept", k, len(got), len(people))
		}
		p.add(people)
	}
	got := p.plausible([]scene.Person{seated(150, 1), seated(300, 0.75), seated(350, 2.5), seated(380, 0.45), seated(120, 0.5)})
	if len(got) != 3 {
		t.Errorf("%d were kept: %+v", len(got), got)
	}
	for _, q := range got {
		if r := q.Head.H * 10 / (q.Head.Y + q.Head.H/2); r < 0.6 {
			t.Errorf("a head of %.2f of its row's size was kept", r)
		}
	}
}

// TestPerspectiveOfFewHeads: what a few heads show rejects nobody.
func TestPerspectiveOfFewHeads(t *testing.T) {
	var p headPlane
	for range planeLeast - 1 {
		p.add([]scene.Person{seated(200, 1)})
	}
	if got := p.plausible([]scene.Person{seated(300, 0.1)}); len(got) != 1 {
		t.Error("a head was left out on too little evidence")
	}
	p.add([]scene.Person{seated(200, 1)}) // all in one row: no slope
	if got := p.plausible([]scene.Person{seated(300, 0.1), seated(300, 1)}); len(got) != 1 {
		t.Errorf("%d were kept", len(got))
	}
}
