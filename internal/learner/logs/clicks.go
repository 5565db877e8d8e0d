package logs

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// readClicks takes the daily click log where there is one, else the cumulative
// files, else nothing.
func (r *reader) readClicks() error {
	err := r.readDaily()
	if !errors.Is(err, errNoTable) {
		return err
	}
	return r.readCumulative()
}

// readDaily streams studentVle.csv once. Rows of one enrolment, day and kind are
// added up on the way, so that memory grows with days of activity, not with rows.
func (r *reader) readDaily() error {
	columns := []string{"code_module", "code_presentation", "id_student", "id_site", "date", "sum_click"}
	t, err := openTable(r.dir, "studentVle.csv", columns...)
	if err != nil {
		return err
	}
	t.Close()
	kinds, err := r.readSites()
	if err != nil {
		return err
	}
	r.log.Clicks = DailyClicks
	err = r.each("studentVle.csv", columns, func(f [][]byte) string {
		e, reason := r.enrolment(f[0], f[1], f[2])
		if reason != "" {
			return reason
		}
		kind, ok := kinds[string(f[3])]
		if !ok {
			return fmt.Sprintf("site %s is not in vle.csv", f[3])
		}
		when, ok1 := day(f[4])
		clicks, ok2 := day(f[5])
		if !ok1 || !ok2 || when < math.MinInt16 || when > math.MaxInt16 || clicks < 1 {
			return fmt.Sprintf("date %q, sum_click %q: a day and at least one click are due", f[4], f[5])
		}
		e.click(Activity{Day: int16(when), Kind: kind, Sites: 1, Clicks: uint16(min(clicks, math.MaxUint16)), Again: uint16(min(clicks-1, math.MaxUint16))})
		return ""
	})
	for i := range r.log.Enrolments {
		r.log.Enrolments[i].tidy()
	}
	return err
}

// readSites gives the kind of activity of each site.
func (r *reader) readSites() (map[string]uint8, error) {
	sites, kinds := map[string]uint8{}, map[string]uint8{}
	err := r.each("vle.csv", []string{"id_site", "activity_type"}, func(f [][]byte) string {
		kind, ok := kinds[string(f[1])]
		if !ok {
			if len(kinds) > math.MaxUint8 {
				return fmt.Sprintf("activity_type %q: more than 256 kinds", f[1])
			}
			kind = uint8(len(kinds))
			kinds[string(f[1])] = kind
			r.log.Kinds = append(r.log.Kinds, string(f[1]))
		}
		sites[string(f[0])] = kind
		return ""
	})
	return sites, err
}

// click adds a row, to an entry of the same day and kind if one is near.
func (e *Enrolment) click(a Activity) {
	for i := len(e.Activities) - 1; i >= max(0, len(e.Activities)-24); i-- {
		if b := &e.Activities[i]; b.Day == a.Day && b.Kind == a.Kind {
			b.add(a)
			return
		}
	}
	if len(e.Activities) == cap(e.Activities) && len(e.Activities) >= 64 {
		e.tidy()
		if len(e.Activities) > cap(e.Activities)*3/4 {
			e.Activities = slices.Grow(e.Activities, cap(e.Activities)/2)
		}
	}
	e.Activities = append(e.Activities, a)
}

func (a *Activity) add(b Activity) {
	a.Sites = uint8(min(int(a.Sites)+int(b.Sites), math.MaxUint8))
	a.Clicks = uint16(min(int(a.Clicks)+int(b.Clicks), math.MaxUint16))
	a.Again = uint16(min(int(a.Again)+int(b.Again), math.MaxUint16))
}

// tidy sorts activities by day and kind and joins those that are alike.
func (e *Enrolment) tidy() {
	order := func(a, b Activity) int { return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind)) }
	if !slices.IsSortedFunc(e.Activities, order) {
		slices.SortStableFunc(e.Activities, order)
	}
	kept := e.Activities[:0]
	for _, a := range e.Activities {
		if n := len(kept); n > 0 && order(kept[n-1], a) == 0 {
			kept[n-1].add(a)
			continue
		}
		kept = append(kept, a)
	}
	e.Activities = kept
}

var cumulativeName = regexp.MustCompile(`^(clicks_cumulative_week_([0-9]{1,2})\.csv)(\.gz)?$`)

// readCumulative reads clicks_cumulative_week_N.csv: what students with exactly
// one course had clicked by the end of week N, day 7·N. A student without a row may
// have no clicks or several courses; the file does not say which.
func (r *reader) readCumulative() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	weeks := map[int]string{}
	for _, f := range entries {
		if m := cumulativeName.FindStringSubmatch(filepath.Base(f.Name())); m != nil {
			n, _ := strconv.Atoi(m[2]) // digits, says the pattern
			weeks[n] = m[1]
		}
	}
	if len(weeks) == 0 {
		return nil
	}
	r.log.Clicks = CumulativeClicks
	only := r.onlyCourse()
	order := make([]int, 0, len(weeks))
	for n := range weeks {
		order = append(order, n)
	}
	slices.Sort(order)
	for _, n := range order {
		if err := r.readWeek(weeks[n], 7*n, only); err != nil {
			return err
		}
	}
	return nil
}

// onlyCourse maps students to their enrolment, or to -1 when they have several.
func (r *reader) onlyCourse() map[string]int {
	only := make(map[string]int, len(r.log.Enrolments))
	for i, e := range r.log.Enrolments {
		if _, twice := only[e.Student]; twice {
			i = -1
		}
		only[e.Student] = i
	}
	return only
}

func (r *reader) readWeek(name string, until int, only map[string]int) error {
	return r.each(name, []string{"id_student", "total_clicks", "avg_daily_clicks", "std_clicks", "active_days", "interactions"}, func(f [][]byte) string {
		i, ok := only[string(f[0])]
		if !ok {
			return fmt.Sprintf("student %s is not in studentInfo.csv", f[0])
		}
		if i < 0 {
			return fmt.Sprintf("student %s has several courses: whose clicks are these?", f[0])
		}
		var v [5]float64
		for k := range v {
			x, err := strconv.ParseFloat(string(f[k+1]), 64)
			if missing(f[k+1]) {
				x, err = 0, nil
			}
			if err != nil || !(x >= 0 && x < 1e9) {
				return fmt.Sprintf("%q is no number of clicks", f[k+1])
			}
			v[k] = x
		}
		e := &r.log.Enrolments[i]
		if n := len(e.Cumulative); n > 0 && e.Cumulative[n-1].Day == until {
			return fmt.Sprintf("student %s a second time", f[0])
		}
		e.Cumulative = append(e.Cumulative, Cumulative{Day: until, Clicks: v[0], Daily: v[1], Spread: v[2], ActiveDays: v[3], Interactions: v[4]})
		return ""
	})
}
