package report

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	return Page{Name: hostile, Duration: 120, Timeline: lesson(t, 12, 120), Device: hostile, Version: hostile,
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
	if !strings.Contains(html, "Nobody was found in this recording") || strings.Contains(html, "Where students sit") || strings.Contains(html, "of student time in view") {
		t.Error("an empty lesson does not say that nobody was seen, or says more")
	}
}

func TestStandOut(t *testing.T) {
	var points []timeline.ClassPoint
	for i := range 200 {
		on := .7
		if i >= 100 && i < 120 {
			on = .1
		}
		p := timeline.ClassPoint{Time: float64(i), OnTask: on, Visible: 20, Known: 10}
		if i == 150 {
			p.Hands = 4
		}
		points = append(points, p)
	}
	points[5].OnTask, points[5].Known = math.NaN(), 0
	found := standOut(points)
	if len(found) != 2 || found[0].Start < 98 || found[0].End > 122 || !strings.Contains(found[0].Text, "least") || !strings.Contains(found[0].Text, "of the 10 of whom that is known (20 in view)") || !strings.Contains(found[1].Text, "4") {
		t.Errorf("found %+v", found)
	}
}

// One student alone, while the program is unsure of all others, is no class: nothing stands out by it, and it bends no curve.
func TestFewWhoAreSure(t *testing.T) {
	var points []timeline.ClassPoint
	for i := range 200 {
		p := timeline.ClassPoint{Time: float64(i), OnTask: .7, Visible: 20, Known: 10, Sure: 10, Engagement: 1}
		if i >= 100 && i < 120 {
			p.OnTask, p.Known = 0, 1
		}
		points = append(points, p)
	}
	if found := standOut(points); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
	points[50].OnTask, points[50].Known, points[52].OnTask = 0, 1, 1
	v := view{Page: Page{Duration: 200, Timeline: &timeline.Timeline{Class: points, Step: 1}}}
	c := v.chart()
	if got, want := *c.OnTask[50], 100*(3*.7*10+1*10)/41; math.Abs(got-want) > .01 {
		t.Errorf("on task at 50 s: %v %%, want %v", got, want)
	}
	if *c.Sure[110] != 1 || *c.Visible[110] != 20 {
		t.Errorf("the chart says %v of %v", *c.Sure[110], *c.Visible[110])
	}
}

func TestChartStopsAtAGap(t *testing.T) {
	var points []timeline.ClassPoint
	for i := range 40 {
		if i < 10 || i > 20 {
			points = append(points, timeline.ClassPoint{Time: float64(i), OnTask: 1, Visible: 2, Known: 2})
		}
	}
	c := view{Page: Page{Duration: 40, Timeline: &timeline.Timeline{Class: points, Step: 1}, Gaps: []Gap{{10, 21, "damaged"}}}}.chart()
	if c.Time[10] != 10 || c.OnTask[10] != nil || c.Sure[10] != nil || c.Time[11] != 21 || c.OnTask[11] == nil || len(c.Gaps) != 1 {
		t.Errorf("the chart goes on over what was not read: %v %v", c.Time[9:12], c.OnTask[9:12])
	}
}

// What the page says of itself is what was done: the table in force, and whether faces are blurred.
func TestPageTellsItsSettings(t *testing.T) {
	p := page(t)
	p.Meanings = map[string]timeline.Meaning{"read": {Attention: timeline.OffTask}, "write": {Attention: timeline.OnTask, Engagement: 2}}
	html := written(t, p)
	for _, want := range []string{"<b>off task</b>: reads<", "<b>on task</b>: writes<", "<b>engagement 2, active</b>: writes<", "<b>Faces in its pictures are not blurred</b>", `alt="The room at 0:01"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	p.Blurred = true
	if html := written(t, p); strings.Contains(html, "not blurred") || !strings.Contains(html, "Faces that were found are blurred") {
		t.Error("the page does not say that faces are blurred")
	}
}

// A student of whom nothing is sure has dashes in the table, not numbers and not NaN.
func TestNothingSure(t *testing.T) {
	p := page(t)
	s := &p.Timeline.Students[3]
	s.OnTaskShare, s.EngagementMean = math.NaN(), math.NaN()
	for i := range s.Shares {
		s.Shares[i] = math.NaN()
	}
	html := strings.ReplaceAll(strings.ReplaceAll(written(t, p), echartsJS, ""), pageJS, "")
	if n := strings.Count(html, "<td>–</td>"); n != 12 || strings.Contains(html, "NaN") {
		t.Errorf("%d dashes, want 12; NaN: %v", n, strings.Contains(html, "NaN"))
	}
}

// A share that rests on two seconds is drawn as one that does.
func TestThinRings(t *testing.T) {
	v := view{Page: Page{Duration: 600}}
	v.Timeline = &timeline.Timeline{Step: 1}
	for id, n := range map[string][2]int{"S01": {500, 200}, "S02": {500, 100}, "S03": {12, 8}, "S04": {40, 12}} { // rows in view, of them sure
		var rows []timeline.Row
		for i := range n[0] {
			row := timeline.Row{Student: id, Visible: true, Behaviour: "write", Attention: timeline.Unknown}
			if i < n[1] {
				row.Attention = timeline.OnTask
			}
			rows = append(rows, row)
		}
		s := v.student(timeline.Student{ID: id, Seen: float64(n[0])}, rows)
		if want := id == "S02" || id == "S03"; s.Thin != want {
			t.Errorf("%s: %v of %v s sure, thin %v", id, s.Certain, s.Seen, s.Thin)
		}
	}
}

// What is drawn in full colour is just the time that the figures count, also within an interval of which the program is unsure on the whole.
func TestStripesAreTheSureSteps(t *testing.T) {
	v := view{Page: Page{Duration: 100, Timeline: &timeline.Timeline{Step: 1}}}
	var rows []timeline.Row
	for i := range 100 {
		if i >= 60 && i < 70 {
			continue // could not be read
		}
		r := timeline.Row{Time: float64(i), Visible: true, Behaviour: "write", Sure: i >= 10 && i < 20 || i >= 55 && i < 75, Attention: timeline.Unknown}
		if i >= 15 {
			r.Behaviour = "read"
		}
		if r.Sure {
			r.Attention = timeline.OnTask
		}
		rows = append(rows, r)
	}
	v.Timeline.Intervals = []timeline.Interval{{Student: "S01", Kind: "behaviour", Label: "read", Start: 15, End: 60, P: .3}}
	s := v.student(timeline.Student{ID: "S01", Seen: 90}, rows)
	want := []stripe{{"b-read", "M1500 0V1H2000V0zM5500 0V1H6000V0zM7000 0V1H7500V0z"}, {"b-write", "M1000 0V1H1500V0z"}}
	if !slices.Equal(s.Sure, want) || s.Certain != 20 {
		t.Errorf("drawn %v, %v s, want %v", s.Sure, s.Certain, want)
	}
	if len(s.Bars) != 1 || s.Bars[0].OnSure { // its middle, 37.5 s, is a guess
		t.Errorf("bars %+v", s.Bars)
	}
}

// A teacher reads how much the page rests on, and of whom it says most.
func TestUnsureLessonSaysWhatIsWorthALook(t *testing.T) {
	p := page(t)
	for i := range p.Timeline.Rows {
		if r := &p.Timeline.Rows[i]; r.Student != "S03" && r.Student != "S05" {
			r.Attention, r.Sure = timeline.Unknown, false
		}
	}
	html := written(t, p)
	if !strings.Contains(html, "for only 17 % of the time that it sees them.") || !strings.Contains(html, "S03 and S05, of whom it is known the longest") {
		t.Errorf("the page says %s", regexp.MustCompile(`<b>The program can tell.*?</div>`).FindString(html))
	}
}

func TestDid(t *testing.T) {
	v := view{Summary: timeline.Summary{Behaviours: map[string]float64{"write": .5, "read": .3, "turn": .17, "phone": .03, "other": .02}}}
	if got, want := v.Did(), "writes 50 %, reads 30 %, turned away 17 % and uses a phone 3 %"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (view{}).Did(); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

// Who reads the page is told that turned heads were reckoned fewer, and not where nothing was done.
func TestDrawnTurnedIsTold(t *testing.T) {
	p := page(t)
	if html := written(t, p); strings.Contains(html, "usual_turned") {
		t.Error("told where nothing was asked for")
	}
	p.Timeline.Turned = &timeline.Turned{Found: .08, Usual: .11, Strength: .5, Taken: .08}
	if html := written(t, p); strings.Contains(html, "usual_turned") {
		t.Error("told where nothing was drawn")
	}
	p.Timeline.Turned = &timeline.Turned{Found: .24, Usual: .11, Strength: .5, Taken: .1625}
	if html := written(t, p); !strings.Contains(html, "took 24 % of what") || !strings.Contains(html, "it was 11 %") || !strings.Contains(html, "reckoned as 16 %") {
		t.Error("not told")
	}
}
