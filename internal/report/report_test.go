package report

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"classlens/internal/timeline"
	"classlens/vision/scene"
)

const hostile = `</script><img src=x onerror=alert(1)>.mp4`

// lesson is a made-up timeline: some students, some behaviours, one hidden now and then.
func lesson(t *testing.T, students, steps int) *timeline.Timeline {
	t.Helper()
	in := timeline.Input{Decisions: map[string]map[int]timeline.Decision{}, Meanings: map[string]timeline.Meaning{}, Options: timeline.Options{StepSeconds: 1, ChangeCost: 1}}
	for i, b := range timeline.Behaviours {
		in.Meanings[b] = timeline.Meaning{Attention: []string{timeline.OnTask, timeline.OffTask}[i/4%2], Engagement: i % 4}
	}
	for s := range students {
		id := fmt.Sprintf("S%02d", s+1)
		tr := scene.Track{ID: id, SeatX: float64(40 + 60*s%560), SeatY: float64(80 + 40*(s/8))}
		in.Decisions[id] = map[int]timeline.Decision{}
		for k := range steps {
			hidden := (k+3*s)%17 == 0
			tr.Sightings = append(tr.Sightings, scene.Sighting{Step: k, Time: float64(k), Visible: !hidden, Head: scene.Box{X: tr.SeatX, Y: tr.SeatY, W: 20, H: 20}})
			if hidden {
				continue
			}
			d := timeline.Decision{Moments: []float32{.1, .1, .6, .1, .1}}
			for b := range d.Behaviour {
				d.Behaviour[b] = .02
			}
			d.Behaviour[(s+k/9)%10] = .82
			in.Decisions[id][k] = d
		}
		in.Tracks = append(in.Tracks, tr)
	}
	tl, err := timeline.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func written(t *testing.T, p Page) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "report.html")
	if err := Write(name, p); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func page(t *testing.T) Page {
	return Page{Name: hostile, State: hostile, Duration: 120, Width: 640, Height: 360, Timeline: lesson(t, 12, 120), Device: hostile, Version: hostile,
		Gaps: []Gap{{3, 9, hostile}}, KeyFrames: []KeyFrame{{1, []byte("jpeg")}}}
}

// Whatever a file is called, the page has no more scripts, handlers or addresses
// than the template.
func TestHostileTextStaysText(t *testing.T) {
	html := written(t, page(t))
	body := strings.ReplaceAll(strings.ReplaceAll(html, echartsJS, ""), pageJS, "")
	if n := strings.Count(body, "<script"); n != 3 {
		t.Errorf("%d script elements, want 3", n)
	}
	for _, bad := range []string{"<img src=x", "onerror=alert(1)>", "javascript:"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if found := regexp.MustCompile(`(?i)(src|href)="(?:https?:)?//[^"]*"`).FindString(body); found != "" {
		t.Errorf("the page loads %s", found)
	}
	if !strings.Contains(body, "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;.mp4") {
		t.Error("the file's name is not shown as text")
	}
}

func TestSamePageTwice(t *testing.T) {
	first, second := written(t, page(t)), written(t, page(t))
	if first != second {
		t.Error("two writings of one page differ")
	}
}

func TestEveryStudentHasARow(t *testing.T) {
	html := written(t, page(t))
	for i := range 12 {
		if !strings.Contains(html, fmt.Sprintf(`aria-label="Behaviour of S%02d over the lesson"`, i+1)) {
			t.Errorf("S%02d has no row", i+1)
		}
	}
	if !strings.Contains(html, "Part of this recording could not be read") {
		t.Error("the gap is not told")
	}
}

func TestEmptyLesson(t *testing.T) {
	html := written(t, Page{Name: "empty.mp4", Timeline: &timeline.Timeline{Step: 1}})
	if !strings.Contains(html, "<b>0</b><span>students seen") {
		t.Error("an empty lesson does not say that nobody was seen")
	}
}

func TestStandOut(t *testing.T) {
	var points []timeline.ClassPoint
	for i := range 200 {
		on := .7
		if i >= 100 && i < 120 {
			on = .1
		}
		p := timeline.ClassPoint{Time: float64(i), OnTask: on}
		if i == 150 {
			p.Hands = 4
		}
		points = append(points, p)
	}
	points[5].OnTask = math.NaN()
	found := standOut(points)
	if len(found) != 2 || found[0].Start < 98 || found[0].End > 122 || !strings.Contains(found[0].Text, "fewest") || !strings.Contains(found[1].Text, "4") {
		t.Errorf("found %+v", found)
	}
}
