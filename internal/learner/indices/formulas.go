package indices

import (
	"math"
	"strings"
)

// Constants of the formulas, in minutes unless said otherwise.
const (
	sessionGap  = 30 // without an event ends a session
	lastEvent   = 1  // what the last event of a session is taken to last
	dueWindow   = 7  // days up to a due day that count as near it
	trendWeeks  = 6  // weeks that a trend looks at
	recentDays  = 14
	leastDays   = 3 // active days below which habits and yields say nothing
	leastScores = 3
)

// duration adds up sessions: an event lasts until the next one of its session.
func duration(r Record) (hours, sessions float64) {
	if !r.Timed {
		return nan, nan
	}
	for i, e := range r.Events {
		if i > 0 {
			if gap := (e.Day - r.Events[i-1].Day) * 24 * 60; gap <= sessionGap {
				hours += gap / 60
				continue
			}
		}
		sessions++
		hours += lastEvent / 60.
	}
	return hours, sessions
}

// again is the share of clicks that repeat an item on the same day, and of those
// on items seen on an earlier day.
func again(events []Event) (day, ever float64) {
	type visit struct {
		item string
		day  int
	}
	today, before := map[visit]bool{}, map[string]int{}
	clicks, repeated, items, known := 0, 0, 0, 0
	for _, e := range events {
		clicks += e.Clicks
		if e.Item == "" {
			repeated += e.Again
			continue
		}
		d := int(math.Floor(e.Day))
		v := visit{e.Item, d}
		repeated += e.Clicks
		if !today[v] {
			repeated--
			today[v] = true
		}
		items += e.Clicks
		if first, ok := before[e.Item]; !ok {
			before[e.Item] = d
		} else if first < d {
			known += e.Clicks
		}
	}
	return ratio(float64(repeated), float64(clicks)), ratio(float64(known), float64(items))
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return nan
	}
	return a / b
}

func (x *Indices) habits(r Record, days []int) {
	x.Regularity, x.WeekdayFocus, x.HourFocus, x.NightShare = nan, nan, nan, nan
	for _, d := range days {
		x.Weekdays[d%7]++
	}
	for i := range x.Weekdays {
		x.Weekdays[i] /= float64(max(1, len(days)))
	}
	if len(days) >= leastDays {
		x.Regularity = regularity(days)
		x.WeekdayFocus = focus(x.Weekdays[:])
	}
	if !r.Timed || len(r.Events) == 0 {
		return
	}
	clicks, hours := 0, [24]int{} // whole numbers: the order of events must not matter
	for _, e := range r.Events {
		clicks += e.Clicks
		second := int(math.Round((e.Day - math.Floor(e.Day)) * 86400))
		hours[min(23, second/3600)] += e.Clicks
	}
	for i, n := range hours {
		x.HoursOfDay[i] = ratio(float64(n), float64(clicks))
	}
	x.NightShare = 0
	for _, v := range x.HoursOfDay[:5] {
		x.NightShare += v
	}
	if len(days) >= leastDays {
		x.HourFocus = focus(x.HoursOfDay[:])
	}
}

// regularity is 1/(1+cv) of the gaps between active days.
func regularity(days []int) float64 {
	n, sum, squares := float64(len(days)-1), 0., 0.
	for i := 1; i < len(days); i++ {
		gap := float64(days[i] - days[i-1])
		sum += gap
		squares += gap * gap
	}
	mean := sum / n
	return 1 / (1 + math.Sqrt(max(0, squares/n-mean*mean))/mean)
}

// focus is one less the entropy of shares, beside the largest there can be.
func focus(shares []float64) float64 {
	h := 0.
	for _, p := range shares {
		if p > 0 {
			h -= p * math.Log(p)
		}
	}
	return 1 - h/math.Log(float64(len(shares)))
}

// interest is a/(a+b) with a the clicks a day away from due days and b those a day
// in the week up to one. Only days of the course count.
func interest(r Record, days []int, day int) float64 {
	if len(days) < leastDays {
		return nan
	}
	near := make([]bool, max(0, day+1))
	for _, w := range r.Works {
		if w.Due != w.Due {
			continue
		}
		for d := int(w.Due) - dueWindow + 1; d <= int(w.Due); d++ {
			if d >= 0 && d < len(near) {
				near[d] = true
			}
		}
	}
	var clicks, n [2]float64
	for _, is := range near {
		n[index(is)]++
	}
	for _, e := range r.Events {
		if d := int(math.Floor(e.Day)); d >= 0 && d < len(near) {
			clicks[index(near[d])] += float64(e.Clicks)
		}
	}
	if n[0] < dueWindow || n[1] < dueWindow {
		return nan
	}
	a, b := clicks[0]/n[0], clicks[1]/n[1]
	return ratio(a, a+b)
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

func breadth(r Record) float64 {
	seen := map[string]bool{}
	for _, e := range r.Events {
		seen[e.Kind] = true
	}
	return ratio(float64(len(seen)), float64(r.Kinds))
}

// efficiency is points of the course's mark (weight times score) an hour; an
// active day where there are no times.
func efficiency(r Record, hours, days float64) float64 {
	points, any := 0., false
	for _, w := range r.Works {
		if w.Score == w.Score && w.Weight > 0 {
			points += w.Weight * w.Score / 100
			any = true
		}
	}
	if !any || days < leastDays {
		return nan
	}
	if r.Timed {
		if hours < 1 {
			return nan
		}
		return points / hours
	}
	return points / days
}

// forum tells whether a kind of activity is a place to talk.
func forum(kind string) bool {
	k := strings.ToLower(kind)
	return strings.Contains(k, "forum") || strings.Contains(k, "discussion") || strings.Contains(k, "wiki") || strings.Contains(k, "collaborate") || strings.Contains(k, "chat")
}

func participation(r Record, days []int, day int) (share, posts float64) {
	var talk []Event
	for _, e := range r.Events {
		if forum(e.Kind) {
			talk = append(talk, e)
		}
	}
	posts = nan
	if r.Posts != nil && day >= 6 {
		posts = 7 * float64(len(r.Posts)) / float64(day+1)
	}
	return ratio(float64(len(activeDays(talk))), float64(len(days))), posts
}

// trend is the Theil–Sen slope of log(1+clicks) a week, over the last whole weeks.
func trend(events []Event, day int) float64 {
	weeks := min(trendWeeks, (day+1)/7)
	if weeks < 3 {
		return nan
	}
	v := make([]float64, weeks)
	for _, e := range events {
		back := (float64(day+1) - e.Day) / 7 // weeks before the end of the day
		if w := weeks - 1 - int(back); back >= 0 && w >= 0 && w < weeks {
			v[w] += float64(e.Clicks)
		}
	}
	for i := range v {
		v[i] = math.Log1p(v[i])
	}
	return slope(v)
}

// slope is the median of the slopes between all pairs (Theil 1950, Sen 1968): one
// odd week does not move it.
func slope(v []float64) float64 {
	var s []float64
	for i := range v {
		for j := range i {
			s = append(s, (v[i]-v[j])/float64(i-j))
		}
	}
	return median(s)
}

func scoreTrend(works []Work) float64 {
	v := scoresByDay(works)
	if len(v) < leastScores {
		return nan
	}
	return slope(v)
}

// recent compares the share of active days of the last two weeks with that of the
// time before.
func recent(days []int, day int) float64 {
	if day+1 < 2*recentDays {
		return nan
	}
	a, b := 0., 0.
	for _, d := range days {
		if d > day-recentDays {
			a++
		} else {
			b++
		}
	}
	if b == 0 {
		return nan
	}
	return (a / recentDays) / (b / float64(day+1-recentDays))
}
