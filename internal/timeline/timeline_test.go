package timeline

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"classlens/vision/scene"

	"github.com/parquet-go/parquet-go"
)

var meanings = map[string]Meaning{
	"look_forward": {OnTask, 1}, "read": {OnTask, 2}, "write": {OnTask, 2}, "raise_hand": {OnTask, 2}, "turn": {OffTask, 0},
	"stand": {OnTask, 1}, "discuss": {OnTask, 3}, "phone": {OffTask, 0}, "head_down": {OffTask, 0}, "other": {Unknown, 1},
}

// decided is a decision that gives p to one behaviour and shares the rest out.
func decided(behaviour string, p float64) Decision {
	var d Decision
	for i, b := range Behaviours {
		d.Behaviour[i] = float32((1 - p) / 9)
		if b == behaviour {
			d.Behaviour[i] = float32(p)
		}
	}
	d.Moments = []float32{.1, .8, .1}
	return d
}

// input is one student; a letter a step: f look_forward, w write, h raise_hand, p phone,
// d discuss, o other, ? unsure, - hidden.
func input(id, steps string) Input {
	in := Input{Decisions: map[string]map[int]Decision{id: {}}, Meanings: meanings, Options: Options{StepSeconds: 1, UnsureBelow: .3, AttentionBelow: .75}}
	t := scene.Track{ID: id, Teacher: id[0] == 'T', SeatX: 10, SeatY: 20}
	names := map[rune]string{'f': "look_forward", 'w': "write", 'h': "raise_hand", 'p': "phone", 'd': "discuss", 'o': "other"}
	for i, c := range steps {
		t.Sightings = append(t.Sightings, scene.Sighting{Step: i, Time: float64(i), Visible: c != '-', Head: scene.Box{X: 1, Y: 2, W: 3, H: 4}})
		switch c {
		case '-':
		case '?':
			in.Decisions[id][i] = decided("write", .2)
		default:
			in.Decisions[id][i] = decided(names[c], .8)
		}
	}
	in.Tracks = []scene.Track{t}
	return in
}

func build(t *testing.T, in Input) *Timeline {
	t.Helper()
	tl, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func TestIntervals(t *testing.T) {
	for _, c := range []struct{ name, steps, want string }{
		{"two behaviours", "fffwww", "0-3 look_forward, 3-6 write"},
		{"hidden between", "ff--ff", "0-2 look_forward, 4-6 look_forward"},
		{"one step", "f", "0-1 look_forward"},
		{"never seen", "---", ""},
		{"short event", "ffhff", "0-2 look_forward, 2-3 raise_hand, 3-5 look_forward"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, v := range build(t, input("S01", c.steps)).Intervals {
				if v.Kind == "behaviour" {
					got = append(got, fmt.Sprintf("%g-%g %s", v.Start, v.End, v.Label))
				}
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

// Where the recording could not be read nothing is said: an interval ends before it, and another begins after it.
func TestNoIntervalOverAGap(t *testing.T) {
	in := input("S01", "ffffff")
	in.Gaps = []scene.Gap{{Start: 2.04, End: 7.9}, {Start: 1, End: 1}}
	for i := 3; i < 6; i++ {
		in.Tracks[0].Sightings[i].Time += 5
	}
	var got []string
	for _, v := range build(t, in).Intervals {
		got = append(got, fmt.Sprintf("%g-%g %s %.2f", v.Start, v.End, v.Label, v.P))
	}
	want := []string{"0-3 look_forward 0.80", "8-11 look_forward 0.80", "0-3 on_task 0.93", "8-11 on_task 0.93", "0-3 1 0.84", "8-11 1 0.84"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Hands shown over time are those of the hand-raises that are counted.
func TestHandsAreThoseCounted(t *testing.T) {
	in := input("S01", "ffhhhff")
	in.Options.UnsureBelow = .4
	for _, weak := range []int{2, 4} { // one sure step of three: as a whole the raise is not
		in.Decisions["S01"][weak] = decided("raise_hand", .12)
	}
	for want, steps := range []int{0, 1} {
		tl := build(t, in)
		n := 0
		for _, p := range tl.Class {
			n += p.Hands
		}
		if tl.Students[0].HandRaises != want || n != 3*steps {
			t.Errorf("%d hand-raises, hands up at %d steps, want %d and %d", tl.Students[0].HandRaises, n, want, 3*steps)
		}
		in.Options.UnsureBelow = .2
		for i := 2; i < 5; i++ {
			in.Decisions["S01"][i] = decided("raise_hand", .5)
		}
		in.Decisions["S01"][3] = decided("raise_hand", .15)
	}
}

func TestSmoothing(t *testing.T) {
	path := func(steps string, cost float64) string {
		in := input("S01", steps)
		in.Options.ChangeCost = cost
		out := ""
		for _, r := range build(t, in).Rows {
			out += r.Behaviour[:1]
		}
		return out
	}
	if got := path("ffwff", 0); got != "llwll" {
		t.Errorf("no cost: %s", got)
	}
	if got := path("ffwff", 2); got != "lllll" { // ln(.8/.022) = 3.6 nats are less than two changes of 2
		t.Errorf("two changes for one step: %s", got)
	}
	if got := path("fffwww", 2); got != "lllwww" {
		t.Errorf("a lasting change: %s", got)
	}
}

func TestShortIntervalsJoinTheLongerNeighbour(t *testing.T) {
	in := input("S01", "ffffwddd")
	in.Options.MinInterval = 2
	if rows := build(t, in).Rows; rows[4].Behaviour != "look_forward" {
		t.Errorf("the short interval became %s", rows[4].Behaviour)
	}
	in = input("S01", "ffffhddd")
	in.Options.MinInterval = 2
	if rows := build(t, in).Rows; rows[4].Behaviour != "raise_hand" {
		t.Errorf("the raised hand became %s", rows[4].Behaviour)
	}
}

func TestStudentSums(t *testing.T) {
	s := build(t, input("S01", "ffpp-?hhff")).Students[0]
	if s.Seen != 9 || s.Hidden != 1 || s.HandRaises != 1 {
		t.Errorf("seen %v, hidden %v, hands %d", s.Seen, s.Hidden, s.HandRaises)
	}
	if math.Abs(s.OnTaskShare-6.0/8) > 1e-9 { // the unsure step is left out
		t.Errorf("on task %v", s.OnTaskShare)
	}
	if math.Abs(s.EngagementMean-(4*1+2*0+2*2)/8.0) > 1e-9 {
		t.Errorf("engagement %v", s.EngagementMean)
	}
	if want := []float64{4. / 8, 0, 0, 2. / 8, 0, 0, 0, 2. / 8, 0, 0}; !slices.Equal(s.Shares, want) {
		t.Errorf("shares %v, want %v", s.Shares, want)
	}
}

// Whether a student reads, writes or listens may be a guess, and on task sure all the same; the other way round a behaviour can be sure whose attention is not.
func TestAttentionHasAProbabilityOfItsOwn(t *testing.T) {
	in := input("S01", "ff")
	var split, torn Decision
	split.Behaviour = [10]float32{.29, .29, .29, 0, .13}
	torn.Behaviour = [10]float32{.52, 0, 0, 0, .48}
	in.Decisions["S01"] = map[int]Decision{0: split, 1: torn}
	tl := build(t, in)
	for i, want := range []struct {
		sure      bool
		attention string
	}{{false, OnTask}, {true, Unknown}} {
		if r := tl.Rows[i]; r.Sure != want.sure || r.Attention != want.attention {
			t.Errorf("step %d: sure %v, attention %s with %.2f; want %v, %s", i, r.Sure, r.Attention, r.AttentionP, want.sure, want.attention)
		}
	}
	s := tl.Students[0]
	if s.OnTaskShare != 1 || s.EngagementMean != 1 || s.Shares[0] != 1 {
		t.Errorf("on task %v, engagement %v, look_forward %v: want 1 of one step each", s.OnTaskShare, s.EngagementMean, s.Shares[0])
	}
	if c := tl.Class; c[0].Known != 1 || c[0].Sure != 0 || c[1].Known != 0 || c[1].Sure != 1 {
		t.Errorf("class %+v", c)
	}
}

func TestTeacherIsNotCounted(t *testing.T) {
	in, teacher := input("S01", "ffff"), input("T01", "pppp")
	in.Tracks = append(in.Tracks, teacher.Tracks...)
	in.Decisions["T01"] = teacher.Decisions["T01"]
	tl := build(t, in)
	if s := tl.Summary(); s.Students != 1 || !s.Teacher || *s.OnTaskShare != 1 {
		t.Errorf("summary %+v", s)
	}
	if c := tl.Class[0]; c.Visible != 1 || c.OnTask != 1 {
		t.Errorf("class %+v", c)
	}
}

func TestNobody(t *testing.T) {
	tl := build(t, Input{Meanings: meanings})
	if s := tl.Summary(); s.Students != 0 || s.OnTaskShare != nil {
		t.Errorf("summary %+v", s)
	}
	if _, err := tl.WriteTables(t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestTables(t *testing.T) {
	dir := t.TempDir()
	if _, err := build(t, input("S01", "f-?")).WriteTables(dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "timeline.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := `time_s,student,x,y,w,h,visible,behaviour,behaviour_p,attention,attention_p,engagement,engagement_p,motion
0,S01,1,2,3,4,1,look_forward,0.8,on_task,0.9318,1,0.8444,0
1,S01,,,,,0,,,,,,,
2,S01,1,2,3,4,1,write,0.2,unknown,0.7073,2,0.3778,0
`
	if string(b) != want {
		t.Errorf("timeline.csv:\n%s\nwant:\n%s", b, want)
	}
	checkParquet(t, filepath.Join(dir, "timeline.parquet"), strings.Split(strings.TrimSpace(string(b)), "\n"))
}

// checkParquet compares the Parquet file with the CSV, cell by cell.
func checkParquet(t *testing.T, name string, lines []string) {
	t.Helper()
	rows, err := parquet.ReadFile[parquetRow](name)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(lines)-1 {
		t.Fatalf("%d rows, the CSV has %d", len(rows), len(lines)-1)
	}
	for i, r := range rows {
		var cells []string
		v := reflect.ValueOf(r)
		for j := range v.NumField() {
			cells = append(cells, cell(v.Field(j)))
		}
		if got := strings.Join(cells, ","); got != lines[i+1] {
			t.Errorf("row %d is %s, the CSV has %s", i, got, lines[i+1])
		}
	}
}

func cell(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if v.CanFloat() {
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}

func TestRowsAreSorted(t *testing.T) {
	in, other := input("S02", "fff"), input("S01", "fff")
	in.Tracks = append(in.Tracks, other.Tracks...)
	in.Decisions["S01"] = other.Decisions["S01"]
	rows := build(t, in).Rows
	if !slices.IsSortedFunc(rows, func(a, b Row) int {
		if a.Step != b.Step {
			return a.Step - b.Step
		}
		return strings.Compare(a.Student, b.Student)
	}) {
		t.Errorf("rows %+v", rows)
	}
}

// TestHeldTooLong: a student whose head is only held in place, found and followed by nothing for longer than the network looks to either side,
// is unknown there and counts in no share.
func TestHeldTooLong(t *testing.T) {
	in := input("S01", "ffffffffff")
	in.Options.SeenQuality, in.Options.SeenWithin = 0.25, 2
	for i := range in.Tracks[0].Sightings {
		in.Tracks[0].Sightings[i].Quality = 0.1
	}
	in.Tracks[0].Sightings[1].Quality = 0.9 // found
	in.Tracks[0].Sightings[9].Quality = 0.3 // followed
	tl := build(t, in)
	for i, want := range []string{OnTask, OnTask, OnTask, OnTask, Unknown, Unknown, Unknown, OnTask, OnTask, OnTask} {
		if r := tl.Rows[i]; r.Attention != want || r.Sure != (want == OnTask) || r.Behaviour != "look_forward" {
			t.Errorf("step %d: %s, sure %v, %s; want %s", i, r.Attention, r.Sure, r.Behaviour, want)
		}
	}
}

// Where nothing is sure, nothing is known: cells are empty, not 0.
func TestNothingSureIsEmpty(t *testing.T) {
	tl := build(t, input("S01", "??"))
	row := tl.studentRows()[1]
	for i, name := range studentColumns()[4:16] {
		if row[4+i] != "" {
			t.Errorf("%s is %q", name, row[4+i])
		}
	}
}
