package indices

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"classlens/internal/learner/logs"
	"classlens/internal/learner/synthlog"
)

func event(day float64, kind, item string, clicks int) Event {
	return Event{Day: day, Kind: kind, Item: item, Clicks: clicks}
}

// minutes after midnight of a day.
func at(day, minutes float64) float64 { return day + minutes/1440 }

// steady is three weeks, every second day at ten: a page, again, and a forum.
func steady() Record {
	r := Record{Student: "s", Timed: true, Kinds: 4, Posts: []float64{3, 9, 16}}
	for d := 0.; d < 42; d += 2 {
		r.Events = append(r.Events, event(at(d, 600), "page", "a", 2), event(at(d, 620), "page", fmt.Sprint(d), 1), event(at(d, 700), "forumng", "f", 1))
	}
	r.Works = []Work{{20, 19, 80, 10}, {27, 27, 70, 10}, {34, 36, 60, 20}, {60, 50, 100, 50}}
	return r
}

func TestFormulas(t *testing.T) {
	x := Of(steady(), 41)
	// 21 days: 20 min + last events of two sessions; per day items: "a" twice, one
	// new, "f": again today 1 of 4; "a" and "f" known from the second day on: 3 of 4.
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"active_days", x.ActiveDays, 21}, {"hours", x.Hours, 21 * 22. / 60}, {"sessions", x.Sessions, 42},
		{"again_day", x.AgainDay, .25}, {"again_ever", x.AgainEver, .75 * 20 / 21}, {"regularity", x.Regularity, 1},
		{"weekday_focus", x.WeekdayFocus, 0}, {"hour_focus", x.HourFocus, 1 - entropy(.75, .25)/math.Log(24)}, {"night_share", x.NightShare, 0},
		{"hour 10", x.HoursOfDay[10], .75}, {"hour 11", x.HoursOfDay[11], .25}, {"weekday 0", x.Weekdays[0], 1. / 7},
		{"interest", x.Interest, .5}, {"breadth", x.Breadth, .5}, {"efficiency", x.Efficiency, (8. + 7 + 12) / (21 * 22. / 60)},
		{"forum_days", x.ForumDays, 1}, {"posts_per_week", x.PostsPerWeek, .5}, {"trend", x.Trend, 0}, {"score_trend", x.ScoreTrend, -10}, {"recent_share", x.RecentShare, 1},
	} {
		tolerance := 1e-9
		if c.name == "interest" {
			tolerance = .03 // 21 days of each, 10 and 11 of them active
		}
		if !(math.Abs(c.got-c.want) <= tolerance) {
			t.Errorf("%s is %g, want %g", c.name, c.got, c.want)
		}
	}
}

func entropy(p ...float64) (h float64) {
	for _, v := range p {
		h -= v * math.Log(v)
	}
	return h
}

// TestDirections: what each index is for.
func TestDirections(t *testing.T) {
	base := steady()
	fading, driven, chaotic, night := steady(), steady(), steady(), steady()
	fading.Events = fading.Events[:len(fading.Events)/2]
	driven.Events = nil
	for d := 0.; d < 42; d++ {
		n := 1
		if d >= 14 && d <= 34 {
			n = 9
		}
		driven.Events = append(driven.Events, event(at(d, 600), "page", "a", n))
	}
	r := rand.New(rand.NewPCG(1, 1))
	chaotic.Events = nil
	for d := 0.; d < 42; d += 1 + float64(r.IntN(2)*r.IntN(9)) {
		chaotic.Events = append(chaotic.Events, event(at(d, 1440*r.Float64()), "page", "a", 1))
	}
	for i := range night.Events {
		night.Events[i].Day -= 8. / 24
	}
	b, f, d, c, n := Of(base, 41), Of(fading, 41), Of(driven, 41), Of(chaotic, 41), Of(night, 41)
	for name, ok := range map[string]bool{
		"trend falls": f.Trend < -.2, "recent falls": f.RecentShare < .5, "driven by due days": d.Interest < .2, "irregular": c.Regularity < .7 && b.Regularity == 1,
		"hours spread": c.HourFocus < b.HourFocus, "at night": n.NightShare > .9,
	} {
		if !ok {
			t.Errorf("%s: no\nbase %+v\nfading %+v\ndriven %+v\nchaotic %+v\nnight %+v", name, b, f, d, c, n)
		}
	}
}

func TestNothingKnown(t *testing.T) {
	for name, r := range map[string]Record{"empty": {}, "timed": {Timed: true}, "one": {Events: []Event{event(1, "page", "", 1)}}} {
		x := Of(r, 100)
		data, err := json.Marshal(x)
		if err != nil || strings.Contains(string(data), "NaN") {
			t.Errorf("%s: %v %s", name, err, data)
		}
		for _, c := range Columns {
			if math.IsInf(c.Of(&x), 0) {
				t.Errorf("%s: %s is infinite", name, c.Name)
			}
		}
		if x.Regularity == x.Regularity || x.Efficiency == x.Efficiency {
			t.Errorf("%s: %+v", name, x)
		}
	}
}

// TestTimeOrder changes all that is dated after the day: no index may move.
func TestTimeOrder(t *testing.T) {
	dir := t.TempDir()
	if _, err := synthlog.Write(dir, synthlog.Options{Seed: 2, Students: 60, Modules: 1}); err != nil {
		t.Fatal(err)
	}
	l, err := logs.ReadOULAD(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 3))
	const day = 90
	some := 0
	for i := range l.Enrolments {
		a := FromLog(l, i)
		a.Timed, a.Posts = i%2 == 0, []float64{5, 89.9, 91}
		b := a
		b.Events, b.Works, b.Posts = nil, nil, []float64{5, 89.9}
		for _, e := range a.Events {
			if e.Day < day+1 {
				b.Events = append(b.Events, e)
			} else if e.Clicks = 1 + r.IntN(50); r.IntN(2) == 0 {
				b.Events = append(b.Events, e)
				some++
			}
		}
		r.Shuffle(len(b.Events), func(i, j int) {
			if b.Events[i].Day != b.Events[j].Day {
				b.Events[i], b.Events[j] = b.Events[j], b.Events[i]
			}
		})
		for _, w := range a.Works {
			if !(w.Handed < day+1) && r.IntN(2) == 0 {
				w.Handed, w.Score = 300*r.Float64()+day+1, 100*r.Float64()
				some++
			}
			b.Works = append(b.Works, w)
		}
		x, y := jsonOf(t, Of(a, day)), jsonOf(t, Of(b, day))
		if x != y {
			t.Fatalf("student %s:\n%s\n%s", a.Student, x, y)
		}
	}
	if some == 0 {
		t.Error("nothing was changed")
	}
}

func jsonOf(t *testing.T, x Indices) string {
	t.Helper()
	data, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestCourse: made-up students who stop clicking rank low in trend, those with low
// scores in efficiency; and the table has what the docs say.
func TestCourse(t *testing.T) {
	dir := t.TempDir()
	students, err := synthlog.Write(dir, synthlog.Options{Seed: 5, Students: 800, Modules: 1, Presentations: []string{"2014B"}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := logs.ReadOULAD(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	all := Course(l, 0, 100)
	ranks := Ranks(all)
	column := func(name string) int {
		for i, c := range Columns {
			if c.Name == name {
				return i
			}
		}
		t.Fatal(name)
		return 0
	}
	cause := map[string]synthlog.Cause{}
	for _, s := range students {
		cause[fmt.Sprint(s.ID)] = s.Cause
	}
	mean := func(name string, of synthlog.Cause) float64 {
		s, n, c := 0., 0., column(name)
		for i := range all {
			if v := ranks[i][c]; cause[all[i].Student] == of && v == v {
				s, n = s+v, n+1
			}
		}
		return s / n
	}
	if a, b := mean("active_days", synthlog.Inactive), mean("active_days", synthlog.None); a > .25 || b < .5 {
		t.Errorf("mean rank of active days: %.2f of the inactive, %.2f of the others", a, b)
	}
	if a, b := mean("score_trend", synthlog.Low), mean("score_trend", synthlog.None); a > b {
		t.Errorf("mean rank of score trend: %.2f of the low, %.2f of the others", a, b)
	}
	data, err := CSV(all)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(data), "\n"); lines != len(all)+1 || strings.Contains(string(data), "NaN") {
		t.Errorf("%d lines for %d students", lines, len(all))
	}
	doc, err := os.ReadFile("../../../docs/indices.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Columns {
		if !strings.Contains(string(doc), "`"+c.Name+"`") {
			t.Errorf("docs/indices.md lacks %s", c.Name)
		}
	}
}

// Viewing by hand: ten minutes and a last click on day 2, one click on day 9 that
// comes back to an item; what is later does not matter.
func TestViewing(t *testing.T) {
	at := func(day, minute float64) float64 { return day + minute/1440 }
	r := Record{Timed: true, Events: []Event{{Day: at(2, 600), Item: "a", Clicks: 1}, {Day: at(2, 610), Item: "b", Clicks: 1}, {Day: at(9, 5), Item: "a", Clicks: 2}}}
	check := func(day int, want ...float64) {
		t.Helper()
		got := Viewing(r, day)
		for i, w := range want {
			if g := float64(got[i]); math.Abs(g-w) > 1e-6 && !(g != g && w != w) {
				t.Errorf("day %d, %s: %g, want %g", day, ViewingColumns[i], g, w)
			}
		}
	}
	first, second := math.Log1p(11/60.), math.Log1p(12/60.)
	check(1, 0, 0, math.NaN())
	check(2, first, first, 0)
	check(8, first, first, 0)
	check(9, second, math.Log1p(1/60.), .5)
	r.Events = append(r.Events, Event{Day: at(10, 0), Item: "a", Clicks: 90})
	check(9, second, math.Log1p(1/60.), .5)
	r.Timed = false
	check(9, math.NaN(), math.NaN(), .5)
}
