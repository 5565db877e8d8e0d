// Package indices describes how a student learns by a few defined figures: how
// long, how often again, when, how much of his own accord, with what yield, with
// whom, and where it is going. docs/indices.md has each formula and its limits.
//
// Every index has a *day* and reads only what is dated up to it. NaN is "not known
// from this record", never zero.
package indices

import (
	"math"
	"slices"
)

// Event is something a student did.
type Event struct {
	Day    float64 // since the course began; the fraction is the time of day where the record is Timed
	Kind   string
	Item   string // what was looked at; "" when the record does not say
	Clicks int    // at least 1
	Again  int    // of them beyond the first on the same item and day, where Item is ""
}

// Work is one assessment that was due, or is handed in.
type Work struct {
	Due    float64 // day; NaN when there is none
	Handed float64 // day; NaN when it is not handed in
	Score  float64 // 0 to 100; NaN
	Weight float64 // per cent of the course's mark
}

// Record is one student in one course.
type Record struct {
	Student string
	Events  []Event
	Timed   bool // events have a time of day
	Works   []Work
	Posts   []float64 // days on which something was written
	Kinds   int       // kinds of activity that the course has
}

// Indices of one student on one day.
type Indices struct {
	Student string `json:"student"`

	ActiveDays float64 `json:"active_days"`
	Hours      float64 `json:"hours"`    // timed records only
	Sessions   float64 `json:"sessions"` // timed records only

	AgainDay  float64 `json:"again_day"`  // share of clicks that repeat an item on the same day
	AgainEver float64 `json:"again_ever"` // share of clicks on items seen on an earlier day; needs items

	Regularity   float64     `json:"regularity"`    // of the gaps between active days, 0 to 1
	WeekdayFocus float64     `json:"weekday_focus"` // 0 all days alike, 1 one day only
	HourFocus    float64     `json:"hour_focus"`    // the same of hours; timed records only
	NightShare   float64     `json:"night_share"`   // of clicks from 0 to 5 o'clock; timed records only
	Weekdays     [7]float64  `json:"weekdays"`      // shares of active days, day 0 of the course first
	HoursOfDay   [24]float64 `json:"hours_of_day"`  // shares of clicks; zeros when not timed

	Interest float64 `json:"interest"` // clicks a day away from due days beside those near them, 0 to 1
	Breadth  float64 `json:"breadth"`  // share of the course's kinds of activity that were used

	Efficiency float64 `json:"efficiency"` // points of the course's mark an hour, or an active day when not timed

	ForumDays    float64 `json:"forum_days"` // share of active days
	PostsPerWeek float64 `json:"posts_per_week"`

	Trend       float64 `json:"trend"`        // slope of weekly log clicks, a week, over the last weeks
	ScoreTrend  float64 `json:"score_trend"`  // slope of scores, points a piece
	RecentShare float64 `json:"recent_share"` // last two weeks' active days beside the student's usual, 1 is usual
}

// Column is one index by name, for tables.
type Column struct {
	Name string
	Of   func(*Indices) float64
}

// Columns are the single figures in the order of tables.
var Columns = []Column{
	{"active_days", func(x *Indices) float64 { return x.ActiveDays }}, {"hours", func(x *Indices) float64 { return x.Hours }},
	{"sessions", func(x *Indices) float64 { return x.Sessions }}, {"again_day", func(x *Indices) float64 { return x.AgainDay }},
	{"again_ever", func(x *Indices) float64 { return x.AgainEver }}, {"regularity", func(x *Indices) float64 { return x.Regularity }},
	{"weekday_focus", func(x *Indices) float64 { return x.WeekdayFocus }}, {"hour_focus", func(x *Indices) float64 { return x.HourFocus }},
	{"night_share", func(x *Indices) float64 { return x.NightShare }}, {"interest", func(x *Indices) float64 { return x.Interest }},
	{"breadth", func(x *Indices) float64 { return x.Breadth }}, {"efficiency", func(x *Indices) float64 { return x.Efficiency }},
	{"forum_days", func(x *Indices) float64 { return x.ForumDays }}, {"posts_per_week", func(x *Indices) float64 { return x.PostsPerWeek }},
	{"trend", func(x *Indices) float64 { return x.Trend }}, {"score_trend", func(x *Indices) float64 { return x.ScoreTrend }},
	{"recent_share", func(x *Indices) float64 { return x.RecentShare }},
}

var nan = math.NaN()

// Of computes the indices of a record on a day (whole days: all of that day counts).
func Of(r Record, day int) Indices {
	r = until(r, day)
	x := Indices{Student: r.Student}
	days := activeDays(r.Events)
	x.ActiveDays = float64(len(days))
	x.Hours, x.Sessions = duration(r)
	x.AgainDay, x.AgainEver = again(r.Events)
	x.habits(r, days)
	x.Interest = interest(r, days, day)
	x.Breadth = breadth(r)
	x.Efficiency = efficiency(r, x.Hours, x.ActiveDays)
	x.ForumDays, x.PostsPerWeek = participation(r, days, day)
	x.Trend = trend(r.Events, day)
	x.ScoreTrend = scoreTrend(r.Works)
	x.RecentShare = recent(days, day)
	return x
}

// until is the record with only what is dated up to the end of the day, sorted.
// The plan (what is due when) stays whole.
func until(r Record, day int) Record {
	end := float64(day + 1)
	out := r
	out.Events, out.Works, out.Posts = nil, nil, nil
	for _, e := range r.Events {
		if e.Day < end {
			out.Events = append(out.Events, e)
		}
	}
	slices.SortStableFunc(out.Events, func(a, b Event) int { return cmp(a.Day, b.Day) })
	for _, w := range r.Works {
		if !(w.Handed < end) {
			w.Handed, w.Score = nan, nan
		}
		out.Works = append(out.Works, w)
	}
	for _, p := range r.Posts {
		if p < end {
			out.Posts = append(out.Posts, p)
		}
	}
	return out
}

func cmp(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// activeDays are the whole days with an event from the course's first day on,
// ascending: what comes before the course is no habit of the course.
func activeDays(events []Event) []int {
	var days []int
	for _, e := range events {
		if d := int(math.Floor(e.Day)); d >= 0 && (len(days) == 0 || days[len(days)-1] != d) {
			days = append(days, d)
		}
	}
	return days
}
