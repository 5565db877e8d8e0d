package features

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"classlens/internal/learner/logs"
)

// class is a course of 100 days with three pieces of work (days 10, 20 and 50) and
// three students; the exam must not be looked at.
func class() *logs.Log {
	l := &logs.Log{Clicks: logs.DailyClicks, Kinds: []string{"forumng", "resource"}}
	l.Courses = []logs.Course{{Module: "AAA", Presentation: "2013J", Length: 100, Assessments: []int{0, 1, 2, 3}, Enrolments: []int{0, 1, 2}}}
	l.Assessments = []logs.Assessment{{ID: "c", Kind: "TMA", Due: 50, Weight: 50}, {ID: "a", Kind: "TMA", Due: 10, Weight: 20}, {ID: "b", Kind: "CMA", Due: 20, Weight: 30}, {ID: "x", Kind: "Exam", Due: 100, Weight: 100}}
	l.Enrolments = []logs.Enrolment{
		{Student: "1", Registered: -20, Unregistered: logs.NoDay, Credits: 60, Result: logs.Pass,
			Submissions: []logs.Submission{{Assessment: 1, Day: 8, Score: 80}, {Assessment: 2, Day: 25, Score: 60}, {Assessment: 3, Day: 30, Score: 5}, {Assessment: 0, Day: 49, Score: 90}},
			Activities:  []logs.Activity{{Day: -3, Kind: 1, Sites: 1, Clicks: 2, Again: 1}, {Day: 22, Kind: 0, Sites: 2, Clicks: 6, Again: 4}, {Day: 24, Kind: 1, Sites: 1, Clicks: 1}, {Day: 40, Kind: 0, Sites: 1, Clicks: 9}}},
		{Student: "2", Registered: 5, Unregistered: 27, Attempts: 2, Result: logs.Withdrawn},
		{Student: "3", Registered: -9, Unregistered: logs.NoDay, Result: logs.Fail, Submissions: []logs.Submission{{Assessment: 1, Day: 12, Score: 30}, {Assessment: 2, Day: 2, Banked: true, Score: 70}}},
	}
	return l
}

func TestColumnsByHand(t *testing.T) {
	o := Options{Clicks: true, Daily: true, Static: true}
	b := NewBuilder(class(), o, nil)
	names := b.Names()
	if len(names) != o.Width() || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Fatalf("%d names for %d columns, or one twice", len(names), o.Width())
	}
	s := b.At(0, 28)
	if len(s.Rows) != 2 || s.Row(1) != nil || s.Cohort.Size != 2 {
		t.Fatalf("student 2 left on day 27: %d rows", len(s.Rows))
	}
	if b.At(0, 26).Row(1) == nil || b.At(0, 4).Row(1) != nil {
		t.Error("student 2 is there from day 5 to 26")
	}
	none := math.NaN()
	for _, c := range []struct {
		student int
		want    map[string]float64
	}{
		{0, map[string]float64{"progress": .28, "weeks": 4, "due_count": 2, "due_weight": .5, "handed_share": 1, "handed_weight": 1, "backlog_tma": 0, "backlog_run": 0, "late_count": 1, "ahead_count": 0,
			"early_mean": -1.5, "early_last": -5, "early_least": -5, "since_handed": 3, "handed_any": 1, "score_mean": 70, "score_weighted": 68, "score_last": 60, "score_first": 80, "score_trend": -20,
			"score_tma": 80, "score_cma": 60, "points_share": 68, "points_mean": 70, "rank_points": .75, "cohort_left": 1. / 3, "registered": -20, "credits": 60,
			"clicks_total": math.Log1p(9), "clicks_days": 3, "days_recent": 2, "since_seen": 4, "week_forum": math.Log1p(6), "week_content": math.Log1p(1), "week_days": 2, "again_share": 5. / 9, "place_last": .5,
			"points_so_far": 34, "points_lost": 16, "weight_left": .5, "points_needed": 12, "overdue_last": 0, "overdue_run": 0, "missed_last": 0, "missed_second": 0, "missed_third": none, "missed_tma": 0,
			"handed_recent": 1}},
		{2, map[string]float64{"handed_share": 1, "late_count": 1, "banked_count": 1, "banked_mean": 70, "early_mean": -2, "score_mean": 50, "low_count": 1, "rank_points": .25, "clicks_total": 0, "since_seen": 58,
			"week_forum": 0, "regularity": none, "registered_late": 0, "static_female": 0, "static_age": none}},
	} {
		row := s.Row(c.student)
		for name, want := range c.want {
			i := slices.Index(names, name)
			if i < 0 {
				t.Fatalf("no column %s", name)
			}
			if got := float64(row[i]); math.Abs(got-want) > 1e-5 && !(got != got && want != want) {
				t.Errorf("student %d, %s: %g, want %g", c.student+1, name, got, want)
			}
		}
	}
}

// Before anything is due, who has handed in nothing is not told from who did not have to:
// a course with a late first piece of work must not look like one whose students gave up.
func TestNothingDueYet(t *testing.T) {
	b := NewBuilder(class(), Options{}, nil)
	for _, c := range []struct {
		day, student int
		any, since   float32
	}{{7, 0, nan, nan}, {9, 0, 1, 1}, {9, 2, nan, nan}, {10, 2, 0, 10}, {12, 2, 1, 0}} {
		row := b.At(0, c.day).Row(c.student)
		same := func(got, want float32) bool { return got == want || !known(got) && !known(want) }
		if !same(row[handedAny], c.any) || !same(row[sinceHanded], c.since) {
			t.Errorf("day %d, student %d: handed_any %g, since_handed %g, want %g, %g", c.day, c.student+1, row[handedAny], row[sinceHanded], c.any, c.since)
		}
	}
}

func TestExtraColumns(t *testing.T) {
	b := NewBuilder(class(), Options{}, nil)
	b.Extra = []Extra{{Names: []string{"mine"}, Of: func(enrolment, day int) []float32 { return []float32{float32(100*enrolment + day)} }}}
	if row := b.At(0, 28).Row(2); len(row) != len(b.Names()) || row[len(row)-1] != 228 {
		t.Errorf("%v", row)
	}
}

func TestShare(t *testing.T) {
	v := []float32{1, 2, 2, 4}
	for x, want := range map[float32]float32{0: 0, 1: .125, 2: .5, 3: .75, 4: .875, 9: 1} {
		if got := share(v, x); got != want {
			t.Errorf("place of %g: %g, want %g", x, got, want)
		}
	}
	if known(share(nil, 1)) || known(share(v, nan)) {
		t.Error("a place among nobody, or of nothing")
	}
}

// A cohort comes back from JSON as it was, with what is not known; thinned lists
// keep places to within half a quantile.
func TestStoredCohorts(t *testing.T) {
	c := &Cohort{Module: "AAA", Day: 14, Size: 500, Left: nan, Handed: .5, Score: nan, Tasks: map[string]TaskTable{"TMA1": {Scores: []float32{1}, Early: []float32{2}}}}
	var values []float32
	for i := range 500 {
		values = append(values, float32(i*i))
	}
	c.Ranked = [][]float32{values}
	data, err := json.Marshal(c.Thin())
	if err != nil {
		t.Fatal(err)
	}
	var back Cohort
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if known(back.Left) || known(back.Score) || back.Handed != .5 || back.Day != 14 || len(back.Ranked[0]) != quantiles || back.Tasks["TMA1"].Early[0] != 2 {
		t.Errorf("%+v", back)
	}
	for _, x := range []float32{10, 900, 1e5, 2e5} {
		if a, b := share(values, x), share(back.Ranked[0], x); math.Abs(float64(a-b)) > 1./quantiles {
			t.Errorf("place of %g: %.3f, thinned %.3f", x, a, b)
		}
	}
}

func TestNearestCohort(t *testing.T) {
	tables := &Tables{Cohorts: []*Cohort{{Module: "AAA", Day: 14, Size: 100}, {Module: "AAA", Day: 28, Size: 100}, {Module: "BBB", Day: 28, Size: 300}}}
	for _, c := range []struct {
		own  Cohort
		want int
	}{{Cohort{Module: "AAA", Day: 25, Size: 1}, 1}, {Cohort{Module: "AAA", Day: 15, Size: 1}, 0}, {Cohort{Module: "ZZZ", Day: 30, Size: 1}, 2}} {
		if got := tables.reference(&c.own); got != tables.Cohorts[c.want] {
			t.Errorf("%s day %d: %s day %d", c.own.Module, c.own.Day, got.Module, got.Day)
		}
	}
	big := &Cohort{Module: "AAA", Day: 25, Size: alone}
	if tables.reference(big) != big {
		t.Error("a course large enough is its own measure")
	}
}

func TestBands(t *testing.T) {
	for band, want := range map[string]float32{"0-10%": 0, "10-20": 1, "90-100%": 9, "": nan, "?": nan} {
		if got := Deprivation(band); got != want && known(want) || known(got) != known(want) {
			t.Errorf("%q: %g", band, got)
		}
	}
	if AgeBand("35-55") != 1 || known(AgeBand("young")) {
		t.Error("age bands")
	}
}

// TestKinds: OULAD's kinds of activity keep their columns, those of other logs are told by their words.
func TestKinds(t *testing.T) {
	for kind, want := range map[string]int{"forumng": weekForum, "sharedsubpage": weekOther, "folder": weekOther, "oucollaborate": weekLive, "forum_view": weekForum, "Discussion": weekForum, "chat-message": weekForum,
		"VIDEO": weekContent, "read pdf": weekContent, "quizAttempt": weekQuiz, "live_session": weekLive, "dashboard": weekHome, "latest_news": weekOther, "vr_lab": weekOther} {
		if got := groupColumn(kind); got != want {
			t.Errorf("%s counts as %s, want %s", kind, columnNames[got], columnNames[want])
		}
	}
}
