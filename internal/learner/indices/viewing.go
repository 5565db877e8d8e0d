package indices

import "math"

// ViewingColumns name what Viewing gives.
var ViewingColumns = []string{"view_hours", "view_hours_week", "view_again"}

// Viewing are the features that only a record with times and items tells, of what is
// dated up to the end of a day: log(1+hours), the same of the last seven days, and the
// share of clicks on items seen on an earlier day. NaN is not known.
func Viewing(r Record, day int) []float32 {
	r = until(r, day)
	hours, _ := duration(r)
	_, again := again(r.Events)
	week := r
	for i, e := range r.Events {
		if e.Day >= float64(day-6) {
			week.Events = r.Events[i:]
			break
		}
		week.Events = nil
	}
	last, _ := duration(week)
	return []float32{float32(math.Log1p(hours)), float32(math.Log1p(last)), float32(again)}
}
